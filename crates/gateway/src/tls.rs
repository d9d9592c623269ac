//! How the gate meets an upstream over TLS, and how it proves itself there.

use std::{error::Error, io, sync::Arc};

use law::Refusal;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, OtherError, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// The texts of PEM files for the upstream's TLS; all of them may be left out.
///
/// No Debug: `key` is a secret.
#[derive(Clone, Copy, Default)]
pub struct TlsFiles<'a> {
    /// Authorities that are trusted beside those of the system.
    pub authorities: Option<&'a [u8]>,
    /// The gate's own certificate, with what leads from it to its authority.
    pub certificate: Option<&'a [u8]>,
    /// The private key of that certificate.
    pub key: Option<&'a [u8]>,
}

/// Why TLS to the upstream cannot be set up. The operator must act.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system has no authorities and none were given.
    #[error("no certificate authority is known; install the system's (package `ca-certificates`) or name a file")]
    NoAuthority,
    /// There is no certificate in a file that should have one.
    #[error("no certificate can be read from the {0} file; it must be PEM")]
    NoCertificate(&'static str),
    /// There is no private key in the file.
    #[error("no private key can be read from the key file; it must be PEM, and not encrypted")]
    NoKey,
    /// A certificate without its key, or the other way round.
    #[error("a client certificate needs both its certificate file and its key file")]
    Half,
    /// They do not belong together, or are of a kind that is not known.
    #[error("the client certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Sets TLS up for HTTP/1.1: the system's authorities and those of the files, and the gate's
/// certificate where there is one.
pub(crate) fn client(files: TlsFiles<'_>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = files.authorities {
        let (added, _) = roots.add_parsable_certificates(certificates(pem, "authorities")?);
        if added == 0 {
            return Err(TlsError::NoCertificate("authorities"));
        }
    }
    if roots.is_empty() {
        return Err(TlsError::NoAuthority);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match (files.certificate, files.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
            builder.with_client_auth_cert(certificates(certificate, "certificate")?, key)?
        }
        _ => return Err(TlsError::Half),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Whose certificate is at fault, where an exchange failed for one.
pub(crate) fn refusal(error: &(dyn Error + 'static)) -> Option<Refusal> {
    use AlertDescription as Alert;
    match beneath(error)? {
        rustls::Error::InvalidCertificate(_) => Some(Refusal::UpstreamUntrusted),
        // In TLS 1.3 the upstream says so only when the gate has sent its request already.
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied,
        ) => Some(Refusal::UpstreamRefusesGate),
        _ => None,
    }
}

/// How a certificate is mended that stays worthless whatever authority the operator names.
pub(crate) fn mend(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) = beneath(error)? else {
        return None;
    };
    match cause.downcast_ref() {
        Some(webpki::Error::CaUsedAsEndEntity) => Some(OWN_AUTHORITY),
        _ => None,
    }
}

/// Of what `openssl req -x509` makes where nothing else is said.
const OWN_AUTHORITY: &str = "the API shows an authority's certificate (CA:TRUE), and none such can be a server's, whoever \
                             vouches for it: make one with `-addext basicConstraints=critical,CA:FALSE` beside \
                             `openssl req -x509`, and name that one in gate.upstream_authorities";

fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error that wraps another gives out that one's source as its own, never itself.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn certificates(pem: &[u8], file: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsError::NoCertificate(file)),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{
        client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
        pki_types::{ServerName, UnixTime},
    };

    use super::*;

    #[test]
    fn a_certificate_that_is_an_authority_is_told_as_that_whoever_vouches_for_it() {
        let shown = |is_ca: rcgen::IsCa| {
            let mut params = rcgen::CertificateParams::new(vec!["api.example".into()]).unwrap();
            params.is_ca = is_ca;
            let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            let mut roots = RootCertStore::empty();
            roots.add(certificate.der().clone()).unwrap();
            let provider = Arc::new(aws_lc_rs::default_provider());
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            let name = ServerName::try_from("api.example").unwrap();
            verifier.verify_server_cert(certificate.der(), &[], &name, &[], UnixTime::now()).err()
        };
        let error = shown(rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)).unwrap();
        assert_eq!(refusal(&error), Some(Refusal::UpstreamUntrusted));
        assert!(mend(&error).unwrap().contains("basicConstraints=critical,CA:FALSE"));
        // As it comes out of a connection.
        assert!(mend(&io::Error::other(error)).is_some());
        assert_eq!(shown(rcgen::IsCa::NoCa), None, "the same as a server's is taken");
        assert_eq!(mend(&rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)), None);
    }

    #[test]
    fn broken_files_are_named() {
        let error = |files: TlsFiles<'_>| client(files).unwrap_err().to_string();
        assert!(error(TlsFiles { authorities: Some(b"nonsense"), ..TlsFiles::default() }).contains("authorities"));
        let made = rcgen::generate_simple_self_signed(vec!["gate".into()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let files = TlsFiles {
            authorities: Some(certificate.as_bytes()),
            certificate: Some(certificate.as_bytes()),
            key: Some(key.as_bytes()),
        };
        assert!(client(files).is_ok());
        assert!(error(TlsFiles { key: None, ..files }).contains("both"));
        assert!(error(TlsFiles { key: Some(certificate.as_bytes()), ..files }).contains("private key"));
        let other = rcgen::generate_simple_self_signed(vec!["gate".into()]).unwrap().signing_key.serialize_pem();
        let error = error(TlsFiles { key: Some(other.as_bytes()), ..files });
        assert!(error.contains("cannot be used"), "{error}");
        assert!(!error.contains(other.lines().nth(1).unwrap()));
    }
}

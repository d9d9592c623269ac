//! How the gate meets an upstream over TLS, and how it proves itself there.

use std::{error::Error, io, sync::Arc};

use law::Refusal;
use rustls::{
    AlertDescription, ClientConfig, RootCertStore,
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
    use super::*;

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

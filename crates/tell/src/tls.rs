//! TLS for every way, with the one crypto library of the house.

use std::{net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};

use crate::{Roots, SettingsError};

/// The certificate authorities that are believed, checked to be readable.
#[derive(Debug)]
pub(crate) struct Believed {
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    store: RootCertStore,
}

impl Believed {
    pub(crate) fn new(roots: &Roots) -> Result<Self, SettingsError> {
        let all = match roots {
            Roots::System => rustls_native_certs::load_native_certs().certs,
            Roots::Only(certificates) => certificates.clone(),
        };
        let mut store = RootCertStore::empty();
        // A system's store holds the odd certificate that cannot be read; the others count.
        let certificates: Vec<_> = all.into_iter().filter(|one| store.add(one.clone()).is_ok()).collect();
        if certificates.is_empty() { Err(SettingsError::NoRoots) } else { Ok(Self { certificates, store }) }
    }

    pub(crate) fn client(&self) -> Result<Arc<ClientConfig>, SettingsError> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| SettingsError::Tls(error.to_string()))?
            .with_root_certificates(self.store.clone())
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

/// The addresses of a host; only those on this host where nothing protects the connection. It is
/// the address that counts, not the name: `localhost` is whatever a file says.
pub(crate) async fn resolve(host: &str, port: u16, loopback_only: bool) -> std::io::Result<Vec<SocketAddr>> {
    let addresses = tokio::net::lookup_host((host, port)).await?;
    Ok(addresses.filter(|address| !loopback_only || is_loopback(address)).collect())
}

/// Whether a name or address without protection is meant to stay on this host.
pub(crate) fn names_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: std::net::IpAddr| address.to_canonical().is_loopback())
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_this_host() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in ["localhost.example", "127.0.0.1.example", "10.0.0.1", "0.0.0.0", "::", "169.254.169.254", ""] {
            assert!(!names_loopback(host), "{host}");
        }
    }

    #[tokio::test]
    async fn an_address_elsewhere_is_never_spoken_to_unprotected() {
        assert_eq!(resolve("192.0.2.1", 25, true).await.unwrap(), Vec::new());
        assert_eq!(resolve("127.0.0.1", 25, true).await.unwrap().len(), 1);
    }

    #[test]
    fn without_authorities_nothing_is_believed() {
        assert_eq!(Believed::new(&Roots::Only(Vec::new())).unwrap_err(), SettingsError::NoRoots);
        let nonsense = Roots::Only(vec![CertificateDer::from(vec![1, 2, 3])]);
        assert_eq!(Believed::new(&nonsense).unwrap_err(), SettingsError::NoRoots);
    }
}

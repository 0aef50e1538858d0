//! The certificate that is served: replaced while the server runs when the files have changed. Connections that are there keep theirs.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use config::identity::{self, Identity};
use config::{ConfigDir, ConfigError, FileSpec, Stamp};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::blocking::Broken;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("the file is not PEM, or holds no certificate and key")]
    Pem(#[source] rustls::pki_types::pem::Error),
    #[error("certificate and key do not fit")]
    Tls(#[from] rustls::Error),
}

/// Why a changed certificate was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error("cannot read the certificate")]
    Config(#[from] ConfigError),
    #[error("cannot use the certificate")]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// The current certificate with its key.
#[derive(Debug)]
pub struct Certificate {
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
    /// The files as they were when they were last looked at.
    seen: Mutex<Option<[Stamp; 2]>>,
}

#[derive(Debug, Clone)]
struct Current {
    key: Arc<CertifiedKey>,
    fingerprint: String,
}

impl Certificate {
    pub fn new(identity: &Identity) -> Result<Certificate, CertificateError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = certified(
            &provider,
            &identity.certificate_pem,
            &identity.certificate_key_pem,
        )?;
        Ok(Certificate {
            provider,
            current: RwLock::new(Current {
                key,
                fingerprint: identity.fingerprint.clone(),
            }),
            seen: Mutex::new(None),
        })
    }

    /// SHA-256 of the certificate as pairs joined by `:`.
    pub fn fingerprint(&self) -> String {
        self.current().fingerprint
    }

    /// What accepts TLS 1.2 and 1.3 with whatever certificate is the current one.
    pub fn acceptor(self: &Arc<Certificate>) -> Result<TlsAcceptor, rustls::Error> {
        let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Takes what is on disk, if it has changed since the last look; whether it is another certificate. Blocks.
    pub fn reload(&self, dir: &ConfigDir) -> Result<bool, ReloadError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = [
            dir.stamp(FileSpec::CERTIFICATE)?,
            dir.stamp(FileSpec::CERTIFICATE_KEY)?,
        ];
        if *seen == Some(now) {
            return Ok(false);
        }
        // Also if it fails: a wrong file is told once.
        *seen = Some(now);
        let (certificate, key) = identity::certificate_pair(dir)?;
        let fingerprint = identity::fingerprint(&identity::leaf_der(&certificate)?);
        let key = certified(&self.provider, &certificate, &key)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = current.fingerprint != fingerprint;
        *current = Current { key, fingerprint };
        Ok(is_other)
    }

    fn current(&self) -> Current {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current().key)
    }
}

/// Whether a chain and a key, both PEM, can be served.
pub fn check_pair(certificate_pem: &[u8], key_pem: &[u8]) -> Result<(), CertificateError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    certified(&provider, certificate_pem, key_pem).map(drop)
}

fn certified(
    provider: &CryptoProvider,
    certificate_pem: &[u8],
    key_pem: &[u8],
) -> Result<Arc<CertifiedKey>, CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate_pem).collect();
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(CertificateError::Pem)?;
    let certified = CertifiedKey::from_der(chain.map_err(CertificateError::Pem)?, key, provider)?;
    Ok(Arc::new(certified))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_certificate_is_taken_and_a_wrong_one_is_not() {
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = ConfigDir::open(folder.path()).expect("dir");
        let identity = identity::load_or_create(&dir, "vault", 1_800_000_000).expect("identity");
        let certificate = Certificate::new(&identity).expect("certificate");
        assert!(!certificate.reload(&dir).expect("the same"));
        identity::ensure_certificate(&dir, "vault", 1_800_000_000, true).expect("new one");
        assert!(certificate.reload(&dir).expect("reload"));
        let second = certificate.fingerprint();
        assert_ne!(second, identity.fingerprint);
        assert!(!certificate.reload(&dir).expect("seen"));
        std::fs::write(
            dir.path_of(FileSpec::CERTIFICATE),
            &identity.certificate_pem,
        )
        .expect("write");
        assert!(matches!(
            certificate.reload(&dir),
            Err(ReloadError::Certificate(CertificateError::Tls(_)))
        ));
        assert_eq!(certificate.fingerprint(), second);
    }
}

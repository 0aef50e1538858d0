//! Is this the server's certificate? Either it is the pinned one, or an authority vouches for it (protocol.md 1.2).
//!
//! The pinned fingerprint is looked at first because it is cheap; the result is the same as in the other order. Signatures of
//! the handshake are always checked, so a copied certificate without its key is of no use to anybody. The authorities of the
//! system are read only when a fingerprint did not decide.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use format::{Digest, Fingerprint};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Looks at the certificates of one server, and remembers the last fingerprint it saw.
#[derive(Debug)]
pub(crate) struct Checker {
    provider: Arc<CryptoProvider>,
    authorities: Option<Vec<u8>>,
    chains: OnceLock<Result<Arc<WebPkiServerVerifier>, rustls::Error>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pinned: Option<Fingerprint>,
    seen: Option<Seen>,
}

/// The certificate of the last handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub fingerprint: Fingerprint,
    pub accepted: bool,
}

impl Checker {
    /// `authorities` (PEM) stand in for those of the system.
    pub fn new(
        provider: Arc<CryptoProvider>,
        pinned: Option<Fingerprint>,
        authorities: Option<Vec<u8>>,
    ) -> Checker {
        Checker {
            provider,
            authorities,
            chains: OnceLock::new(),
            state: Mutex::new(State { pinned, seen: None }),
        }
    }

    pub fn pin(&self, fingerprint: Fingerprint) {
        self.state().pinned = Some(fingerprint);
    }

    pub fn pinned(&self) -> Option<Fingerprint> {
        self.state().pinned
    }

    pub fn seen(&self) -> Option<Seen> {
        self.state().seen
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chains(&self) -> Result<&WebPkiServerVerifier, rustls::Error> {
        let built = self.chains.get_or_init(|| {
            let roots = Arc::new(self.roots()?);
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider))
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))
        });
        match built {
            Ok(verifier) => Ok(verifier),
            Err(error) => Err(error.clone()),
        }
    }

    fn roots(&self) -> Result<RootCertStore, rustls::Error> {
        let mut roots = RootCertStore::empty();
        match &self.authorities {
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate =
                        certificate.map_err(|e| rustls::Error::General(e.to_string()))?;
                    roots.add(certificate)?;
                }
            }
        }
        Ok(roots)
    }
}

impl ServerCertVerifier for Checker {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint = Fingerprint::new(Digest::of(leaf).0);
        let verdict = if self.pinned() == Some(fingerprint) {
            Ok(ServerCertVerified::assertion())
        } else {
            self.chains()
                .and_then(|chains| chains.verify_server_cert(leaf, intermediates, name, ocsp, now))
        };
        let accepted = verdict.is_ok();
        self.state().seen = Some(Seen {
            fingerprint,
            accepted,
        });
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

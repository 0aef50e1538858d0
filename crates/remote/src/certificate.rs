//! Is this the server's certificate? Either it is the pinned one, or an authority vouches for it (protocol.md 1.2).
//!
//! The pinned fingerprint is looked at first because it is cheap; the result is the same as in the other order. Signatures of
//! the handshake are always checked, so a copied certificate without its key is of no use to anybody. The authorities of the
//! system are read only when a fingerprint did not decide; a machine may have none, which is no error: then nobody vouches.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use format::{Digest, Fingerprint};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Looks at the certificates of one server, and remembers the last fingerprint it saw.
#[derive(Debug)]
pub(crate) struct Checker {
    provider: Arc<CryptoProvider>,
    authorities: Option<Arc<RootCertStore>>,
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
    /// `authorities` (PEM, one certificate at least) stand in for those of the system. An error if they cannot be read.
    pub fn new(
        provider: Arc<CryptoProvider>,
        pinned: Option<Fingerprint>,
        authorities: Option<&[u8]>,
    ) -> Result<Checker, rustls::Error> {
        Ok(Checker {
            provider,
            authorities: authorities.map(given_roots).transpose()?.map(Arc::new),
            chains: OnceLock::new(),
            state: Mutex::new(State { pinned, seen: None }),
        })
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
            let roots = match &self.authorities {
                Some(given) => Arc::clone(given),
                None => Arc::new(system_roots()),
            };
            if roots.is_empty() {
                return Err(CertificateError::UnknownIssuer.into());
            }
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider))
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))
        });
        match built {
            Ok(verifier) => Ok(verifier),
            Err(error) => Err(error.clone()),
        }
    }
}

/// What is readable of the system's, or of the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name; empty where there are none.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn given_roots(pem: &[u8]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| rustls::Error::General(e.to_string()))?;
        roots.add(certificate)?;
    }
    if roots.is_empty() {
        return Err(rustls::Error::General("no certificate in it".to_owned()));
    }
    Ok(roots)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with nothing on it but the program: the certificate is unknown, which can be asked about, and nothing is broken.
    #[test]
    fn without_any_authority_a_certificate_is_unknown() {
        let made = rcgen::generate_simple_self_signed(vec!["vault".to_owned()]).expect("made");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut checker = Checker::new(provider, None, None).expect("checker");
        checker.authorities = Some(Arc::new(RootCertStore::empty()));
        let leaf = made.cert.der();
        let name = ServerName::try_from("vault").expect("name");
        let verdict = checker.verify_server_cert(leaf, &[], &name, &[], UnixTime::now());
        assert_eq!(
            verdict.err(),
            Some(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer
            ))
        );
        let fingerprint = Fingerprint::new(Digest::of(leaf).0);
        let accepted = false;
        let seen = Seen {
            fingerprint,
            accepted,
        };
        assert_eq!(checker.seen(), Some(seen));
    }
}

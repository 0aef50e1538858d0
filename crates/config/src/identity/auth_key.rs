//! The key pair that signs tickets: Ed25519, or the RSA key of an old installation of the original.

use api::Ticket;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    UnparsedPublicKey,
};
use zeroize::Zeroizing;

use crate::error::ConfigError;

enum Pair {
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

/// Signs tickets and checks them.
pub struct AuthKey(Pair);

impl std::fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Pair::Ed25519(_) => "AuthKey(Ed25519)",
            Pair::Rsa(_) => "AuthKey(RSA)",
        })
    }
}

fn error(reason: &str) -> ConfigError {
    ConfigError::Key {
        what: "ticket signing key".to_owned(),
        reason: reason.to_owned(),
    }
}

impl AuthKey {
    /// Reads a private key: PKCS#8 with Ed25519 or RSA, or PKCS#1.
    pub fn from_pem(text: &[u8]) -> Result<AuthKey, ConfigError> {
        let document = pem::parse(text).map_err(|_| error("file is not PEM"))?;
        let der = document.contents();
        let pair = match document.tag() {
            "PRIVATE KEY" => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .map(Pair::Ed25519)
                .or_else(|_| rsa::KeyPair::from_pkcs8(der).map(Pair::Rsa))
                .map_err(|_| error("key is neither Ed25519 nor RSA of at least 2048 bits"))?,
            "RSA PRIVATE KEY" => Pair::Rsa(
                rsa::KeyPair::from_der(der)
                    .map_err(|_| error("malformed RSA key, or under 2048 bits"))?,
            ),
            other => return Err(error(&format!("unexpected PEM type '{other}'"))),
        };
        Ok(AuthKey(pair))
    }

    /// The public half (SPKI), PEM.
    pub fn public_pem(&self) -> Result<String, ConfigError> {
        let public: Result<PublicKeyX509Der<'_>, _> = match &self.0 {
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
        };
        let public = public.map_err(|_| error("public half cannot be written"))?;
        Ok(encode("PUBLIC KEY", public.as_ref()))
    }

    /// Signs a ticket; its signature is replaced.
    pub fn sign(&self, mut ticket: Ticket, aad: Option<&str>) -> Result<Ticket, ConfigError> {
        ticket.signature = self.sign_bytes(ticket.message(aad).as_bytes())?;
        Ok(ticket)
    }

    /// True if the ticket's signature is ours. The age is for the caller.
    pub fn verify(&self, ticket: &Ticket, aad: Option<&str>) -> bool {
        self.verify_bytes(ticket.message(aad).as_bytes(), &ticket.signature)
    }

    /// Signs bytes.
    pub fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, ConfigError> {
        match &self.0 {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .map_err(|_| error("signing failed"))?;
                Ok(signature)
            }
        }
    }

    /// Checks a signature over bytes.
    pub fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Pair::Ed25519(pair) => UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref())
                .verify(message, signature)
                .is_ok(),
            Pair::Rsa(pair) => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
                    .verify(message, signature)
                    .is_ok()
            }
        }
    }
}

/// A new Ed25519 pair: private (PKCS#8) and public (SPKI) PEM.
pub fn generate_auth_key() -> Result<(Zeroizing<String>, String), ConfigError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| error("no random bytes"))?;
    let private = pair
        .to_pkcs8v1()
        .map_err(|_| error("key cannot be written"))?;
    let public: PublicKeyX509Der<'_> = pair
        .public_key()
        .as_der()
        .map_err(|_| error("key cannot be written"))?;
    let private = encode("PRIVATE KEY", private.as_ref());
    Ok((
        Zeroizing::new(private),
        encode("PUBLIC KEY", public.as_ref()),
    ))
}

fn encode(tag: &str, der: &[u8]) -> String {
    pem::encode_config(
        &pem::Pem::new(tag, der),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}

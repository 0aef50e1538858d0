//! Tokens against cross-site requests: HMAC-SHA3-256 over time and user (protocol.md 2.4).

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{KeyInit, Mac, SimpleHmac};
use sha3::Sha3_256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use api::{defaults, ticket};

use crate::error::ConfigError;

/// Bytes of a new key.
const KEY_BYTES: usize = 64;
/// Shorter keys are refused.
const KEY_BYTES_MIN: usize = 16;

/// The key.
pub struct CsrfKey(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfKey")
    }
}

/// Why a token is refused; the texts are the original's.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum CsrfError {
    /// Not of the form `time:code`.
    #[error("invalid csrf token - malformed")]
    Malformed,
    /// Too old, or from the future.
    #[error("invalid csrf token - timestamp out of range")]
    Age,
    /// Another user's, or another server's.
    #[error("invalid csrf token - invalid signature.")]
    Signature,
}

impl CsrfKey {
    /// The key in a file: base64 without padding; anything else is an old key, whose bytes are the key.
    pub fn from_file(content: &[u8]) -> CsrfKey {
        let trimmed = content.trim_ascii();
        CsrfKey(Zeroizing::new(
            STANDARD_NO_PAD
                .decode(trimmed)
                .unwrap_or_else(|_| content.to_vec()),
        ))
    }

    /// The same for a key that has to keep strangers out: an empty or short one could be guessed, and tokens forged.
    pub fn checked(content: &[u8]) -> Result<CsrfKey, ConfigError> {
        let key = CsrfKey::from_file(content);
        if key.0.len() < KEY_BYTES_MIN {
            return Err(ConfigError::Key {
                what: "csrf.key".to_owned(),
                reason: format!(
                    "the key has {} bytes, at least {KEY_BYTES_MIN} are needed; remove the file, and the server makes a new one when it starts",
                    key.0.len()
                ),
            });
        }
        Ok(key)
    }

    /// The token for a user at a time.
    pub fn token(&self, userid: &str, now: i64) -> String {
        ticket::print_csrf(now, &self.mac(&ticket::csrf_message(now, userid)))
    }

    /// Checks a token, its old form included.
    pub fn verify(&self, token: &str, userid: &str, now: i64) -> Result<(), CsrfError> {
        let (time, code) = ticket::parse_csrf(token).ok_or(CsrfError::Malformed)?;
        let age = now.saturating_sub(time);
        if !(-defaults::TICKET_AHEAD_MAX_S..=defaults::TICKET_AGE_MAX_S).contains(&age) {
            return Err(CsrfError::Age);
        }
        let message = ticket::csrf_message(time, userid);
        let valid = self.mac(&message).ct_eq(&code) | self.old_code(&message).ct_eq(&code);
        if valid.into() {
            Ok(())
        } else {
            Err(CsrfError::Signature)
        }
    }

    fn mac(&self, message: &str) -> Vec<u8> {
        let mut mac =
            SimpleHmac::<Sha3_256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(message.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    fn old_code(&self, message: &str) -> Vec<u8> {
        let mut context = Context::new(&SHA256);
        context.update(message.as_bytes());
        context.update(&self.0);
        context.finish().as_ref().to_vec()
    }
}

/// Content of a new key file.
pub fn generate_csrf_key() -> Result<Zeroizing<String>, ConfigError> {
    let mut key = Zeroizing::new([0u8; KEY_BYTES]);
    let error = || ConfigError::Key {
        what: "csrf key".to_owned(),
        reason: "no random bytes".to_owned(),
    };
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| error())?;
    Ok(Zeroizing::new(STANDARD_NO_PAD.encode(key.as_slice())))
}

//! Password hashes and API token secrets: made, and compared in constant time (server.md 1.6).
//!
//! New hashes are yescrypt at Debian's cost (`$y$j9T$`). Old ones made with SHA-crypt (`$5$`, `$6$`) still verify;
//! [`needs_rehash`] tells when to replace one. A verification takes tens of milliseconds on purpose: cache what was verified.

use sha_crypt::{PasswordHashRef, PasswordVerifier, ShaCrypt};
use yescrypt::{PasswordHasher, Yescrypt};

/// Bytes of salt of a new hash.
pub const SALT_BYTES: usize = 16;

/// Fewest characters of a new password.
pub const CHARS_MIN: usize = 8;

/// A hash that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// None of the supported methods.
    #[error("unsupported password hash: it must start with $y$, $5$ or $6$")]
    Method,
    /// Malformed.
    #[error("malformed password hash")]
    Malformed,
    /// The method failed.
    #[error("password hashing failed")]
    Hash,
}

/// Hashes a password with yescrypt.
pub fn hash(password: &[u8], salt: [u8; SALT_BYTES]) -> Result<String, PasswordError> {
    let hash = Yescrypt::default()
        .hash_password_with_salt(password, &salt)
        .map_err(|_| PasswordError::Hash)?;
    Ok(hash.as_str().to_owned())
}

/// True if the password belongs to the hash.
pub fn verify(password: &[u8], hash: &str) -> Result<bool, PasswordError> {
    let parsed = PasswordHashRef::new(hash).map_err(|_| PasswordError::Malformed)?;
    let result = match parsed.id() {
        "y" => Yescrypt::default().verify_password(password, parsed),
        "5" | "6" => ShaCrypt::default().verify_password(password, parsed),
        _ => return Err(PasswordError::Method),
    };
    match result {
        Ok(()) => Ok(true),
        Err(sha_crypt::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(PasswordError::Malformed),
    }
}

/// True for hashes made with an older method.
pub fn needs_rehash(hash: &str) -> bool {
    !hash.starts_with("$y$")
}

/// Fresh random salt.
pub fn new_salt() -> Result<[u8; SALT_BYTES], PasswordError> {
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| PasswordError::Hash)?;
    Ok(salt)
}

/// A fresh API token secret: a random UUID in lower case with hyphens.
pub fn new_token_secret() -> String {
    uuid::Uuid::new_v4().to_string()
}

//! How the chunks of an archive are protected, as manifests and command lines name it (formats.md 6.2).

use std::fmt;
use std::str::FromStr;

use crate::text::NameError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum CryptMode {
    /// Plain chunks, unsigned manifest.
    #[default]
    None,
    /// Sealed chunks with keyed digests, signed manifest.
    Encrypt,
    /// Plain chunks, signed manifest.
    SignOnly,
}

impl CryptMode {
    pub fn as_str(self) -> &'static str {
        match self {
            CryptMode::None => "none",
            CryptMode::Encrypt => "encrypt",
            CryptMode::SignOnly => "sign-only",
        }
    }
}

impl fmt::Display for CryptMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CryptMode {
    type Err = NameError;

    fn from_str(text: &str) -> Result<CryptMode, NameError> {
        match text {
            "none" => Ok(CryptMode::None),
            "encrypt" => Ok(CryptMode::Encrypt),
            "sign-only" => Ok(CryptMode::SignOnly),
            _ => Err(NameError::new(
                "crypt mode",
                text,
                "none, encrypt or sign-only",
            )),
        }
    }
}

serde_as_text!(CryptMode);

//! The 32 bytes by which people know a key or a certificate: `aa:bb:..` (formats.md 7.4).
//!
//! Written in lower case with colons; read in any case, with or without colons, as long as 64 hexadecimal digits remain.

use std::fmt;
use std::str::FromStr;

use crate::text::{NameError, hex_digit_lower};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn new(bytes: [u8; 32]) -> Fingerprint {
        Fingerprint(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 8 bytes, which messages show instead of the whole.
    pub fn short(&self) -> String {
        pairs(&self.0[..8])
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pairs(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Fingerprint, NameError> {
        parse(text).ok_or_else(|| {
            NameError::new(
                "fingerprint",
                text,
                "32 pairs of hexadecimal digits, parted by colons",
            )
        })
    }
}

serde_as_text!(Fingerprint);

fn pairs(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

fn parse(text: &str) -> Option<Fingerprint> {
    let mut digits = text
        .bytes()
        .filter(|byte| *byte != b':')
        .map(|byte| byte.to_ascii_lowercase());
    let mut bytes = [0; 32];
    for byte in &mut bytes {
        *byte = hex_digit_lower(digits.next()?)? << 4 | hex_digit_lower(digits.next()?)?;
    }
    digits.next().is_none().then_some(Fingerprint(bytes))
}

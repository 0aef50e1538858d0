//! The SHA-256 that names a chunk and checks a file.
//!
//! A digest is text in lower-case hexadecimal only; upper case is refused as the original refuses it. Whether the hash is plain or keyed
//! is not visible here: keys are `crypto`'s. The hash itself is aws-lc's, which uses the processor's SHA instructions.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256, digest};

use crate::text::{NameError, hex_digit_lower};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub const ZERO: Digest = Digest([0; 32]);

    pub fn of(data: &[u8]) -> Digest {
        Digest::from_slice(digest(&SHA256, data).as_ref())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn from_slice(bytes: &[u8]) -> Digest {
        Digest(bytes.try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// SHA-256 over data that comes in pieces.
#[derive(Clone)]
pub struct DigestWriter(Context);

impl DigestWriter {
    pub fn new() -> DigestWriter {
        DigestWriter(Context::new(&SHA256))
    }

    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub fn finish(self) -> Digest {
        Digest::from_slice(self.0.finish().as_ref())
    }
}

impl Default for DigestWriter {
    fn default() -> DigestWriter {
        DigestWriter::new()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Digest, NameError> {
        parse(text.as_bytes())
            .ok_or_else(|| NameError::new("digest", text, "64 lower-case hexadecimal digits"))
    }
}

serde_as_text!(Digest);

fn parse(text: &[u8]) -> Option<Digest> {
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_digit_lower(*high)? << 4 | hex_digit_lower(*low)?;
    }
    Some(Digest(bytes))
}

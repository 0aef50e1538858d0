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

    /// The digests of two messages, each of a body and a suffix of at most 64 bytes. Where the processor allows it, both are computed
    /// side by side, in about two thirds of the time that one after the other takes.
    pub fn of_two(messages: [(&[u8], &[u8]); 2]) -> [Digest; 2] {
        side_by_side(messages).unwrap_or_else(|| {
            messages.map(|(body, suffix)| {
                let mut writer = DigestWriter::new();
                writer.update(body);
                writer.update(suffix);
                writer.finish()
            })
        })
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn from_slice(bytes: &[u8]) -> Digest {
        Digest(bytes.try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// Nothing if the processor cannot, or if both have less than a block in common.
#[cfg(target_arch = "x86_64")]
fn side_by_side(messages: [(&[u8], &[u8]); 2]) -> Option<[Digest; 2]> {
    use crate::sys::{Block, compress_blocks};

    /// FIPS 180-4, 5.3.3.
    const START: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    let mut states = [START; 2];
    let blocks: [&[Block]; 2] = messages.map(|(body, _)| body.as_chunks().0);
    let common = blocks[0].len().min(blocks[1].len());
    if common == 0 || !compress_blocks(&mut states, blocks.map(|blocks| &blocks[..common])) {
        return None;
    }
    for (state, blocks) in states.iter_mut().zip(blocks) {
        alone(state, &blocks[common..]);
    }
    let mut digests = [Digest::ZERO; 2];
    for ((digest, state), (body, suffix)) in digests.iter_mut().zip(&mut states).zip(messages) {
        // What is left of the body, the suffix, a one, zeros, and the length in bits at the end of a block.
        let (_, rest) = body.as_chunks::<64>();
        let mut end = [0; 192];
        let used = rest.len() + suffix.len();
        assert!(used < 128, "a suffix has at most 64 bytes");
        end[..rest.len()].copy_from_slice(rest);
        end[rest.len()..used].copy_from_slice(suffix);
        end[used] = 0x80;
        let len = (used + 9).next_multiple_of(64);
        let bits = (body.len() as u64 + suffix.len() as u64) * 8;
        end[len - 8..len].copy_from_slice(&bits.to_be_bytes());
        alone(state, end[..len].as_chunks().0);
        let (words, _) = digest.0.as_chunks_mut();
        for (word, value) in words.iter_mut().zip(state) {
            *word = value.to_be_bytes();
        }
    }
    Some(digests)
}

#[cfg(target_arch = "x86_64")]
fn alone(state: &mut crate::sys::State, blocks: &[crate::sys::Block]) {
    let done = crate::sys::compress_blocks(std::array::from_mut(state), [blocks]);
    assert!(done, "the processor could a moment ago");
}

#[cfg(not(target_arch = "x86_64"))]
fn side_by_side(_: [(&[u8], &[u8]); 2]) -> Option<[Digest; 2]> {
    None
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

#[cfg(test)]
mod tests {
    use super::{Digest, DigestWriter};

    fn one(body: &[u8], suffix: &[u8]) -> Digest {
        let mut writer = DigestWriter::new();
        writer.update(body);
        writer.update(suffix);
        writer.finish()
    }

    #[test]
    fn two_at_once_are_as_one_after_the_other() {
        let data: Vec<u8> = (0..70_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let around = |middle: usize| middle.saturating_sub(2)..middle + 3;
        let lengths: Vec<usize> = (0..131)
            .chain(around(191))
            .chain(around(4096))
            .chain([65_536, 69_999])
            .collect();
        for (n, first) in lengths.iter().enumerate() {
            // Each with itself, its neighbour and one far away.
            for second in [n, n + 1, n * 7 + 64].map(|n| lengths[n % lengths.len()]) {
                for suffix in [0, 1, 32, 55, 56, 63, 64] {
                    let a = (&data[..*first], &data[..suffix]);
                    let b = (&data[1..][..second], &data[2..][..suffix]);
                    let expected = [one(a.0, a.1), one(b.0, b.1)];
                    assert_eq!(
                        Digest::of_two([a, b]),
                        expected,
                        "{first} {second} {suffix}"
                    );
                }
            }
        }
    }
}

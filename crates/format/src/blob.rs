//! The envelope in which chunks and small files lie on disk and travel: magic, checksum, body.
//!
//! [`Blob`] is a view of bytes whose length and magic have been checked, nothing more; the checksum is looked at where the caller says
//! so. [`BlobReader`] reads content in parts. [`Compressor`] and [`Decompressor`] (`codec`) turn content into an envelope and back and keep their zstd contexts. Sealing and
//! opening of the encrypted kinds is `crypto`'s; it uses [`write_sealed_header`].
//! Drawing and rules: `docs/formats/blob.md`.

mod codec;
mod reader;

use std::fmt;

use crate::crypt_mode::CryptMode;

pub use codec::{Compressor, Decompressor};
pub use reader::{BlobReadError, BlobReader, Window};

/// The largest content of a chunk, in bytes.
pub const CHUNK_RAW_MAX: usize = 16 << 20;
/// The largest content of any blob, in bytes.
pub const BLOB_RAW_MAX: usize = 128 << 20;
/// The longest encoded chunk, in bytes: content that could not be compressed, behind the longer header.
pub const CHUNK_ENCODED_MAX: usize = CHUNK_RAW_MAX + SEALED_HEADER_LEN;

const PLAIN_HEADER_LEN: usize = 12;
const SEALED_HEADER_LEN: usize = 44;

const CRC: std::ops::Range<usize> = 8..12;
const IV: std::ops::Range<usize> = 12..28;
const TAG: std::ops::Range<usize> = 28..44;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKind {
    Plain,
    Zstd,
    Encrypted,
    ZstdEncrypted,
}

impl BlobKind {
    const ALL: [BlobKind; 4] = [
        BlobKind::Plain,
        BlobKind::Zstd,
        BlobKind::Encrypted,
        BlobKind::ZstdEncrypted,
    ];

    pub fn new(compressed: bool, encrypted: bool) -> BlobKind {
        match (compressed, encrypted) {
            (false, false) => BlobKind::Plain,
            (true, false) => BlobKind::Zstd,
            (false, true) => BlobKind::Encrypted,
            (true, true) => BlobKind::ZstdEncrypted,
        }
    }

    pub fn magic(self) -> [u8; 8] {
        match self {
            BlobKind::Plain => [0x42, 0xab, 0x38, 0x07, 0xbe, 0x83, 0x70, 0xa1],
            BlobKind::Zstd => [0x31, 0xb9, 0x58, 0x42, 0x6f, 0xb6, 0xa3, 0x7f],
            BlobKind::Encrypted => [0x7b, 0x67, 0x85, 0xbe, 0x22, 0x2d, 0x4c, 0xf0],
            BlobKind::ZstdEncrypted => [0xe6, 0x59, 0x1b, 0xbf, 0x0b, 0xbf, 0xd8, 0x0b],
        }
    }

    /// Offset of the body.
    pub fn header_len(self) -> usize {
        if self.is_encrypted() {
            SEALED_HEADER_LEN
        } else {
            PLAIN_HEADER_LEN
        }
    }

    pub fn is_encrypted(self) -> bool {
        matches!(self, BlobKind::Encrypted | BlobKind::ZstdEncrypted)
    }

    pub fn is_compressed(self) -> bool {
        matches!(self, BlobKind::Zstd | BlobKind::ZstdEncrypted)
    }

    /// What the envelope alone tells: whether a plain blob is signed stands in the manifest only.
    pub fn crypt_mode(self) -> CryptMode {
        if self.is_encrypted() {
            CryptMode::Encrypt
        } else {
            CryptMode::None
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    #[error("blob has {len} bytes, its header alone needs {needed}")]
    TooShort { len: usize, needed: usize },
    #[error("not a blob: unknown magic {}", crate::text::hex_lower(magic))]
    UnknownMagic { magic: [u8; 8] },
    #[error(
        "wrong checksum of the blob: {stored:08x} is stored, {computed:08x} computed; the blob is damaged"
    )]
    Crc { stored: u32, computed: u32 },
    #[error("blob is encrypted, its key is needed")]
    Encrypted,
    #[error("content of the blob is larger than the allowed {raw_max} bytes")]
    ContentTooLarge { raw_max: usize },
    #[error("compressed content of the blob is damaged: {reason}")]
    Damaged { reason: &'static str },
    #[error("content of the blob refers further back than is allowed while it is read in parts")]
    Window,
    #[error("cannot compress: {reason}")]
    Compress { reason: &'static str },
}

/// Encoded bytes with a known magic and a whole header.
#[derive(Clone, Copy)]
pub struct Blob<'a> {
    kind: BlobKind,
    bytes: &'a [u8],
}

impl<'a> Blob<'a> {
    /// Checks length and magic only; see [`Blob::check_crc`].
    pub fn parse(bytes: &'a [u8]) -> Result<Blob<'a>, BlobError> {
        let too_short = |needed| BlobError::TooShort {
            len: bytes.len(),
            needed,
        };
        let magic = *bytes
            .first_chunk::<8>()
            .ok_or_else(|| too_short(PLAIN_HEADER_LEN))?;
        let kind = BlobKind::ALL
            .into_iter()
            .find(|kind| kind.magic() == magic)
            .ok_or(BlobError::UnknownMagic { magic })?;
        if bytes.len() < kind.header_len() {
            return Err(too_short(kind.header_len()));
        }
        Ok(Blob { kind, bytes })
    }

    pub fn kind(&self) -> BlobKind {
        self.kind
    }

    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header: content, compressed or sealed as the kind says.
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[self.kind.header_len()..]
    }

    /// The initialisation vector of an encrypted kind.
    pub fn iv(&self) -> Option<&'a [u8; 16]> {
        self.kind
            .is_encrypted()
            .then(|| self.bytes[IV].try_into().expect("16 bytes were sliced"))
    }

    /// The authentication tag of an encrypted kind.
    pub fn tag(&self) -> Option<&'a [u8; 16]> {
        self.kind
            .is_encrypted()
            .then(|| self.bytes[TAG].try_into().expect("16 bytes were sliced"))
    }

    pub fn stored_crc(&self) -> u32 {
        u32::from_le_bytes(self.bytes[CRC].try_into().expect("4 bytes were sliced"))
    }

    /// Over the body only: it covers neither IV nor tag.
    pub fn computed_crc(&self) -> u32 {
        crc32fast::hash(self.body())
    }

    pub fn check_crc(&self) -> Result<(), BlobError> {
        let (stored, computed) = (self.stored_crc(), self.computed_crc());
        if stored == computed {
            Ok(())
        } else {
            Err(BlobError::Crc { stored, computed })
        }
    }
}

impl fmt::Debug for Blob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("kind", &self.kind)
            .field("len", &self.bytes.len())
            .finish()
    }
}

/// Recomputes the checksum of an encoded blob and writes it into the header.
pub fn set_crc(encoded: &mut [u8]) -> Result<(), BlobError> {
    let crc = Blob::parse(encoded)?.computed_crc();
    encoded[CRC].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// Completes a sealed blob: `encoded` has the sealed body in place behind [`BlobKind::header_len`] bytes that this call overwrites.
///
/// Fails if `encoded` is shorter than the header. `kind` is one of the encrypted kinds.
pub fn write_sealed_header(
    encoded: &mut [u8],
    kind: BlobKind,
    iv: &[u8; 16],
    tag: &[u8; 16],
) -> Result<(), BlobError> {
    debug_assert!(kind.is_encrypted());
    let len = encoded.len();
    if len < SEALED_HEADER_LEN {
        return Err(BlobError::TooShort {
            len,
            needed: SEALED_HEADER_LEN,
        });
    }
    encoded[..8].copy_from_slice(&kind.magic());
    encoded[IV].copy_from_slice(iv);
    encoded[TAG].copy_from_slice(tag);
    set_crc(encoded)
}

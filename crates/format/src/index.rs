//! Index files: the list of digests that makes an archive, with chunks of fixed or dynamic size.
//!
//! A parsed index owns the bytes of the whole file and reads entries in place. Parsing checks magic, lengths and the order of the
//! borders; the stored checksum is not trusted and not compared, [`Index::csum`] recomputes it. The headers can be encoded and decoded
//! alone for writers that fill a file on disk.
//! Drawing and rules: `docs/formats/index.md`.

mod dynamic;
mod fixed;

use std::ops::Range;

use crate::archive_name::{ArchiveKind, ArchiveName};
use crate::digest::Digest;

pub use dynamic::{DynamicEntry, DynamicHeader, DynamicIndex};
pub use fixed::{FixedHeader, FixedIndex};

/// Both headers fill one page.
pub const HEADER_LEN: usize = 4096;
/// Chunk size of every fixed index that a server creates.
pub const FIXED_CHUNK: u64 = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("index has {len} bytes, its header alone needs {HEADER_LEN}")]
    TooShort { len: usize },
    #[error(
        "not a {expected} index: unknown magic {}",
        crate::text::hex_lower(magic)
    )]
    UnknownMagic {
        expected: &'static str,
        magic: [u8; 8],
    },
    #[error("chunk size {chunk_size} of the fixed index is not a power of two")]
    ChunkSize { chunk_size: u64 },
    #[error("fixed index holds no chunks")]
    Empty,
    #[error("index has {len} bytes, but {entries} entries need {expected}")]
    Length {
        len: usize,
        entries: u64,
        expected: u64,
    },
    #[error("index has {len} bytes, which is no whole number of entries")]
    PartEntry { len: usize },
    #[error("chunk {chunk} of the index ends before it begins")]
    NotAscending { chunk: usize },
    #[error("{name} is a blob, not an index")]
    NotAnIndex { name: ArchiveName },
}

/// An index of either kind.
#[derive(Debug, Clone)]
pub enum Index {
    Fixed(FixedIndex),
    Dynamic(DynamicIndex),
}

impl Index {
    /// Parses the file `bytes` as the kind that `name` ends in.
    pub fn parse(name: &ArchiveName, bytes: Vec<u8>) -> Result<Index, IndexError> {
        match name.kind() {
            ArchiveKind::Fixed => Ok(Index::Fixed(FixedIndex::parse(bytes)?)),
            ArchiveKind::Dynamic => Ok(Index::Dynamic(DynamicIndex::parse(bytes)?)),
            ArchiveKind::Blob => Err(IndexError::NotAnIndex { name: name.clone() }),
        }
    }

    /// Parses a file whose name says nothing, as the kind that its first bytes tell.
    pub fn detect(bytes: Vec<u8>) -> Result<Index, IndexError> {
        if bytes.starts_with(&dynamic::MAGIC) {
            Ok(Index::Dynamic(DynamicIndex::parse(bytes)?))
        } else {
            Ok(Index::Fixed(FixedIndex::parse(bytes)?))
        }
    }

    /// Number of chunks.
    pub fn len(&self) -> usize {
        match self {
            Index::Fixed(index) => index.len(),
            Index::Dynamic(index) => index.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of content.
    pub fn size(&self) -> u64 {
        match self {
            Index::Fixed(index) => index.size(),
            Index::Dynamic(index) => index.size(),
        }
    }

    pub fn uuid(&self) -> [u8; 16] {
        match self {
            Index::Fixed(index) => index.header().uuid,
            Index::Dynamic(index) => index.header().uuid,
        }
    }

    /// Unix seconds; for people only, not for decisions.
    pub fn ctime(&self) -> i64 {
        match self {
            Index::Fixed(index) => index.header().ctime,
            Index::Dynamic(index) => index.header().ctime,
        }
    }

    /// Panics if there is no chunk `chunk`, like a slice.
    pub fn digest(&self, chunk: usize) -> Digest {
        match self {
            Index::Fixed(index) => index.digest(chunk),
            Index::Dynamic(index) => index.digest(chunk),
        }
    }

    /// Where chunk `chunk` lies in the content. Panics if there is no such chunk.
    pub fn range(&self, chunk: usize) -> Range<u64> {
        match self {
            Index::Fixed(index) => index.range(chunk),
            Index::Dynamic(index) => index.range(chunk),
        }
    }

    /// The checksum over the entries, recomputed.
    pub fn csum(&self) -> Digest {
        match self {
            Index::Fixed(index) => index.csum(),
            Index::Dynamic(index) => index.csum(),
        }
    }

    /// The chunk that holds the byte at `offset`; nothing behind the end.
    pub fn lookup(&self, offset: u64) -> Option<usize> {
        match self {
            Index::Fixed(index) => index.lookup(offset),
            Index::Dynamic(index) => index.lookup(offset),
        }
    }

    /// All chunks in order: range and digest.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Range<u64>, Digest)> {
        (0..self.len()).map(|chunk| (self.range(chunk), self.digest(chunk)))
    }

    /// The file.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Index::Fixed(index) => index.as_bytes(),
            Index::Dynamic(index) => index.as_bytes(),
        }
    }
}

/// The part of the header page that both kinds share, at the same offsets.
const UUID: Range<usize> = 8..24;
const CTIME: Range<usize> = 24..32;
const CSUM: Range<usize> = 32..64;

fn header_page<'a>(
    bytes: &'a [u8],
    expected: &'static str,
    magic: [u8; 8],
) -> Result<&'a [u8; HEADER_LEN], IndexError> {
    let page = bytes
        .first_chunk::<HEADER_LEN>()
        .ok_or(IndexError::TooShort { len: bytes.len() })?;
    let found: [u8; 8] = field(page, 0..8);
    if found == magic {
        Ok(page)
    } else {
        Err(IndexError::UnknownMagic {
            expected,
            magic: found,
        })
    }
}

/// A field of known width.
fn field<const N: usize>(bytes: &[u8], range: Range<usize>) -> [u8; N] {
    bytes[range]
        .try_into()
        .expect("the range has the field's width")
}

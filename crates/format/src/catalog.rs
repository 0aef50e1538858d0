//! The catalog: the names inside a snapshot's archives, without their contents.
//!
//! [`CatalogWriter`] writes it as a stream while an archive is made, children before parents. [`Catalog`] reads it from the root: single
//! directories, paths, or everything. Names out of a catalog are checked to be names: not empty, no slash, no NUL, neither `.` nor `..`.
//! Drawing: `docs/formats/catalog.md`.

mod reader;
mod varint;
mod writer;

use std::io;

pub use reader::{Catalog, Entries, Walk};
pub use writer::CatalogWriter;

const MAGIC: [u8; 8] = [0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5];
/// One more than the longest name, in bytes.
const NAME_LEN_END: u64 = 4096;
/// Directories inside each other; far above what a path may hold.
const DEPTH_MAX: usize = 4096;
/// The largest block of a directory that is read, in bytes: about ten million entries.
const BLOCK_LEN_MAX: usize = 256 << 20;
/// Bytes of blocks that a walk holds at a time: one for each directory on the way down.
const WALK_BYTES_MAX: usize = 2 * BLOCK_LEN_MAX;
/// Entries of one directory that are listed at once.
const LISTED_MAX: u64 = 1 << 22;

/// What an entry is, with what the catalog knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    Directory(Directory),
    File {
        /// Bytes.
        size: u64,
        /// Unix seconds.
        mtime: i64,
    },
    Symlink,
    Hardlink,
    BlockDevice,
    CharDevice,
    Fifo,
    Socket,
}

impl EntryKind {
    /// The letter that stands for the kind in the catalog, in dumps and in answers.
    pub fn letter(&self) -> char {
        match self {
            EntryKind::Directory(_) => 'd',
            EntryKind::File { .. } => 'f',
            EntryKind::Symlink => 'l',
            EntryKind::Hardlink => 'h',
            EntryKind::BlockDevice => 'b',
            EntryKind::CharDevice => 'c',
            EntryKind::Fifo => 'p',
            EntryKind::Socket => 's',
        }
    }

    pub fn is_directory(&self) -> bool {
        matches!(self, EntryKind::Directory(_))
    }
}

/// Where a directory's block begins in the catalog it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Directory {
    start: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    pub kind: EntryKind,
}

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("cannot read or write the catalog")]
    Io(#[from] io::Error),
    #[error("not a catalog: {reason}")]
    NotACatalog { reason: &'static str },
    #[error("catalog is damaged in the directory at offset {start}: {reason}")]
    Damaged { start: u64, reason: &'static str },
    #[error("{} is no name for an entry of a catalog", name.escape_ascii())]
    Name { name: Vec<u8> },
    #[error("catalog has more than {DEPTH_MAX} directories inside each other")]
    TooDeep,
    #[error("directory at offset {start} of the catalog is too large to be read")]
    DirectoryTooLarge { start: u64 },
    #[error("catalog has more than {entries_max} entries")]
    TooManyEntries { entries_max: u64 },
    #[error("a directory of the catalog was {what}")]
    Unbalanced { what: &'static str },
}

/// A name is one component of a path.
fn check_name(name: &[u8]) -> Result<(), CatalogError> {
    let bad = name.is_empty()
        || name.len() as u64 >= NAME_LEN_END
        || name == b"."
        || name == b".."
        || name.iter().any(|byte| matches!(byte, b'/' | 0));
    if bad {
        Err(CatalogError::Name {
            name: name.to_vec(),
        })
    } else {
        Ok(())
    }
}

//! Reads the digests of an index file, piece by piece: an index of many terabytes is never in memory as a whole.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use format::index::{DynamicEntry, DynamicHeader, FixedHeader, HEADER_LEN};
use format::{Digest, IndexError};

/// An index that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexFileError {
    #[error("index {path:?} is damaged; verify or remove its snapshot")]
    Bad { path: PathBuf, source: IndexError },
    #[error("cannot read index {path:?}")]
    Read { path: PathBuf, source: io::Error },
}

/// Which of the two a file's name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fixed,
    Dynamic,
}

impl Kind {
    /// Nothing if the name is no index's.
    pub(crate) fn of(name: &[u8]) -> Option<Kind> {
        if name.ends_with(b".fidx") {
            Some(Kind::Fixed)
        } else if name.ends_with(b".didx") {
            Some(Kind::Dynamic)
        } else {
            None
        }
    }
}

/// Gives every digest to `each`, in order, repeated ones too; the answer is the size of the content in bytes.
pub(crate) fn read<E: From<IndexFileError>>(
    file: File,
    path: &Path,
    kind: Kind,
    each: &mut dyn FnMut(&Digest) -> Result<(), E>,
) -> Result<u64, E> {
    let failed = |source: io::Error| IndexFileError::Read {
        path: path.to_path_buf(),
        source,
    };
    let bad = |source| IndexFileError::Bad {
        path: path.to_path_buf(),
        source,
    };
    let len = file.metadata().map_err(failed)?.len();
    let too_short = || bad(IndexError::TooShort { len: len as usize });
    let entries_len = len.checked_sub(HEADER_LEN as u64).ok_or_else(too_short)?;
    let mut input = BufReader::with_capacity(1 << 18, file);
    let mut header = [0; HEADER_LEN];
    input.read_exact(&mut header).map_err(failed)?;
    match kind {
        Kind::Fixed => {
            let header = FixedHeader::decode(&header).map_err(bad)?;
            if header.file_len() != len {
                return Err(E::from(bad(IndexError::Length {
                    len: len as usize,
                    entries: header.chunks(),
                    expected: header.file_len(),
                })));
            }
            let mut digest = Digest::ZERO;
            for _ in 0..header.chunks() {
                input.read_exact(&mut digest.0).map_err(failed)?;
                each(&digest)?;
            }
            Ok(header.size)
        }
        Kind::Dynamic => {
            DynamicHeader::decode(&header).map_err(bad)?;
            let mut bytes = [0; DynamicEntry::LEN];
            if entries_len % bytes.len() as u64 != 0 {
                return Err(E::from(bad(IndexError::PartEntry { len: len as usize })));
            }
            let mut size = 0;
            for chunk in 0..entries_len / bytes.len() as u64 {
                input.read_exact(&mut bytes).map_err(failed)?;
                let entry = DynamicEntry::decode(&bytes);
                if entry.end < size {
                    return Err(E::from(bad(IndexError::NotAscending {
                        chunk: chunk as usize,
                    })));
                }
                size = entry.end;
                each(&entry.digest)?;
            }
            Ok(size)
        }
    }
}

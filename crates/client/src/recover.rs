//! Data put together again from an index file and a folder of chunks, without a server: what is left to do when there is none.
//!
//! Chunks are looked for as `XXXX/DIGEST` below the folder and opened as in a restore. One that is missing or damaged ends the work,
//! or, if that is tolerated, is told and stands as zeros in the output, so that all else is at its place.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::{CryptoError, Key, Opener};
use format::{Blob, BlobError, CHUNK_ENCODED_MAX, CHUNK_RAW_MAX, Digest, Index};

/// Zeros are written in pieces of this size.
const ZEROS: usize = 1 << 16;

/// What does not end the work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tolerance {
    /// The checksum in a chunk's envelope is not looked at; the digest of what is inside always is.
    pub skip_crc: bool,
    pub missing: bool,
    pub corrupt: bool,
}

/// A chunk in whose place there are zeros.
#[derive(Debug)]
pub struct Lost {
    pub path: PathBuf,
    /// Its bytes in the output.
    pub range: Range<u64>,
    pub why: LostChunk,
}

/// Why a chunk's content is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LostChunk {
    #[error("it is missing")]
    Missing,
    #[error("it is damaged")]
    Damaged(#[source] CryptoError),
    #[error("it is larger than chunks can be")]
    TooLarge,
    #[error("it has {found} bytes of content, the index says {expected}")]
    Length { expected: u64, found: u64 },
}

#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    #[error("chunk {path:?} cannot be used")]
    Chunk {
        path: PathBuf,
        #[source]
        source: LostChunk,
    },
    /// Nothing is wrong with the chunk.
    #[error("chunk {path:?} is encrypted and no key was given")]
    NoKey { path: PathBuf },
    /// Its checksum fits, so it is what was stored. Zeros in its place would be zeros in the place of everything.
    #[error("chunk {path:?} is encrypted with another key")]
    WrongKey { path: PathBuf },
    #[error("cannot read chunk {path:?}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write the data out")]
    Output(#[source] io::Error),
}

/// What was put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Bytes written, zeros for lost chunks included.
    pub size: u64,
    pub lost: u64,
}

/// Writes what `index` describes to `out`, chunk by chunk; `told` hears of each chunk that is lost and tolerated.
pub fn recover(
    index: &Index,
    chunks: &Path,
    key: Option<Arc<Key>>,
    tolerance: Tolerance,
    out: &mut dyn Write,
    told: &mut dyn FnMut(Lost),
) -> Result<Recovered, RecoverError> {
    let mut done = Recovered::default();
    let mut shelf = Shelf {
        opener: Opener::new(key),
        key_fits: false,
        skip_crc: tolerance.skip_crc,
        encoded: Vec::new(),
    };
    let mut content = Vec::new();
    for (range, digest) in index.iter() {
        let path = place(chunks, &digest);
        match shelf.load(&path, &digest, range.end - range.start, &mut content)? {
            Ok(()) => out.write_all(&content).map_err(RecoverError::Output)?,
            Err(why) => {
                let tolerated = match why {
                    LostChunk::Missing => tolerance.missing,
                    _ => tolerance.corrupt,
                };
                if !tolerated {
                    return Err(RecoverError::Chunk { path, source: why });
                }
                write_zeros(out, range.end - range.start).map_err(RecoverError::Output)?;
                done.lost += 1;
                let range = range.clone();
                told(Lost { path, range, why });
            }
        }
        done.size = range.end;
    }
    out.flush().map_err(RecoverError::Output)?;
    Ok(done)
}

/// Where a chunk lies below the folder of chunks.
fn place(chunks: &Path, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    chunks.join(&name[..4]).join(name)
}

fn write_zeros(out: &mut dyn Write, mut count: u64) -> io::Result<()> {
    while count > 0 {
        let n = usize::try_from(count).map_or(ZEROS, |count| count.min(ZEROS));
        out.write_all(&[0; ZEROS][..n])?;
        count -= n as u64;
    }
    Ok(())
}

/// Takes chunks out of their folder.
struct Shelf {
    opener: Opener,
    /// A chunk was opened with it, so the key is not what is wrong with another one of the same archive.
    key_fits: bool,
    skip_crc: bool,
    encoded: Vec<u8>,
}

impl Shelf {
    /// The chunk's content, or why it has none; an error that is not the chunk's ends all.
    fn load(
        &mut self,
        path: &Path,
        digest: &Digest,
        size: u64,
        content: &mut Vec<u8>,
    ) -> Result<Result<(), LostChunk>, RecoverError> {
        let failed = |source| RecoverError::Read {
            path: path.to_owned(),
            source,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Err(LostChunk::Missing));
            }
            Err(error) => return Err(failed(error)),
        };
        self.encoded.clear();
        file.take(CHUNK_ENCODED_MAX as u64 + 1)
            .read_to_end(&mut self.encoded)
            .map_err(failed)?;
        if self.encoded.len() > CHUNK_ENCODED_MAX {
            return Ok(Err(LostChunk::TooLarge));
        }
        match self.open(digest, content) {
            Ok(()) if content.len() as u64 == size => {
                self.key_fits = true;
                Ok(Ok(()))
            }
            Ok(()) => Ok(Err(LostChunk::Length {
                expected: size,
                found: content.len() as u64,
            })),
            Err(CryptoError::Encrypted) => Err(RecoverError::NoKey {
                path: path.to_owned(),
            }),
            Err(CryptoError::Decrypt) if !self.key_fits && check_crc(&self.encoded).is_ok() => {
                Err(RecoverError::WrongKey {
                    path: path.to_owned(),
                })
            }
            Err(error) => Ok(Err(LostChunk::Damaged(error))),
        }
    }

    fn open(&mut self, digest: &Digest, content: &mut Vec<u8>) -> Result<(), CryptoError> {
        if !self.skip_crc {
            check_crc(&self.encoded)?;
        }
        self.opener
            .open(&self.encoded, CHUNK_RAW_MAX, Some(digest), content)
    }
}

fn check_crc(encoded: &[u8]) -> Result<(), BlobError> {
    Blob::parse(encoded)?.check_crc()
}

//! The contract of a chunk store: a set of blobs, each named by the digest of its plain content.
//!
//! The words are the domain's, not a file system's, so that a directory, an object store and a table in memory can all keep them.
//! [`crate::suite`] puts every promise below to the test, for each implementation and each wrapper.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use format::{Blob, BlobError, BlobKind, CHUNK_ENCODED_MAX, Digest};

use crate::watch::Watch;

/// A store of chunks.
///
/// - After `insert` returned, `load` gives the bytes of the chunk to every caller, in this process and others. A crash may lose
///   them until [`barrier`](ChunkStore::barrier) returned; it never leaves half a chunk under the chunk's name.
/// - Inserting, or touching, marks a chunk as used *now*. A sweep removes only chunks that were last marked before its cutoff, so
///   what is inserted, known to `touch`, or touched again during a sweep stays.
/// - A damaged chunk that was set aside is gone for `load` and `touch`, and can be inserted anew.
/// - All methods may be called from several threads. Two inserts of the same digest leave one chunk.
pub trait ChunkStore: Send + Sync {
    /// Adds a chunk, or marks it as used if it is there already.
    ///
    /// `encoded` is a whole blob whose checksum is right; the caller has compared its content with `digest` as far as it can
    /// (formats.md 2.5). An empty or damaged file in the chunk's place is overwritten; a plain blob gives way to a smaller plain one,
    /// and never to an encrypted one (formats.md 3.4). An encrypted blob gives way to a plain one, whose content was compared.
    fn insert(&self, digest: &Digest, encoded: &[u8]) -> Result<Inserted, ChunkError>;

    /// Reads a chunk into `into`, which is cleared first and keeps its capacity. Length, kind and checksum of the blob are checked.
    fn load(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), ChunkError>;

    /// Marks a chunk as used; false if there is none.
    fn touch(&self, digest: &Digest) -> Result<bool, ChunkError>;

    /// Marks what was [set aside](ChunkStore::set_aside) under this digest as still wanted; false if there is nothing.
    fn touch_aside(&self, digest: &Digest) -> Result<bool, ChunkError>;

    /// A number that grows in the order in which chunks are best read, and changes when a chunk is written anew; nothing if there is no
    /// such chunk.
    fn position(&self, digest: &Digest) -> Result<Option<u64>, ChunkError>;

    /// A number that tells this writing of a chunk from all others under its digest, and stays while the chunk is only marked; nothing if there
    /// is no such chunk.
    fn stamp(&self, digest: &Digest) -> Result<Option<u64>, ChunkError>;

    /// Bytes that a chunk takes as it is stored; nothing if there is no such chunk.
    fn stored_size(&self, digest: &Digest) -> Result<Option<u64>, ChunkError>;

    /// Moves a damaged chunk out of the way and says what it is called now.
    ///
    /// `position` is what [`position`](ChunkStore::position) said before the damage was seen. If the chunk was written anew since, it
    /// has another one: then it stays, and the answer is nothing, as it is if there is no such chunk.
    fn set_aside(&self, digest: &Digest, position: u64) -> Result<Option<String>, ChunkError>;

    /// Removes chunks of a part that were last marked before `cutoff` (Unix seconds), and counts what stays; chunks last marked before
    /// `oldest_writer` count as pending. Ends early, with what was counted so far, once the watch says stop.
    fn sweep(
        &self,
        part: Part,
        cutoff: i64,
        oldest_writer: i64,
        watch: &dyn Watch,
    ) -> Result<SweepReport, ChunkError>;

    /// Shows that the store remembers marks: marks a chunk (the one of 4 MiB of zeroes, which it leaves) twice, `wait` apart, and fails with
    /// [`ChunkError::MarksIgnored`] unless the second mark is later than the first.
    fn probe(&self, wait: Duration) -> Result<(), ChunkError>;

    /// Opens a stretch of writes for a later [`barrier`](ChunkStore::barrier).
    fn epoch(&self) -> Epoch;

    /// Somebody was told, beside a [`barrier`](ChunkStore::barrier), that writes were lost. The system tells it once, so all who have written until now
    /// must take it as told to them.
    fn note_loss(&self);

    /// Whether a chunk may have been set aside since, by this process or another. What was known then, or found to be there already
    /// when it was inserted, may be gone if so. It is true when in doubt, and for other reasons too, but not often.
    fn disturbed(&self, since: Epoch) -> bool;

    /// Returns once everything inserted before is as durable as the store's sync level promises. Fails if anything written since
    /// `since` was reported lost, even if the report went to another caller.
    fn barrier(&self, since: Epoch) -> Result<(), ChunkError>;
}

/// What to do with a chunk whose place is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertPlan {
    /// Write the new one.
    Write,
    /// Mark the old one as used.
    Keep,
}

/// How closely an old chunk is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Its magic: cheap enough for every duplicate.
    Header,
    /// All of it, checksum included.
    Whole,
}

/// Decides between a new chunk and the one that is there (formats.md 3.4).
///
/// `existing_len` is the size of the old one on disk; `existing_kind` looks into it, as closely as it is asked to, and answers nothing
/// if it is damaged. A damaged old chunk is replaced: keeping what was cut short would spoil the new backup too. So is an encrypted one
/// by a plain one: what lies under an encrypted chunk's digest is its sender's word only, and must not swallow content that was compared.
pub fn plan_insert(
    digest: &Digest,
    new: &Blob<'_>,
    existing_len: u64,
    existing_kind: impl FnOnce(Look) -> Result<Option<BlobKind>, ChunkError>,
) -> Result<InsertPlan, ChunkError> {
    let new_len = new.as_bytes().len() as u64;
    let new_is_plain = !new.kind().is_encrypted();
    if existing_len == 0 || new_is_plain && existing_len > new_len {
        return Ok(InsertPlan::Write);
    }
    let same_len = existing_len == new_len;
    let look = if same_len { Look::Header } else { Look::Whole };
    let Some(existing) = existing_kind(look)? else {
        return Ok(InsertPlan::Write);
    };
    if new_is_plain && existing.is_encrypted() {
        return Ok(InsertPlan::Write);
    }
    if new_is_plain || same_len {
        return Ok(InsertPlan::Keep);
    }
    if !existing.is_encrypted() {
        return Err(ChunkError::PlainExists { digest: *digest });
    }
    if !new.kind().is_compressed() && !existing.is_compressed() {
        return Err(ChunkError::EncryptedSize {
            digest: *digest,
            existing: existing_len,
            new: new_len,
        });
    }
    Ok(InsertPlan::Keep)
}

/// Views bytes that are to be stored as a chunk; refuses what no chunk can be.
pub fn parse_new<'a>(digest: &Digest, encoded: &'a [u8]) -> Result<Blob<'a>, ChunkError> {
    if encoded.len() > CHUNK_ENCODED_MAX {
        return Err(ChunkError::BadSize {
            digest: *digest,
            size: encoded.len(),
        });
    }
    Blob::parse(encoded).map_err(|source| ChunkError::NotABlob {
        digest: *digest,
        source,
    })
}

/// Checks bytes that were read for a chunk: kind, length and checksum.
pub fn check_loaded(digest: &Digest, encoded: &[u8]) -> Result<(), ChunkError> {
    Blob::parse(encoded)
        .and_then(|blob| blob.check_crc())
        .map_err(|source| ChunkError::Damaged {
            digest: *digest,
            source,
        })
}

/// What became of an inserted chunk. `stored` is the size on disk in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    New { stored: u64 },
    Duplicate { stored: u64 },
}

impl Inserted {
    /// Size on disk in bytes.
    pub fn stored(self) -> u64 {
        match self {
            Inserted::New { stored } | Inserted::Duplicate { stored } => stored,
        }
    }

    pub fn is_duplicate(self) -> bool {
        matches!(self, Inserted::Duplicate { .. })
    }
}

/// The beginning of a stretch of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Epoch {
    /// How many losses had been reported until then.
    pub losses: u64,
    /// Something that changes when a chunk is set aside; nothing if it could not be had.
    pub asides: Option<u64>,
}

/// Some of all chunks: those whose digests begin with these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    first: u8,
    last: u8,
}

impl Part {
    pub const ALL: Part = Part {
        first: 0,
        last: u8::MAX,
    };

    /// Into so many parts of the same size a whole sweep can be cut.
    pub const COUNT: u8 = 64;

    /// One of these.
    pub fn nth(number: u8) -> Part {
        const SIZE: u8 = (256 / Part::COUNT as u16) as u8;
        let first = number.min(Part::COUNT - 1) * SIZE;
        Part {
            first,
            last: first + (SIZE - 1),
        }
    }

    pub fn contains(self, digest: &Digest) -> bool {
        (self.first..=self.last).contains(&digest.as_bytes()[0])
    }

    pub(crate) fn bytes(self) -> std::ops::RangeInclusive<u8> {
        self.first..=self.last
    }
}

/// What a sweep removed and left (formats.md 9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    pub removed_chunks: u64,
    pub removed_bad: u64,
    pub removed_bytes: u64,
    /// Chunks older than the oldest writer that were too young to go.
    pub pending_chunks: u64,
    pub pending_bytes: u64,
    pub still_bad: u64,
    pub disk_chunks: u64,
    /// Chunks and what was set aside together.
    pub disk_bytes: u64,
    /// The watch ended the sweep before it was through.
    pub stopped: bool,
}

impl SweepReport {
    /// With what the sweep of another part came to.
    pub fn and(self, other: SweepReport) -> SweepReport {
        SweepReport {
            removed_chunks: self.removed_chunks + other.removed_chunks,
            removed_bad: self.removed_bad + other.removed_bad,
            removed_bytes: self.removed_bytes + other.removed_bytes,
            pending_chunks: self.pending_chunks + other.pending_chunks,
            pending_bytes: self.pending_bytes + other.pending_bytes,
            still_bad: self.still_bad + other.still_bad,
            disk_chunks: self.disk_chunks + other.disk_chunks,
            disk_bytes: self.disk_bytes + other.disk_bytes,
            stopped: self.stopped || other.stopped,
        }
    }
}

/// Why a chunk could not be stored, read, marked or removed.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    #[error("chunk {digest} is not in the store")]
    NotFound { digest: Digest },
    #[error("chunk {digest} is damaged on disk")]
    Damaged { digest: Digest, source: BlobError },
    #[error("chunk {digest} is damaged on disk: its file has {size} bytes, which no chunk has")]
    DamagedSize { digest: Digest, size: u64 },
    #[error("chunk {digest} cannot be stored: {size} bytes are no chunk")]
    BadSize { digest: Digest, size: usize },
    #[error("chunk {digest} cannot be stored")]
    NotABlob { digest: Digest, source: BlobError },
    #[error("{path:?} is in the way of a chunk: it is not a regular file")]
    NotAFile { path: PathBuf },
    #[error("chunk {digest} exists unencrypted, an encrypted one must not replace it")]
    PlainExists { digest: Digest },
    #[error(
        "chunk {digest} exists with another size ({existing} != {new}), though both are encrypted and not compressed"
    )]
    EncryptedSize {
        digest: Digest,
        existing: u64,
        new: u64,
    },
    #[error(
        "no space left on the datastore while writing {path:?}; free some space, or run garbage collection"
    )]
    NoSpace { path: PathBuf, source: io::Error },
    #[error("cannot {action} {path:?}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "the file system of {path:?} does not keep access times, so that chunks in use cannot be told from others; mount it with relatime or noatime, which keep them where they are set explicitly, or use another file system"
    )]
    MarksIgnored { path: PathBuf },
    /// The watch ended it.
    #[error("stopped")]
    Stopped,
    #[error("the file system reported lost writes since this backup began")]
    WritesLost,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of formats.md 3.4, plus the damaged old chunk and the plain one in place of an encrypted one.
    ///
    /// Whoever may back up can store an encrypted chunk under any digest, since a server cannot look into it. A chunk of a few bytes
    /// under the digest of somebody else's plain content made the server drop that content as a duplicate, and his backup was lost.
    #[test]
    fn insert_rules() {
        use BlobKind::{Encrypted, Plain, Zstd, ZstdEncrypted};
        let rows = [
            (
                "same size",
                Plain,
                60,
                60,
                Some(Plain),
                Some(InsertPlan::Keep),
            ),
            (
                "same size, encrypted",
                Encrypted,
                60,
                60,
                Some(Plain),
                Some(InsertPlan::Keep),
            ),
            (
                "same size, not even a magic",
                Plain,
                60,
                60,
                None,
                Some(InsertPlan::Write),
            ),
            (
                "same size, plain in place of encrypted",
                Plain,
                60,
                60,
                Some(Encrypted),
                Some(InsertPlan::Write),
            ),
            (
                "smaller, plain in place of encrypted",
                Plain,
                60,
                50,
                Some(Encrypted),
                Some(InsertPlan::Write),
            ),
            ("empty file", Plain, 60, 0, None, Some(InsertPlan::Write)),
            (
                "empty file, encrypted",
                ZstdEncrypted,
                60,
                0,
                None,
                Some(InsertPlan::Write),
            ),
            ("encrypted over plain", Encrypted, 60, 50, Some(Plain), None),
            (
                "encrypted over compressed",
                ZstdEncrypted,
                60,
                70,
                Some(Zstd),
                None,
            ),
            (
                "both encrypted and uncompressed",
                Encrypted,
                60,
                70,
                Some(Encrypted),
                None,
            ),
            (
                "encrypted, the old compressed",
                Encrypted,
                60,
                50,
                Some(ZstdEncrypted),
                Some(InsertPlan::Keep),
            ),
            (
                "encrypted, the new compressed",
                ZstdEncrypted,
                60,
                70,
                Some(Encrypted),
                Some(InsertPlan::Keep),
            ),
            (
                "plain, the old smaller",
                Plain,
                60,
                50,
                Some(Zstd),
                Some(InsertPlan::Keep),
            ),
            (
                "plain, the old larger",
                Zstd,
                60,
                70,
                Some(Plain),
                Some(InsertPlan::Write),
            ),
            (
                "the old cut short",
                Plain,
                60,
                50,
                None,
                Some(InsertPlan::Write),
            ),
            (
                "the old damaged, encrypted",
                Encrypted,
                60,
                50,
                None,
                Some(InsertPlan::Write),
            ),
        ];
        for (name, kind, new_len, old_len, old_kind, expected) in rows {
            let mut bytes = vec![0; new_len];
            bytes[..8].copy_from_slice(&kind.magic());
            let blob = Blob::parse(&bytes).expect(name);
            let plan = plan_insert(&Digest::ZERO, &blob, old_len, |_| Ok(old_kind));
            assert_eq!(plan.ok(), expected, "{name}");
        }
    }
}

//! Why a backup could not begin, or a request inside it was refused. The texts are the original's wherever it has one
//! (protocol.md 3.1 and 3.3), since clients show them to people and some logs are searched for them.

use std::fmt;
use std::io;
use std::path::PathBuf;

use format::{AuthId, Digest, NameError, Snapshot};

use crate::error::StoreError;
use crate::upload::UploadError;

/// Which of the two kinds of index a writer makes. Ids of one kind are unknown to calls of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriterKind {
    Dynamic,
    Fixed,
}

impl fmt::Display for WriterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WriterKind::Dynamic => "dynamic",
            WriterKind::Fixed => "fixed",
        })
    }
}

/// Why a backup did not begin, in the order in which it is checked.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    #[error("namespace not found")]
    NoNamespace,
    #[error("unable to run benchmark without --benchmark flags")]
    BenchmarkFlagMissing,
    #[error("benchmark flags is only allowed on 'host/benchmark'")]
    BenchmarkFlagMisplaced,
    #[error(
        "unable to acquire lock on backup group directory {path:?} - another backup is already running"
    )]
    GroupBusy { path: PathBuf },
    #[error("backup owner check failed ({caller} != {owner})")]
    Owner {
        caller: Box<AuthId>,
        owner: Box<AuthId>,
    },
    #[error("backup timestamp is older than last backup.")]
    NotNewer { last: Snapshot },
    #[error("unable to acquire lock on snapshot {snapshot} - locked by another operation")]
    BaseBusy { snapshot: Snapshot },
    #[error("backup directory already exists.")]
    Exists { snapshot: Snapshot },
    #[error("unable to acquire lock on snapshot {snapshot} - it is in use")]
    SnapshotBusy { snapshot: Snapshot },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a request inside a backup was refused. None of them ends the session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    // state
    #[error("backup already marked as finished.")]
    Finished,
    #[error("backup was ended, nothing can be added to it")]
    Ended,

    // names and writers
    #[error("wrong archive extension: '{name}'")]
    ArchiveExtension { name: String },
    #[error("wrong blob file extension: '{name}'")]
    BlobExtension { name: String },
    #[error("unknown archive type: {name:?}")]
    UnknownArchiveType { name: String },
    #[error("archive name {name:?} is not allowed")]
    Name { name: String, source: NameError },
    #[error("too many index writers in one backup (max {max})")]
    TooManyWriters { max: u32 },
    #[error("{kind} writer '{wid}' not registered")]
    NoWriter { kind: WriterKind, wid: u32 },
    #[error("archive '{name}' is too large: its index would have more than {max} bytes")]
    IndexTooLarge { name: String, max: u64 },
    #[error("archive '{name}' is already stored in this backup")]
    AlreadyStored { name: String },

    // chunks
    #[error("uploaded chunk is larger than announced.")]
    ChunkLarger,
    #[error("uploaded chunk has unexpected size.")]
    ChunkLength,
    #[error(transparent)]
    Chunk(#[from] UploadError),
    #[error("fixed writer '{name}' - got large chunk ({size} > {chunk_size}")]
    LargeChunk {
        name: String,
        size: u64,
        chunk_size: u64,
    },
    #[error("fixed writer '{wid}' - detected multiple end chunks (chunk size too small)")]
    MultipleEndChunks { wid: u32 },

    // append
    #[error("offset list has wrong length ({offsets} != {digests})")]
    OffsetListLength { offsets: usize, digests: usize },
    #[error("no such chunk {digest}")]
    NoSuchChunk { digest: Digest },
    #[error(
        "dynamic writer '{name}' append chunk failed - got strange chunk offset ({have} != {given})"
    )]
    StrangeOffset { name: String, have: u64, given: u64 },
    #[error("got unaligned chunk (pos = {offset})")]
    Unaligned { offset: u64 },
    #[error("chunk data exceeds size ({end} >= {size})")]
    ExceedsSize { end: u64, size: u64 },
    #[error("chunk with unexpected length ({size} != {chunk_size}")]
    UnexpectedLength { size: u64, chunk_size: u64 },

    // close
    #[error("{kind} writer '{name}' close failed - unexpected chunk count ({have} != {given})")]
    CloseCount {
        kind: WriterKind,
        name: String,
        have: u64,
        given: u64,
    },
    #[error(
        "fixed writer '{name}' close failed - received wrong number of chunk ({have} != {given})"
    )]
    CloseAppends { name: String, have: u64, given: u64 },
    #[error("{kind} writer '{name}' close failed - unexpected file size ({have} != {given})")]
    CloseSize {
        kind: WriterKind,
        name: String,
        have: u64,
        given: u64,
    },
    #[error("fixed writer '{name}' close failed - index is empty")]
    CloseEmpty { name: String },
    #[error("{kind} writer '{name}' close failed - got unexpected checksum")]
    CloseChecksum { kind: WriterKind, name: String },

    // reuse of the previous backup
    #[error("no valid previous backup")]
    NoPrevious,
    #[error("size is required for incremental backups")]
    ReuseSizeMissing,
    #[error("cannot reuse index - no valid previous backup exists")]
    ReuseNoPrevious,
    #[error("cannot reuse index - no previous backup exists for archive")]
    ReuseNoArchive { source: StoreError },
    #[error(
        "expected csum ({given}) doesn't match last backup's ({actual}), cannot do incremental backup"
    )]
    ReuseChecksum { given: Digest, actual: Digest },
    #[error("cannot reuse index - index sizes not equal ({new} != {old})")]
    ReuseLength { new: u64, old: u64 },
    #[error(
        "previous backup '{snapshot}' cannot be reused: {missing} chunks of '{archive}' are missing, the first is {first}; \
         verify it, the next backup then uploads everything again"
    )]
    PreviousIncomplete {
        snapshot: Snapshot,
        archive: String,
        missing: u64,
        first: Digest,
    },

    // blobs
    #[error("got blob with unexpected length ({announced} != {len})")]
    BlobLength { announced: u64, len: u64 },
    #[error("unable to parse raw blob - wrong magic")]
    BlobMagic,
    #[error("unable to parse raw blob - {len} bytes are too few")]
    BlobTooShort { len: usize },
    #[error("blob has {len} bytes, more than the allowed {max}")]
    BlobTooLarge { len: usize, max: usize },
    #[error("Data blob has wrong CRC checksum.")]
    BlobChecksum,

    // finish
    #[error("found open index writer - unable to finish backup")]
    OpenWriter,
    #[error(
        "archive '{name}' could not be stored, so this backup cannot be finished; start it again"
    )]
    ArchiveLost { name: String },
    #[error(
        "{missing} chunks of '{archive}' were found damaged and set aside during this backup, the first is {first}; start it again"
    )]
    ChunksSetAside {
        archive: String,
        missing: u64,
        first: Digest,
    },
    #[error("backup does not contain valid files (file count == 0)")]
    Empty,
    #[error(
        "base snapshot {snapshot} was removed during backup, cannot finish as chunks might be missing"
    )]
    BaseRemoved { snapshot: Snapshot },
    #[error("unable to update manifest blob - unable to load blob '{path:?}' - {source}")]
    NoManifest { path: PathBuf, source: io::Error },
    #[error("unable to update manifest blob - {reason}")]
    Manifest { reason: String },

    #[error(transparent)]
    Store(#[from] StoreError),
}

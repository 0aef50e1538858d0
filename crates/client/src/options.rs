//! What a caller asks for: where, protected how, made from what.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use crypto::Key;
use format::{ArchiveName, Chunker, CryptMode, Namespace, Snapshot, StoreName};
use tree::CreateOptions;

use crate::patience::Patience;

/// A snapshot on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub store: StoreName,
    pub namespace: Namespace,
    pub snapshot: Snapshot,
}

/// What a key does for a backup.
#[derive(Debug, Clone)]
pub enum Protection {
    /// There is none.
    None,
    /// It signs the manifest.
    Sign(Arc<Key>),
    /// It encrypts all data and signs the manifest.
    Encrypt(Arc<Key>),
}

impl Protection {
    pub fn mode(&self) -> CryptMode {
        match self {
            Protection::None => CryptMode::None,
            Protection::Sign(_) => CryptMode::SignOnly,
            Protection::Encrypt(_) => CryptMode::Encrypt,
        }
    }

    pub fn key(&self) -> Option<&Arc<Key>> {
        match self {
            Protection::None => None,
            Protection::Sign(key) | Protection::Encrypt(key) => Some(key),
        }
    }
}

/// One archive to be made.
#[derive(Debug, Clone)]
pub struct Source {
    /// As stored: `etc.pxar.didx`, `disk.img.fidx`, `app.conf.blob`.
    pub archive: ArchiveName,
    pub path: PathBuf,
    pub kind: SourceKind,
}

#[derive(Debug, Clone)]
pub enum SourceKind {
    /// A directory, stored as an archive of pieces of any size.
    Tree(Box<CreateOptions>),
    /// A directory, stored as a split archive: the source names the metadata half (`etc.mpxar.didx`).
    SplitTree(Box<CreateOptions>, Detection),
    /// A regular file or block device, stored in pieces of 4 MiB.
    Image,
    /// A small file, stored as one blob.
    File,
}

/// How the files of a split archive that are to be read are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detection {
    /// All are.
    Data,
    /// Those that are not as they were in the previous snapshot, judged by their metadata.
    Metadata,
}

/// How a backup is made.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    pub protection: Protection,
    /// The key of [`BackupOptions::protection`], wrapped by a master key; stored beside the archives.
    pub master_blob: Option<Vec<u8>>,
    /// Average piece of a tree in bytes: a power of two from 64 KiB to 4 MiB. Images always have 4 MiB.
    pub chunk_size_avg: usize,
    /// The server's task log tells each step.
    pub debug: bool,
    /// Ask the server to bypass its cache of an object store.
    pub no_cache: bool,
    /// Say what would be done, upload nothing. The server sees a session that is given up.
    pub dry_run: bool,
    /// Threads that hash, compress and encrypt.
    pub workers: NonZeroUsize,
    /// Waits for a server that goes away, and starts again; without it that is an error at once.
    pub patience: Option<Arc<Patience>>,
    /// Unix seconds: where the backup has to start again and the time of its snapshot is taken, it gets this one. Without it the time stays.
    pub now: Option<fn() -> i64>,
}

impl BackupOptions {
    /// Smallest average piece.
    pub const CHUNK_SIZE_MIN: usize = 64 << 10;

    pub fn new(protection: Protection) -> BackupOptions {
        BackupOptions {
            protection,
            master_blob: None,
            chunk_size_avg: Chunker::AVG_DEFAULT,
            debug: true,
            no_cache: false,
            dry_run: false,
            workers: workers(),
            patience: None,
            now: None,
        }
    }
}

/// One thread per core that we may use, eight at most: beyond that the connection is the limit, and each costs its buffers.
pub(crate) fn workers() -> NonZeroUsize {
    const MAX: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");
    std::thread::available_parallelism()
        .unwrap_or(NonZeroUsize::MIN)
        .min(MAX)
}

//! What a datastore is opened with.

use std::path::PathBuf;

/// How hard a backup is pressed to the disk before it is called finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncLevel {
    /// The kernel writes when it likes; a power cut may lose a backup that was reported finished.
    None,
    /// Every chunk file is synced, and its directory after the rename.
    File,
    /// One sync of the whole file system at the end of each backup.
    #[default]
    Filesystem,
}

/// In which order a verify reads chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChunkOrder {
    /// As they lie on the disk.
    #[default]
    Disk,
    /// As the index names them.
    Index,
}

/// Settings of an open datastore.
#[derive(Debug, Clone)]
pub struct Options {
    pub sync: SyncLevel,
    /// Where lock files of groups, snapshots and manifests live; every process that uses the store must name the same directory.
    /// The store's name becomes a directory below it. The original's is `/run/proxmox-backup/locks`.
    pub locks_dir: PathBuf,
    pub verify_order: ChunkOrder,
    /// Threads that read chunks during a verify, 1 to [`Options::VERIFY_THREADS_MAX`].
    pub verify_readers: usize,
    /// Threads that check chunks during a verify, 1 to [`Options::VERIFY_THREADS_MAX`].
    pub verify_checkers: usize,
}

impl Options {
    /// More threads than this only wait for each other.
    pub const VERIFY_THREADS_MAX: usize = 32;

    /// The original's defaults: file system sync, one verify reader, four checkers.
    pub fn new(locks_dir: impl Into<PathBuf>) -> Options {
        Options {
            sync: SyncLevel::default(),
            locks_dir: locks_dir.into(),
            verify_order: ChunkOrder::default(),
            verify_readers: 1,
            verify_checkers: 4,
        }
    }
}

//! The datastore as a whole: making and opening it, what it has room for, and the lock between processes.
//!
//! Its namespaces, groups and snapshots are in modules of their own, each with its verbs. Nothing is kept in memory: every call looks
//! at the disk, since other processes may change it.

mod create;
mod destroy;
mod forget;
mod groups;
mod moves;
mod namespaces;
mod prune;
mod snapshot;

use std::any::Any;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use format::{BackupType, Digest, Group, Namespace, Snapshot, StoreName};

use crate::chunk::ChunkStore;
use crate::clock::unix_now;
use crate::error::StoreError;
use crate::files::{self, Durable};
use crate::layout::{self, CHUNKS, PROCESS_LOCK};
use crate::local::LocalChunks;
use crate::locks::{ObjectLocks, ProcessLock, ProcessLockGuard};
use crate::options::{Options, SyncLevel};

pub use create::Made;
pub use forget::ForgetReport;
pub use moves::{MoveError, NamespaceMove, NamespaceMoved};
pub use prune::Pruned;
pub use snapshot::{SnapshotDir, SnapshotInfo};

pub(crate) use forget::remove_snapshot_files;
pub(crate) use moves::journal as move_journal;
pub(crate) use snapshot::{INDEX_MAX, decode_manifest, encode_manifest};

/// What the last collection of garbage left about itself.
const GC_STATUS: &str = ".gc-status";
/// A page of numbers.
const GC_STATUS_MAX: u64 = 1 << 16;

/// An open datastore. Clones are the same store.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store::{Datastore, Options};
///
/// let base = std::path::Path::new("/srv/vault");
/// Datastore::create(base)?;
/// let vault = Datastore::open(&"vault".parse()?, base, Options::new("/run/strongroom/locks"))?;
/// assert!(vault.groups(&format::Namespace::root())?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Datastore(Arc<Inner>, VerifyThreads, Option<Companion>);

/// What lives as long as a handle does.
type Companion = Arc<dyn Any + Send + Sync>;

/// Threads of a verify through one handle; others have their own numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VerifyThreads {
    pub readers: usize,
    pub checkers: usize,
}

struct Inner {
    name: StoreName,
    base: PathBuf,
    options: Options,
    chunks: Arc<dyn ChunkStore>,
    /// The barrier of the chunks covers the snapshots too. It does not if `.chunks` is a mount or a link to another file system.
    one_barrier: bool,
    locks: ObjectLocks,
    process: Arc<ProcessLock>,
}

/// Bytes of the file system below. `used + avail` may be less than `total`: the system reserves some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub total: u64,
    pub used: u64,
    pub avail: u64,
}

/// Groups and snapshots per backup type, over all namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub ct: TypeCount,
    pub host: TypeCount,
    pub vm: TypeCount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TypeCount {
    pub groups: u64,
    pub snapshots: u64,
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

impl Datastore {
    /// Opens what [`Datastore::create`] or the original made.
    pub fn open(name: &StoreName, path: &Path, options: Options) -> Result<Datastore, StoreError> {
        let chunks = path.join(CHUNKS);
        for place in [path, &chunks] {
            let is_there = match fs::metadata(place) {
                Ok(found) => found.is_dir(),
                Err(error) if is_absence(&error) => false,
                // Whoever may not look, or whose disk fails, is not told that it is gone.
                Err(error) => return Err(StoreError::io("look at", place)(error)),
            };
            if !is_there {
                return Err(StoreError::NotADatastore {
                    name: name.to_string(),
                    missing: place.to_path_buf(),
                });
            }
        }
        let device = |path: &Path| {
            let stat = fs::metadata(path).map_err(StoreError::io("stat", path));
            stat.map(|stat| stat.dev())
        };
        let one_barrier = device(path)? == device(&chunks)?;
        let chunks = LocalChunks::open(path, options.sync)?;
        Datastore::assemble(name, path, options, Arc::new(chunks), one_barrier)
    }

    /// Opens a datastore whose chunks are elsewhere than in its `.chunks`. With [`SyncLevel::Filesystem`], the barrier of `chunks` must
    /// also cover the file system of `path`.
    pub fn with_chunks(
        name: &StoreName,
        path: &Path,
        options: Options,
        chunks: Arc<dyn ChunkStore>,
    ) -> Result<Datastore, StoreError> {
        Datastore::assemble(name, path, options, chunks, true)
    }

    fn assemble(
        name: &StoreName,
        path: &Path,
        options: Options,
        chunks: Arc<dyn ChunkStore>,
        one_barrier: bool,
    ) -> Result<Datastore, StoreError> {
        let process = ProcessLock::open(path.join(PROCESS_LOCK))?;
        let locks = ObjectLocks::new(options.locks_dir.join(name.as_str()));
        let base = path.to_path_buf();
        let threads = VerifyThreads {
            readers: options.verify_readers,
            checkers: options.verify_checkers,
        };
        let inner = Inner {
            name: name.clone(),
            base,
            options,
            chunks,
            one_barrier,
            locks,
            process,
        };
        Ok(Datastore(Arc::new(inner), threads, None))
    }

    pub fn name(&self) -> &StoreName {
        &self.0.name
    }

    /// The directory.
    pub fn base(&self) -> &Path {
        &self.0.base
    }

    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The same store, verified with other numbers of threads than its options tell; nothing keeps those. At most
    /// [`Options::VERIFY_THREADS_MAX`] of each count.
    pub fn with_verify_threads(
        &self,
        readers: Option<usize>,
        checkers: Option<usize>,
    ) -> Datastore {
        let threads = VerifyThreads {
            readers: readers.unwrap_or(self.1.readers),
            checkers: checkers.unwrap_or(self.1.checkers),
        };
        Datastore(Arc::clone(&self.0), threads, self.2.clone())
    }

    /// The same store; `companion` is dropped with the last clone of this handle, and with what works through it: sessions, snapshots.
    pub fn accompanied(&self, companion: Arc<dyn Any + Send + Sync>) -> Datastore {
        Datastore(Arc::clone(&self.0), self.1, Some(companion))
    }

    pub(crate) fn verify_threads(&self) -> VerifyThreads {
        self.1
    }

    pub fn chunks(&self) -> &dyn ChunkStore {
        &*self.0.chunks
    }

    /// Where a chunk lies, for logs.
    pub fn chunk_path(&self, digest: &Digest) -> PathBuf {
        self.0.base.join(CHUNKS).join(layout::chunk_name(digest))
    }

    pub fn usage(&self) -> Result<Usage, StoreError> {
        let stat = rustix::fs::statvfs(&self.0.base)
            .map_err(|error| StoreError::io("stat", &self.0.base)(error.into()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Ok(Usage {
            total: bytes(stat.f_blocks),
            used: bytes(stat.f_blocks.saturating_sub(stat.f_bfree)),
            avail: bytes(stat.f_bavail),
        })
    }

    /// Counts by walking all namespaces. Groups without a snapshot are not counted, nor is what goes away on the way.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        for ns in self.namespaces(&Namespace::root(), None)? {
            let groups = match self.groups(&ns) {
                Err(StoreError::NoNamespace { .. }) => continue,
                groups => groups?,
            };
            for group in groups {
                let snapshots = match self.snapshot_times(&ns, &group) {
                    Err(StoreError::NoGroup { .. }) => continue,
                    times => times?.len() as u64,
                };
                let count = match group.ty {
                    BackupType::Ct => &mut counts.ct,
                    BackupType::Host => &mut counts.host,
                    BackupType::Vm => &mut counts.vm,
                };
                count.groups += u64::from(snapshots > 0);
                count.snapshots += snapshots;
            }
        }
        Ok(counts)
    }

    /// Keeps other processes from writing here, for garbage collection; fails at once if one does, or if this process collects already.
    pub fn lock_exclusive(&self) -> Result<ProcessLockGuard, StoreError> {
        self.0.process.exclusive()
    }

    /// Keeps other processes from collecting garbage, for whoever writes without a session.
    pub fn lock_writing(&self) -> Result<ProcessLockGuard, StoreError> {
        self.0.process.shared(unix_now())
    }

    /// When the oldest writer of this process that still runs began (Unix seconds).
    pub fn oldest_writer(&self) -> Option<i64> {
        self.0.process.oldest_writer(unix_now())
    }

    /// What the last collection of garbage left about itself; nothing before the first.
    pub fn gc_status(&self) -> Option<String> {
        let path = self.0.base.join(GC_STATUS);
        let file = fs::File::open(&path).ok()?;
        let bytes = files::read_bounded(&file, &path, GC_STATUS_MAX).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// Keeps such a text with the datastore.
    pub fn set_gc_status(&self, text: &str) -> Result<(), StoreError> {
        files::replace(
            &self.0.base.join(GC_STATUS),
            text.as_bytes(),
            Durable::Later,
        )
    }

    /// Returns once the tree of snapshots is on disk as it is now, as far as the store's sync level promises.
    pub(crate) fn sync_tree(&self) -> Result<(), StoreError> {
        match self.0.options.sync {
            SyncLevel::None => Ok(()),
            SyncLevel::File | SyncLevel::Filesystem => self.sync_all(),
        }
    }

    /// Returns once all of it is on disk, whatever the sync level.
    pub(crate) fn sync_all(&self) -> Result<(), StoreError> {
        let dir = fs::File::open(&self.0.base).map_err(StoreError::io("open", &self.0.base))?;
        self.synced(rustix::fs::syncfs(&dir))
    }

    /// What a sync told: that it failed is told once, and here it may be told of what backups wrote.
    fn synced(&self, told: rustix::io::Result<()>) -> Result<(), StoreError> {
        told.map_err(|error| {
            self.chunks().note_loss();
            StoreError::io("sync the file system of", &self.0.base)(error.into())
        })
    }

    pub(crate) fn locks(&self) -> &ObjectLocks {
        &self.0.locks
    }

    pub(crate) fn group_path(&self, ns: &Namespace, group: &Group) -> PathBuf {
        layout::group_dir(&self.0.base, ns, group)
    }

    pub(crate) fn snapshot_path(&self, ns: &Namespace, snapshot: &Snapshot) -> PathBuf {
        layout::snapshot_dir(&self.0.base, ns, snapshot)
    }

    /// For small files that stand alone: nothing later makes them durable.
    pub(crate) fn durable(&self) -> Durable {
        match self.0.options.sync {
            SyncLevel::None => Durable::Later,
            SyncLevel::File | SyncLevel::Filesystem => Durable::Now,
        }
    }

    /// For files of a session, which ends with a barrier.
    pub(crate) fn durable_before_barrier(&self) -> Durable {
        match self.0.options.sync {
            SyncLevel::File => Durable::Now,
            SyncLevel::Filesystem if !self.0.one_barrier => Durable::Now,
            SyncLevel::None | SyncLevel::Filesystem => Durable::Later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_numbers_of_threads() {
        let here = tempfile::tempdir().expect("tempdir");
        let base = here.path().join("vault");
        fs::create_dir_all(base.join(CHUNKS)).expect("create");
        let name = "vault".parse().expect("name");
        let store =
            Datastore::open(&name, &base, Options::new(here.path().join("locks"))).expect("open");
        for (given, expected) in [
            ((None, None), (1, 4)),
            ((Some(3), None), (3, 4)),
            ((None, Some(7)), (1, 7)),
        ] {
            let threads = store.with_verify_threads(given.0, given.1).verify_threads();
            assert_eq!((threads.readers, threads.checkers), expected, "{given:?}");
        }
        assert_eq!(store.verify_threads().readers, 1, "nobody else's");
    }

    /// A failed sync of a collection ended that collection only; the backups whose writes it was told of went on, and their journals counted.
    #[test]
    fn a_failed_sync_is_a_loss() {
        let here = tempfile::tempdir().expect("tempdir");
        let base = here.path().join("vault");
        fs::create_dir_all(base.join(CHUNKS)).expect("create");
        let name = "vault".parse().expect("name");
        let store =
            Datastore::open(&name, &base, Options::new(here.path().join("locks"))).expect("open");
        let before = store.chunks().epoch();
        store.sync_all().expect("a disk that is well");
        store.chunks().barrier(before).expect("nothing is lost");
        // A real one cannot be had without a broken disk.
        assert!(store.synced(Err(rustix::io::Errno::IO)).is_err());
        assert!(store.chunks().barrier(before).is_err());
        assert!(store.chunks().epoch().losses > before.losses);
    }

    /// Somebody put `.chunks` on a disk of its own. The sync at the end of a backup went to that disk alone, so a power cut could leave
    /// a manifest, which is synced by itself, beside indexes that were never written.
    #[test]
    fn chunks_on_another_disk() {
        let here = tempfile::tempdir().expect("tempdir");
        let Ok(there) = tempfile::tempdir_in("/dev/shm") else {
            eprintln!("skipped: there is no second file system");
            return;
        };
        if fs::metadata(here.path()).expect("stat").dev()
            == fs::metadata(there.path()).expect("stat").dev()
        {
            eprintln!("skipped: there is no second file system");
            return;
        }
        let open = |base: &Path| {
            let name = "vault".parse().expect("name");
            Datastore::open(&name, base, Options::new(here.path().join("locks"))).expect("open")
        };
        let (one, two) = (here.path().join("one"), here.path().join("two"));
        fs::create_dir_all(one.join(CHUNKS)).expect("create");
        fs::create_dir(&two).expect("create");
        std::os::unix::fs::symlink(there.path(), two.join(CHUNKS)).expect("link");
        assert_eq!(open(&one).durable_before_barrier(), Durable::Later);
        assert_eq!(open(&two).durable_before_barrier(), Durable::Now);
    }
}

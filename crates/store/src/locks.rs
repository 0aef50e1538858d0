//! Locks on groups, snapshots and manifests, and the lock between processes (formats.md 1.7).
//!
//! Object locks are `flock`s on files in a directory of their own, not in the datastore. A lock file is removed with its object, by
//! whoever holds it exclusively; so after every lock the file is compared with what lies under its name now.
//! The process lock is a record lock on `.lock`: shared by every session, exclusive for garbage collection.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use format::Namespace;
use rustix::fs::{FlockOperation, flock};

use crate::error::StoreError;
use crate::layout::{self, LockObject};
use crate::owner;
use crate::sys::{RecordLock, record_lock};

/// A lock of one object, held while this value lives.
#[derive(Debug)]
pub struct LockGuard {
    path: PathBuf,
    /// Closing it lets go of the lock.
    _file: Option<File>,
}

impl LockGuard {
    /// Stands for a shared lock where the disk of the locks has become read-only, as after an error of it: restores must go on. Nobody can take
    /// the exclusive lock there, for that needs a file to write, too.
    fn without_a_file(path: PathBuf) -> LockGuard {
        LockGuard { path, _file: None }
    }

    /// Removes the lock file of a removed object. Whoever waits for it notices and fails.
    pub(crate) fn remove(self) {
        // A file that stays is only litter: the next owner of the name locks it like any other.
        let _ = fs::remove_file(&self.path);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockMode {
    Shared,
    Exclusive,
}

/// The lock files of one store.
#[derive(Debug)]
pub(crate) struct ObjectLocks {
    dir: PathBuf,
}

/// How long a change of a manifest waits for another one.
const MANIFEST_WAIT: Duration = Duration::from_secs(5);
/// Pause between two looks at a lock that is held.
const WAIT_STEP: Duration = Duration::from_millis(20);
/// How often a lock file may vanish under us before we give up.
const VANISHED_MAX: usize = 16;

impl ObjectLocks {
    pub(crate) fn new(dir: PathBuf) -> ObjectLocks {
        ObjectLocks { dir }
    }

    /// Where the lock files are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Locks a file of its own, which stays; waits for whoever has it.
    pub(crate) fn lock_plain(&self, name: &str, wait: Duration) -> Result<File, StoreError> {
        let path = self.dir.join(name);
        let file = open_lock_file(&path)?;
        let deadline = Instant::now() + wait;
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK && error != rustix::io::Errno::INTR {
                return Err(StoreError::io("lock", &path)(error.into()));
            }
            if Instant::now() >= deadline {
                let object = name.to_owned();
                return Err(StoreError::Locked { object });
            }
            std::thread::sleep(WAIT_STEP);
        }
        Ok(file)
    }

    /// Takes a lock at once; nothing if somebody else holds it.
    pub(crate) fn try_lock(
        &self,
        ns: &Namespace,
        object: LockObject<'_>,
        mode: LockMode,
    ) -> Result<Option<LockGuard>, StoreError> {
        self.lock_until(ns, object, mode, Instant::now())
    }

    /// Takes the lock under which a manifest is changed; waits for a change that is on its way.
    pub(crate) fn lock_manifest(
        &self,
        ns: &Namespace,
        object: LockObject<'_>,
    ) -> Result<Option<LockGuard>, StoreError> {
        self.lock_until(
            ns,
            object,
            LockMode::Exclusive,
            Instant::now() + MANIFEST_WAIT,
        )
    }

    fn lock_until(
        &self,
        ns: &Namespace,
        object: LockObject<'_>,
        mode: LockMode,
        deadline: Instant,
    ) -> Result<Option<LockGuard>, StoreError> {
        let path = self.dir.join(layout::lock_file(ns, object));
        let operation = match mode {
            LockMode::Shared => FlockOperation::NonBlockingLockShared,
            LockMode::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        let mut vanished = 0;
        while vanished < VANISHED_MAX {
            let file = match open_lock_file(&path) {
                Err(error) if mode == LockMode::Shared && error.is_read_only() => {
                    return Ok(Some(LockGuard::without_a_file(path)));
                }
                opened => opened?,
            };
            while let Err(error) = flock(&file, operation) {
                if error != rustix::io::Errno::WOULDBLOCK && error != rustix::io::Errno::INTR {
                    return Err(StoreError::io("lock", &path)(error.into()));
                }
                if Instant::now() >= deadline {
                    return Ok(None);
                }
                std::thread::sleep(WAIT_STEP);
            }
            if is_current(&file, &path)? {
                return Ok(Some(LockGuard {
                    path,
                    _file: Some(file),
                }));
            }
            vanished += 1;
        }
        Ok(None)
    }
}

fn open_lock_file(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o660);
    let open = || owner::open_or_make(&options, path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().expect("lock files lie below a directory");
            owner::make_folders(folder, 0o755)
                .map_err(StoreError::io("create the directory of locks", folder))?;
            open()
        }
        opened => opened,
    }
    .map_err(StoreError::io("open lock file", path))
}

/// Whether the open file is still the one under this name.
fn is_current(file: &File, path: &Path) -> Result<bool, StoreError> {
    let held = file
        .metadata()
        .map_err(StoreError::io("stat lock file", path))?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("stat lock file", path)(error)),
    }
}

/// The lock between processes: one open file per open datastore.
#[derive(Debug)]
pub(crate) struct ProcessLock {
    path: PathBuf,
    file: File,
    held: Mutex<Held>,
}

/// Who holds the lock in this process.
#[derive(Debug, Default)]
struct Held {
    /// When each shared holder began, in Unix seconds and by a clock that nobody sets, by a number of its own.
    since: BTreeMap<u64, (i64, Instant)>,
    next: u64,
    exclusive: bool,
}

impl Held {
    fn wanted(&self) -> RecordLock {
        match (self.exclusive, self.since.is_empty()) {
            (true, _) => RecordLock::Exclusive,
            (false, false) => RecordLock::Shared,
            (false, true) => RecordLock::Unlocked,
        }
    }
}

impl ProcessLock {
    pub(crate) fn open(path: PathBuf) -> Result<Arc<ProcessLock>, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o644);
        let file = owner::open_or_make(&options, &path).map_err(StoreError::io("open", &path))?;
        Ok(Arc::new(ProcessLock {
            path,
            file,
            held: Mutex::default(),
        }))
    }

    /// Keeps other processes from collecting garbage. `now` is what [`ProcessLock::oldest_writer`] is told.
    pub(crate) fn shared(
        self: &Arc<ProcessLock>,
        now: i64,
    ) -> Result<ProcessLockGuard, StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.wanted() == RecordLock::Unlocked {
            self.set(RecordLock::Shared)?;
        }
        let id = held.next;
        held.next += 1;
        held.since.insert(id, (now, Instant::now()));
        Ok(ProcessLockGuard {
            lock: Arc::clone(self),
            shared: Some(id),
        })
    }

    /// Keeps other processes from writing backups, and this one from collecting garbage twice. Sessions of this process go on, and
    /// new ones may begin.
    pub(crate) fn exclusive(self: &Arc<ProcessLock>) -> Result<ProcessLockGuard, StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.exclusive {
            return Err(self.busy());
        }
        self.set(RecordLock::Exclusive)?;
        held.exclusive = true;
        Ok(ProcessLockGuard {
            lock: Arc::clone(self),
            shared: None,
        })
    }

    /// When the oldest shared holder of this process began, by the clock as it was then or as it is at `now`, whichever is earlier: a clock
    /// that was set in between must not make a session look younger than it is.
    pub(crate) fn oldest_writer(&self, now: i64) -> Option<i64> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let began = |(since, began): &(i64, Instant)| {
            let passed = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
            (*since).min(now.saturating_sub(passed))
        };
        held.since.values().map(began).min()
    }

    fn set(&self, lock: RecordLock) -> Result<(), StoreError> {
        match record_lock(self.file.as_fd(), lock) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.busy()),
            Err(error) => Err(StoreError::io("lock", &self.path)(error)),
        }
    }

    fn busy(&self) -> StoreError {
        StoreError::ProcessLocked {
            path: self.path.clone(),
        }
    }
}

/// A share of the process lock, or all of it, held while this value lives.
#[derive(Debug)]
pub struct ProcessLockGuard {
    lock: Arc<ProcessLock>,
    shared: Option<u64>,
}

impl Drop for ProcessLockGuard {
    fn drop(&mut self) {
        let mut held = self
            .lock
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match self.shared {
            Some(id) => drop(held.since.remove(&id)),
            None => held.exclusive = false,
        }
        if held.wanted() != RecordLock::Exclusive {
            // Weakening or dropping one's own lock has no reason to fail, and nobody here could do anything about it.
            let _ = self.lock.set(held.wanted());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process_lock(dir: &Path) -> Arc<ProcessLock> {
        ProcessLock::open(dir.join(".lock")).expect("open")
    }

    #[test]
    fn two_processes_share_or_exclude() {
        // Two open files of `.lock` are to each other what two processes are.
        let dir = tempfile::tempdir().expect("tempdir");
        let (a, b) = (process_lock(dir.path()), process_lock(dir.path()));
        let first = a.shared(10).expect("free");
        let second = b.shared(20).expect("shared locks go together");
        assert!(
            matches!(a.exclusive(), Err(StoreError::ProcessLocked { .. })),
            "b has a session"
        );
        drop(second);
        let all = a.exclusive().expect("only our own session is open");
        assert!(b.shared(30).is_err());
        assert!(a.exclusive().is_err(), "one collection per process");
        let late = a.shared(40).expect("sessions of this process may begin");
        assert_eq!(a.oldest_writer(100), Some(10));
        drop(first);
        assert_eq!(a.oldest_writer(100), Some(40));
        assert_eq!(a.oldest_writer(30), Some(30), "the clock was set back");
        drop(all);
        drop(b.shared(50).expect("collection is over"));
        assert!(
            b.exclusive().is_err(),
            "the late session still holds its share"
        );
        drop(late);
        assert_eq!(a.oldest_writer(100), None);
        drop(b.exclusive().expect("free"));
    }

    #[test]
    fn closing_another_descriptor_keeps_the_lock() {
        let dir = tempfile::tempdir().expect("tempdir");
        let (a, b) = (process_lock(dir.path()), process_lock(dir.path()));
        let held = a.exclusive().expect("free");
        drop(File::open(dir.path().join(".lock")).expect("open"));
        assert!(
            b.shared(1).is_err(),
            "an older kind of record lock would be gone"
        );
        drop(held);
    }

    #[test]
    fn object_locks_share_or_exclude() {
        let dir = tempfile::tempdir().expect("tempdir");
        let locks = ObjectLocks::new(dir.path().join("locks/vault"));
        let ns = Namespace::root();
        let group = "vm/100".parse().expect("group");
        let object = LockObject::Group(&group);
        let lock = |mode| locks.try_lock(&ns, object, mode).expect("lock");
        let first = lock(LockMode::Shared).expect("free");
        let second = lock(LockMode::Shared).expect("shared");
        assert!(lock(LockMode::Exclusive).is_none());
        drop((first, second));
        let all = lock(LockMode::Exclusive).expect("free");
        assert!(lock(LockMode::Shared).is_none());
        assert!(dir.path().join("locks/vault/vm-100").exists());
        all.remove();
        assert!(!dir.path().join("locks/vault/vm-100").exists());
        assert!(
            lock(LockMode::Exclusive).is_some(),
            "a new file takes the old one's place"
        );
    }

    #[test]
    fn a_lock_on_a_removed_file_is_no_lock() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("vm-100");
        let file = open_lock_file(&path).expect("open");
        assert!(is_current(&file, &path).expect("stat"));
        fs::remove_file(&path).expect("remove");
        assert!(!is_current(&file, &path).expect("stat"));
        let _other = open_lock_file(&path).expect("open");
        assert!(
            !is_current(&file, &path).expect("stat"),
            "another file has the name now"
        );
    }
}

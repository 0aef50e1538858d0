//! What runs on each datastore now, counted: whoever takes a datastore away must know whether somebody still uses it (formats.md 1.9).
//!
//! Each process counts its own in memory and tells others in a file of the original's form, `active-operations/<store>` in the state folder. It
//! is written when a count comes from or goes to zero: in between the number there may be old, but never wrongly zero. Whoever begins waits
//! until it says so; whoever ends does not wait, since he may be on a thread that serves others.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::rest::datastore::ActiveOperations;
use config::owner;
use format::StoreName;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::blocking;
use crate::shortage::Shortage;

/// What an operation does with a datastore; maintenance modes refuse by it (server.md 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// How long one waits for another who writes the file.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_STEP: Duration = Duration::from_millis(10);

/// The operations of this process.
#[derive(Debug)]
pub struct Operations {
    dir: PathBuf,
    shortage: Shortage,
    counts: Mutex<HashMap<StoreName, Arc<Count>>>,
}

/// One of them, while this value lives.
#[derive(Debug)]
pub struct Operation {
    count: Arc<Count>,
    access: Access,
}

/// Those of one datastore.
#[derive(Debug)]
struct Count {
    file: PathBuf,
    shortage: Shortage,
    numbers: Mutex<Numbers>,
    /// Held by whoever writes the file; never together with waiting for another lock of this process.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Numbers {
    now: ActiveOperations,
    /// What the file says at least, whatever is being written.
    told: ActiveOperations,
}

impl Operations {
    pub fn new(state_dir: &Path, shortage: Shortage) -> Operations {
        Operations {
            dir: folder(state_dir),
            shortage,
            counts: Mutex::default(),
        }
    }

    /// An operation begins. Do this before you look whether it may.
    pub fn begin(&self, store: &StoreName, access: Access) -> Operation {
        let count = self.of(store);
        let is_told = {
            let mut numbers = count.numbers();
            *of(&mut numbers.now, access) += 1;
            *of(&mut numbers.told, access) > 0
        };
        if !is_told {
            count.tell();
        }
        Operation { count, access }
    }

    /// Those of this process.
    pub fn own(&self, store: &StoreName) -> ActiveOperations {
        self.of(store).numbers().now
    }

    /// Those of all processes.
    pub fn all(&self, store: &StoreName) -> io::Result<ActiveOperations> {
        let mut sum = self.own(store);
        let own = Process::this();
        for entry in read(&self.dir.join(store.as_str()))? {
            if entry.process != own {
                sum.read += entry.active_operations.read;
                sum.write += entry.active_operations.write;
            }
        }
        Ok(sum)
    }

    fn of(&self, store: &StoreName) -> Arc<Count> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(store.clone()).or_insert_with(|| {
            Arc::new(Count {
                file: self.dir.join(store.as_str()),
                shortage: self.shortage.clone(),
                numbers: Mutex::default(),
                writing: Mutex::default(),
            })
        });
        Arc::clone(count)
    }
}

fn of(numbers: &mut ActiveOperations, access: Access) -> &mut u64 {
    match access {
        Access::Read => &mut numbers.read,
        Access::Write => &mut numbers.write,
    }
}

impl Count {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the file, if it says too much or too little by now; blocking.
    fn tell(&self) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = {
            let mut numbers = self.numbers();
            let (now, told) = (numbers.now, numbers.told);
            if (now.read == 0) == (told.read == 0) && (now.write == 0) == (told.write == 0) {
                return;
            }
            // While it is written it may already say the new number, or still the old one.
            numbers.told = ActiveOperations {
                read: now.read.min(told.read),
                write: now.write.min(told.write),
            };
            now
        };
        // The file is for other processes; that it cannot be written is no reason to refuse work.
        if let Err(error) = tell(&self.file, now)
            && !self.shortage.covers(&self.file, &error)
        {
            tracing::warn!("cannot tell of operations in {:?}: {error}", self.file);
        }
        self.numbers().told = now;
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        let is_last = {
            let mut numbers = self.count.numbers();
            let number = of(&mut numbers.now, self.access);
            *number = number.saturating_sub(1);
            *number == 0
        };
        if is_last {
            let count = Arc::clone(&self.count);
            blocking::later(move || count.tell());
        }
    }
}

/// Operations of all processes that live, as a process that has none itself sees them.
pub fn of_others(state_dir: &Path, store: &StoreName) -> io::Result<ActiveOperations> {
    Operations::new(state_dir, Shortage::default()).all(store)
}

fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("active-operations")
}

/// A process, told apart from a later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Process {
    pid: u32,
    /// In clock ticks since the machine started.
    starttime: u64,
}

impl Process {
    fn this() -> Process {
        let pid = std::process::id();
        let starttime = start_of(pid).unwrap_or_default();
        Process { pid, starttime }
    }

    fn lives(self) -> bool {
        start_of(self.pid) == Some(self.starttime)
    }
}

/// Field 22 of the process's `stat`; what stands before the last parenthesis may hold anything.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(19)?.parse().ok()
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    process: Process,
    active_operations: ActiveOperations,
}

/// What living processes have told.
fn read(file: &Path) -> io::Result<Vec<Entry>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let entries: Vec<Entry> = serde_json::from_str(&text)?;
    Ok(entries
        .into_iter()
        .filter(|entry| entry.process.lives())
        .collect())
}

fn tell(file: &Path, own: ActiveOperations) -> io::Result<()> {
    let dir = file.parent().unwrap_or(Path::new("/"));
    owner::make_folders(dir, 0o777)?;
    let _lock = lock(&file.with_added_extension("lock"))?;
    let this = Process::this();
    // A file that cannot be understood tells nothing; it is replaced.
    let mut entries = read(file).unwrap_or_default();
    entries.retain(|entry| entry.process != this);
    if own != ActiveOperations::default() {
        entries.push(Entry {
            process: this,
            active_operations: own,
        });
    }
    let mut temp = tempfile::NamedTempFile::new_in(dir)?;
    owner::inherit(temp.as_file(), dir)?;
    temp.write_all(&serde_json::to_vec(&entries)?)?;
    temp.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn lock(path: &Path) -> io::Result<File> {
    let file = owner::open_or_make(OpenOptions::new().write(true), path)?;
    let deadline = Instant::now() + LOCK_WAIT;
    while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK || Instant::now() >= deadline {
            return Err(error.into());
        }
        std::thread::sleep(LOCK_STEP);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_and_told() {
        let dir = tempfile::tempdir().expect("tempdir");
        let store: StoreName = "vault".parse().expect("name");
        let counts = |read, write| ActiveOperations { read, write };
        let operations = Operations::new(dir.path(), Shortage::default());
        assert_eq!(operations.own(&store), counts(0, 0));
        let first = operations.begin(&store, Access::Read);
        let second = operations.begin(&store, Access::Read);
        let third = operations.begin(&store, Access::Write);
        assert_eq!(operations.all(&store).expect("read"), counts(2, 1));
        drop((first, third));
        assert_eq!(operations.own(&store), counts(1, 0));

        // What others told counts while they live: this test's parent does, a process of a number too large does not.
        let file = folder(dir.path()).join("vault");
        let parent = std::os::unix::process::parent_id();
        let start = start_of(parent).expect("the parent lives");
        let other = |pid: u32, start: u64| {
            format!(
                r#"{{"pid":{pid},"starttime":{start},"active_operations":{{"read":4,"write":2}}}}"#
            )
        };
        let lives = other(parent, start);
        let reborn = other(parent, start + 1);
        let dead = other(u32::MAX, 1);
        fs::write(&file, format!("[{lives},{reborn},{dead}]")).expect("write");
        assert_eq!(operations.all(&store).expect("read"), counts(5, 2));
        drop(second);
        assert_eq!(of_others(dir.path(), &store).expect("read"), counts(4, 2));
        let text = fs::read_to_string(&file).expect("read");
        assert_eq!(text, format!("[{lives}]"), "only who lives is kept");
    }

    /// An end wrote the file while it held the count, on the thread that served everybody; whoever began meanwhile waited for it.
    #[tokio::test]
    async fn nobody_waits_for_the_file_of_an_end() {
        let dir = tempfile::tempdir().expect("tempdir");
        let store: StoreName = "vault".parse().expect("name");
        let operations = Arc::new(Operations::new(dir.path(), Shortage::default()));
        let (reads, writes) = (Access::Read, Access::Write);
        let (first, second) = (
            operations.begin(&store, reads),
            operations.begin(&store, writes),
        );
        // Somebody else has the file for as long as this test likes.
        let held = lock(&folder(dir.path()).join("vault.lock")).expect("lock");
        let began = Instant::now();
        drop(first);
        drop(operations.begin(&store, writes));
        let own = operations.own(&store);
        assert_eq!((own.read, own.write), (0, 1));
        assert!(
            began.elapsed() < LOCK_WAIT / 2,
            "nothing waited for the lock"
        );
        drop(held);
        let told = || of_others_told(&folder(dir.path()).join("vault"));
        while told() != (0, 1) {
            tokio::task::yield_now().await;
        }
        drop(second);
        while told() != (0, 0) {
            tokio::task::yield_now().await;
        }
    }

    /// Never wrongly zero: what the file says while many begin and end.
    #[test]
    fn the_file_says_so_before_work_begins() {
        let dir = tempfile::tempdir().expect("tempdir");
        let store: StoreName = "vault".parse().expect("name");
        let operations = Operations::new(dir.path(), Shortage::default());
        let file = folder(dir.path()).join("vault");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let operation = operations.begin(&store, Access::Write);
                        assert!(of_others_told(&file).1 > 0);
                        drop(operation);
                    }
                });
            }
        });
        assert_eq!(of_others_told(&file), (0, 0));
    }

    fn of_others_told(file: &Path) -> (u64, u64) {
        let entries = read(file).expect("read");
        let sum = |of: fn(&ActiveOperations) -> u64| {
            entries
                .iter()
                .map(|entry| of(&entry.active_operations))
                .sum()
        };
        (sum(|told| told.read), sum(|told| told.write))
    }
}

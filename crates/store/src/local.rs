//! Chunks as files of a directory: `.chunks/<4 digits>/<64 digits>`.
//!
//! All names are looked up from one open directory. Locks by digest keep insert, touch, set aside and sweep of one chunk apart inside
//! this process; other processes are kept away by the lock on `.lock`. A chunk appears under its name by rename only.
//! Layout and rules: `docs/formats/datastore.md`.

mod probe;
mod sweep;

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use format::{Blob, BlobKind, CHUNK_ENCODED_MAX, Digest};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;

use crate::chunk::{
    ChunkError, ChunkStore, Epoch, InsertPlan, Inserted, Look, Part, SweepReport, check_loaded,
    parse_new, plan_insert,
};
use crate::clock::since_epoch;
use crate::files::random_suffix;
use crate::layout::{CHUNKS, chunk_name};
use crate::options::SyncLevel;
use crate::owner::{self, Heir};
use crate::sys::start_writeback;
use crate::watch::Watch;

/// The chunk store below a datastore's base directory.
#[derive(Debug)]
pub struct LocalChunks {
    /// `.chunks`, open for the life of the store, so that the kernel tells this store of writes it lost.
    dir: OwnedFd,
    path: PathBuf,
    /// Whose new chunks are, if root writes them.
    heir: Heir,
    sync: SyncLevel,
    locks: Box<[Mutex<()>]>,
    /// One barrier at a time, so that each sees what the one before it was told.
    syncing: Mutex<()>,
    /// How many barriers found writes lost. Read without waiting for one that runs, which can take minutes.
    losses: AtomicU64,
}

/// From this length on it pays to allocate a file before writing it.
const ALLOCATE_FIRST: usize = 256 << 10;
/// As many locks as chunks of one process are likely to be handled at once, and some more.
const LOCKS: usize = 256;
/// Directories of chunks.
const PREFIXES: u32 = 1 << 16;
/// A damaged chunk is renamed to one of this many names; the last one is overwritten.
const ASIDE_MAX: u32 = 10;
/// The smallest file that can be a chunk.
const ENCODED_MIN: u64 = 12;
/// The longest header of a blob.
const HEADER_MAX: usize = 44;

impl LocalChunks {
    /// Makes `.chunks` with its 65536 directories in `base`. Fails if `.chunks` exists, and then leaves it alone; what a call that fails
    /// later made is removed again.
    pub fn create(base: &Path, watch: &dyn Watch) -> Result<(), ChunkError> {
        let path = base.join(CHUNKS);
        rustix::fs::mkdir(&path, DIR_MODE).map_err(io_error("create", &path))?;
        let made = LocalChunks::create_prefixes(&path, base, watch);
        if made.is_err() {
            // The first error is the one to tell of; a second one could only be that the first went on.
            let _ = std::fs::remove_dir_all(&path);
        }
        made
    }

    fn create_prefixes(path: &Path, base: &Path, watch: &dyn Watch) -> Result<(), ChunkError> {
        let dir = open_dir(path)?;
        let heir = Heir::of(base).map_err(|e| chunk_io("stat", base.to_owned(), e))?;
        // Pure names and one open directory: this is as fast as the file system makes directories.
        for prefix in 0..PREFIXES {
            if watch.stopped() {
                return Err(ChunkError::Stopped);
            }
            let name = prefix_name(prefix);
            let name = std::str::from_utf8(&name).expect("hexadecimal digits");
            rustix::fs::mkdirat(&dir, name, DIR_MODE)
                .map_err(io_error("create a directory in", path))?;
            heir.give_name(&dir, name)
                .map_err(|e| chunk_io("give its owner a directory in", path.to_owned(), e))?;
        }
        // Last, so that until then nobody else could put something else under a name.
        heir.give(&dir)
            .map_err(|e| chunk_io("give its owner", path.to_owned(), e))
    }

    /// Opens what [`LocalChunks::create`] made.
    pub fn open(base: &Path, sync: SyncLevel) -> Result<LocalChunks, ChunkError> {
        let path = base.join(CHUNKS);
        let dir = open_dir(&path)?;
        let locks = (0..LOCKS).map(|_| Mutex::new(())).collect();
        let heir = Heir::of(&path).map_err(|e| chunk_io("stat", path.clone(), e))?;
        Ok(LocalChunks {
            dir,
            heir,
            path,
            sync,
            locks,
            syncing: Mutex::new(()),
            losses: AtomicU64::new(0),
        })
    }

    /// Keeps others of this process from the chunk. The lock protects no value, so one that a panic left behind is as good as new.
    fn lock(&self, digest: &Digest) -> MutexGuard<'_, ()> {
        self.locks[usize::from(digest.0[0]) % LOCKS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Size of the regular file `name`, nothing if there is no such name.
    fn size(&self, name: &str) -> Result<Option<u64>, ChunkError> {
        match rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Ok(Some(stat.st_size as u64))
            }
            Ok(_) => Err(ChunkError::NotAFile {
                path: self.at(name),
            }),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(io_error("stat", &self.at(name))(error)),
        }
    }

    /// Sets the access time to now. The caller holds the chunk's lock.
    fn mark(&self, name: &str) -> Result<bool, ChunkError> {
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_NOW,
            },
            last_modification: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
        };
        match rustix::fs::utimensat(&self.dir, name, &times, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(io_error("mark as used", &self.at(name))(error)),
        }
    }

    /// Writes a temp file beside the final name and renames it. The caller holds the chunk's lock.
    fn write(
        &self,
        digest: &Digest,
        name: &str,
        encoded: &[u8],
        replaces: bool,
    ) -> Result<(), ChunkError> {
        let temp = format!("{name}.tmp_{}", random_suffix());
        let written = self
            .create_temp(digest, &temp)
            .and_then(|file| self.fill(&file, &temp, encoded, replaces))
            .and_then(|()| {
                rustix::fs::renameat(&self.dir, &temp, &self.dir, name)
                    .map_err(io_error("rename a new chunk to", &self.at(name)))
            });
        if written.is_err() {
            // Whether it was made at all is not known; what cannot be removed is litter that a sweep takes.
            let _ = rustix::fs::unlinkat(&self.dir, &temp, AtFlags::empty());
        }
        written?;
        if self.sync == SyncLevel::File {
            self.sync_prefix(name)?;
        }
        Ok(())
    }

    fn create_temp(&self, digest: &Digest, temp: &str) -> Result<File, ChunkError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let open = || rustix::fs::openat(&self.dir, temp, flags, Mode::from_raw_mode(0o644));
        let opened = match open() {
            // A store that was copied may lack the directories that were empty.
            Err(Errno::NOENT) => {
                let prefix = &digest.to_string()[..4];
                match rustix::fs::mkdirat(&self.dir, prefix, DIR_MODE) {
                    Ok(()) => {
                        let folder = owner::open_folder(&self.at(prefix));
                        let given = folder.and_then(|folder| self.heir.give(folder));
                        given.map_err(|e| chunk_io("give its owner", self.at(prefix), e))?;
                        open()
                    }
                    Err(Errno::EXIST) => open(),
                    Err(error) => Err(error),
                }
            }
            opened => opened,
        };
        let file = opened
            .map(File::from)
            .map_err(io_error("create", &self.at(temp)))?;
        let given = self.heir.give(&file);
        given.map_err(|e| chunk_io("give its owner", self.at(temp), e))?;
        Ok(file)
    }

    fn fill(
        &self,
        mut file: &File,
        temp: &str,
        encoded: &[u8],
        replaces: bool,
    ) -> Result<(), ChunkError> {
        let failed = |action| {
            let path = self.at(temp);
            move |error: io::Error| chunk_io(action, path, error)
        };
        if encoded.len() >= ALLOCATE_FIRST {
            // Several times cheaper than allocation behind our back, and a full disk shows here; file systems that cannot do it
            // are left to their own way.
            let flags = rustix::fs::FallocateFlags::empty();
            if let Err(full @ (Errno::NOSPC | Errno::DQUOT)) =
                rustix::fs::fallocate(file, flags, 0, encoded.len() as u64)
            {
                return Err(failed("write")(full.into()));
            }
        }
        file.write_all(encoded).map_err(failed("write"))?;
        match before_rename(self.sync, replaces) {
            BeforeRename::Nothing => {}
            BeforeRename::Sync => file.sync_all().map_err(failed("sync"))?,
            BeforeRename::StartWriting => drop(start_writeback(file.as_fd())),
        }
        Ok(())
    }

    fn sync_prefix(&self, name: &str) -> Result<(), ChunkError> {
        let prefix = &name[..4];
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.dir, prefix, flags, Mode::empty())
            .and_then(rustix::fs::fsync)
            .map_err(io_error("sync", &self.at(prefix)))
    }

    /// Reads the file `name` if it is of a chunk's size.
    fn read(&self, digest: &Digest, name: &str, into: &mut Vec<u8>) -> Result<(), ChunkError> {
        into.clear();
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.dir, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Err(ChunkError::NotFound { digest: *digest }),
            Err(Errno::LOOP) => {
                return Err(ChunkError::NotAFile {
                    path: self.at(name),
                });
            }
            Err(error) => return Err(io_error("open", &self.at(name))(error)),
        };
        let failed = |error| chunk_io("read", self.at(name), error);
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Err(ChunkError::NotAFile {
                path: self.at(name),
            });
        }
        let size = meta.len();
        if !(ENCODED_MIN..=CHUNK_ENCODED_MAX as u64).contains(&size) {
            return Err(ChunkError::DamagedSize {
                digest: *digest,
                size,
            });
        }
        into.reserve(size as usize);
        (&file).take(size).read_to_end(into).map_err(failed)?;
        Ok(())
    }

    /// When a chunk was last set aside, or a directory of chunks made: the change time of `.chunks`, which all processes see.
    fn asides(&self) -> Option<u64> {
        Some(changed(&rustix::fs::fstat(&self.dir).ok()?))
    }

    /// Tells all processes that a chunk was set aside.
    fn stamp_aside(&self) -> Result<(), ChunkError> {
        // Not the kernel's own time, which stands still for milliseconds.
        let now = since_epoch();
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: now.as_secs() as _,
                tv_nsec: now.subsec_nanos().into(),
            },
        };
        rustix::fs::futimens(&self.dir, &times).map_err(io_error("mark", &self.path))
    }

    /// What kind of blob lies under `name`; nothing if it is damaged.
    fn existing_kind(&self, digest: &Digest, name: &str) -> Result<Option<BlobKind>, ChunkError> {
        let mut bytes = Vec::new();
        match self.read(digest, name, &mut bytes) {
            Ok(()) => {}
            Err(ChunkError::DamagedSize { .. } | ChunkError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let blob = Blob::parse(&bytes)
            .ok()
            .filter(|blob| blob.check_crc().is_ok());
        Ok(blob.map(|blob| blob.kind()))
    }

    /// What kind of blob the first bytes under `name` promise; nothing if they are no blob's.
    fn header_kind(&self, name: &str) -> Result<Option<BlobKind>, ChunkError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.dir, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(io_error("open", &self.at(name))(error)),
        };
        let mut header = Vec::with_capacity(HEADER_MAX);
        file.take(HEADER_MAX as u64)
            .read_to_end(&mut header)
            .map_err(|error| chunk_io("read", self.at(name), error))?;
        Ok(Blob::parse(&header).ok().map(|blob| blob.kind()))
    }
}

impl ChunkStore for LocalChunks {
    fn insert(&self, digest: &Digest, encoded: &[u8]) -> Result<Inserted, ChunkError> {
        // Integrity, first place of four: nothing that is no blob gets a chunk's name.
        let blob = parse_new(digest, encoded)?;
        let name = chunk_name(digest);
        let _lock = self.lock(digest);
        let existing = self.size(&name)?;
        if let Some(stored) = existing {
            let plan = plan_insert(digest, &blob, stored, |look| match look {
                Look::Header => self.header_kind(&name),
                Look::Whole => self.existing_kind(digest, &name),
            })?;
            // A chunk that cannot be marked because it is gone is written like any other.
            if plan == InsertPlan::Keep && self.mark(&name)? {
                return Ok(Inserted::Duplicate { stored });
            }
        }
        self.write(digest, &name, encoded, existing.is_some())?;
        Ok(Inserted::New {
            stored: encoded.len() as u64,
        })
    }

    fn load(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), ChunkError> {
        self.read(digest, &chunk_name(digest), into)?;
        // Integrity, second place of four: a damaged chunk leaves the disk for verify's eyes only.
        check_loaded(digest, into)
    }

    fn touch(&self, digest: &Digest) -> Result<bool, ChunkError> {
        let name = chunk_name(digest);
        let _lock = self.lock(digest);
        // An empty file, or one cut off in its header, is what some power cuts make of a chunk. It is none, and the next insert
        // overwrites it.
        match self.size(&name)? {
            Some(ENCODED_MIN..) => self.mark(&name),
            _ => Ok(false),
        }
    }

    fn touch_aside(&self, digest: &Digest) -> Result<bool, ChunkError> {
        let name = chunk_name(digest);
        let _lock = self.lock(digest);
        let mut any = false;
        for n in 0..ASIDE_MAX {
            any |= self.mark(&aside_name(&name, n))?;
        }
        Ok(any)
    }

    fn position(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        let name = chunk_name(digest);
        match rustix::fs::statat(&self.dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat.st_ino)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(io_error("stat", &self.at(&name))(error)),
        }
    }

    fn stamp(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        let name = chunk_name(digest);
        match rustix::fs::statat(&self.dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
            // When it was written. An inode's number would not do: the next chunk in its place may get the same.
            Ok(stat) => Ok(Some(changed(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(io_error("stat", &self.at(&name))(error)),
        }
    }

    fn stored_size(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        let name = chunk_name(digest);
        match rustix::fs::statat(&self.dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(u64::try_from(stat.st_size).ok()),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(io_error("stat", &self.at(&name))(error)),
        }
    }

    fn set_aside(&self, digest: &Digest, position: u64) -> Result<Option<String>, ChunkError> {
        let name = chunk_name(digest);
        let _lock = self.lock(digest);
        if self.position(digest)? != Some(position) {
            return Ok(None);
        }
        let mut n = 0;
        while n + 1 < ASIDE_MAX && self.size(&aside_name(&name, n))?.is_some() {
            n += 1;
        }
        let aside = aside_name(&name, n);
        rustix::fs::renameat(&self.dir, &name, &self.dir, &aside)
            .map_err(io_error("set aside", &self.at(&name)))?;
        self.stamp_aside()?;
        Ok(Some(aside[5..].to_owned()))
    }

    fn sweep(
        &self,
        part: Part,
        cutoff: i64,
        oldest_writer: i64,
        watch: &dyn Watch,
    ) -> Result<SweepReport, ChunkError> {
        sweep::sweep(self, part, cutoff, oldest_writer, watch)
    }

    fn probe(&self, wait: Duration) -> Result<(), ChunkError> {
        probe::probe(self, wait)
    }

    fn epoch(&self) -> Epoch {
        Epoch {
            losses: self.losses.load(Ordering::SeqCst),
            asides: self.asides(),
        }
    }

    fn note_loss(&self) {
        self.losses.fetch_add(1, Ordering::SeqCst);
    }

    fn disturbed(&self, since: Epoch) -> bool {
        since.asides.is_none() || self.asides() != since.asides
    }

    fn barrier(&self, since: Epoch) -> Result<(), ChunkError> {
        if self.sync != SyncLevel::Filesystem {
            return Ok(());
        }
        let _one_at_a_time = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = rustix::fs::syncfs(&self.dir) {
            self.note_loss();
            return Err(io_error("sync the file system of", &self.path)(error));
        }
        // The kernel tells of a lost write once, and the telling may have gone to another backup's barrier.
        if self.losses.load(Ordering::SeqCst) > since.losses {
            Err(ChunkError::WritesLost)
        } else {
            Ok(())
        }
    }
}

/// What happens to a written chunk before it gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BeforeRename {
    Nothing,
    Sync,
    /// So that the sync at the end of the backup finds little left to do.
    StartWriting,
}

/// A chunk that replaces another is synced whatever the level: finished backups may need the old one, and a power cut between the rename
/// and the writing of the data would take both.
fn before_rename(sync: SyncLevel, replaces: bool) -> BeforeRename {
    match (sync, replaces) {
        (_, true) | (SyncLevel::File, false) => BeforeRename::Sync,
        (SyncLevel::None, false) => BeforeRename::Nothing,
        (SyncLevel::Filesystem, false) => BeforeRename::StartWriting,
    }
}

const DIR_MODE: Mode = Mode::from_raw_mode(0o750);

fn open_dir(path: &Path) -> Result<OwnedFd, ChunkError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(io_error("open", path))
}

/// Four hexadecimal digits.
fn prefix_name(prefix: u32) -> [u8; 4] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [12, 8, 4, 0].map(|shift| DIGITS[(prefix >> shift & 0xf) as usize])
}

/// Nanoseconds since 1970, as far as they fit.
fn changed(stat: &rustix::fs::Stat) -> u64 {
    let seconds = (stat.st_mtime as u64).wrapping_mul(1_000_000_000);
    seconds.wrapping_add(stat.st_mtime_nsec as _)
}

fn aside_name(name: &str, n: u32) -> String {
    format!("{name}.{n}.bad")
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(Errno) -> ChunkError {
    let path = path.to_path_buf();
    move |error| chunk_io(action, path, error.into())
}

fn chunk_io(action: &'static str, path: PathBuf, source: io::Error) -> ChunkError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ChunkError::NoSpace { path, source }
        }
        _ => ChunkError::Io {
            action,
            path,
            source,
        },
    }
}

#[cfg(test)]
mod tests;

//! The walk: from directory to directory with an own stack, each member opened relative to its directory.
//!
//! No path is ever joined to reach a file; the path in the record is for patterns, links and messages only. A member is opened
//! once and everything is asked of the open file, so what is stored belongs together even while the tree changes. Where the
//! members go is the record's business.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use pxar::{MatchKind, Metadata, Mtime, Sink};
use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::ahead::{Ahead, Previous, Tools};
use super::exclude::{self, CLI_PATTERNS, Patterns};
use super::look::Look;
use super::member::{Folder, Links, OpenFile, What, store, store_file};
use super::open::{Name, Opened, is_directory, open_member};
use super::record::{Record, io_error};
use super::{CreateError, CreateOptions, CreateWatch, DeviceSet, Notice, PayloadSink, path_of};
use crate::capture::{CaptureError, set_stat};
use crate::listing::{Batch, Listing};

/// A directory that is being stored.
struct Level {
    /// Shared with what waits to be stored, see `ahead`.
    dir: Arc<OwnedFd>,
    dev: u64,
    listing: Listing,
    next: usize,
    /// What was in the path and in the pattern list before this directory.
    path_len: usize,
    patterns_len: usize,
}

pub(super) struct Walk<'a, S: Sink, P: PayloadSink> {
    record: Record<'a, S, P>,
    /// Between the walk and the record, where unchanged files are looked for.
    ahead: Option<Ahead<'a>>,
    options: &'a CreateOptions,
    look: Look,
    /// Devices that are entered; `None` means all.
    devices: Option<HashSet<u64>>,
    patterns: Patterns,
    /// Lines of the patterns given by the user, as far as they go into the root directory.
    cli_patterns: Vec<u8>,
    levels: Vec<Level>,
    /// Members in all listings that are held.
    held: u64,
    /// First name of each file that has several.
    links: Links,
    batch: Batch,
}

impl<'a, S: Sink, P: PayloadSink> Walk<'a, S, P> {
    /// Checks the source and stores it as the root of an archive that `start` makes, given the lines of the patterns.
    pub(super) fn new(
        source: OwnedFd,
        options: &'a CreateOptions,
        watch: &'a mut dyn CreateWatch,
        start: impl FnOnce(
            Metadata,
            &[u8],
            &'a mut dyn CreateWatch,
        ) -> Result<Record<'a, S, P>, CreateError>,
    ) -> Result<Self, CreateError> {
        let fail = |action, errno: Errno| io_error(action, b"", errno);
        let stat = rustix::fs::fstat(&source).map_err(|e| fail("examine", e))?;
        let mut look = Look::new(options);
        let capture = &mut look.capture;
        let fs = capture
            .file_system(stat.st_dev, source.as_fd())
            .map_err(|e| fail("examine", e))?;
        if fs.is_pseudo() {
            return Err(CreateError::PseudoFileSystem {
                path: path_of(b"."),
                magic: fs.magic,
            });
        }
        let devices = device_set(&options.devices, stat.st_dev)?;
        let mut root = Metadata::default();
        set_stat(&mut root, &stat);
        let path = path_of(b".");
        let notice = match capture.attributes(source.as_fd(), stat.st_dev, &mut root) {
            Ok(()) => None,
            Err(CaptureError::XattrTooLarge) if options.skip_e2big_xattr => {
                Some(Notice::XattrTooLarge(path))
            }
            Err(CaptureError::XattrTooLarge) => return Err(CreateError::XattrTooLarge { path }),
            Err(CaptureError::Failed { action, errno }) => return Err(fail(action, errno)),
        };
        let (patterns, mut cli_patterns) = exclude::command_line_patterns(options);
        let mut record = start(root, &cli_patterns, watch)?;
        if let Some(notice) = notice {
            record.notice(notice);
        }
        if record.payload_position().is_some() {
            // A split archive has them before its root.
            cli_patterns.clear();
        }
        let mut walk = Walk {
            record,
            ahead: None,
            options,
            look,
            devices,
            patterns: Patterns::new(patterns),
            cli_patterns,
            levels: Vec::new(),
            held: 0,
            links: Links::default(),
            batch: Batch::new(),
        };
        let level = walk
            .open_level(source, stat.st_dev, 0)?
            .ok_or_else(|| fail("list", Errno::NOENT))?;
        walk.levels.push(level);
        Ok(walk)
    }

    /// Looks for files that are as they were in the previous archive.
    pub(super) fn compare(&mut self, previous: Previous<'a>) {
        if let Some(root) = self.levels.first() {
            self.ahead = Some(Ahead::new(previous, Arc::clone(&root.dir)));
        }
    }

    /// Stores everything but the end of the archive.
    pub(super) fn run(mut self) -> Result<Record<'a, S, P>, CreateError> {
        while let Some(level) = self.levels.last_mut() {
            if self.record.watch.stopped() {
                return Err(CreateError::Stopped);
            }
            self.record.path.truncate(level.path_len);
            let index = level.next;
            level.next += 1;
            if index < level.listing.len() {
                self.member(index)?;
            } else {
                self.leave()?;
            }
        }
        self.record.path.clear();
        if let Some(ahead) = self.ahead {
            ahead.finish(&mut Tools {
                record: &mut self.record,
                links: &mut self.links,
                look: &mut self.look,
            })?;
        }
        Ok(self.record)
    }

    /// Stores a member without data whose path and metadata are the record's, now or when its turn comes.
    fn put(&mut self, name: &[u8], what: What) -> Result<(), CreateError> {
        let Some(ahead) = &mut self.ahead else {
            return store(&mut self.record, name, what);
        };
        let mut tools = Tools {
            record: &mut self.record,
            links: &mut self.links,
            look: &mut self.look,
        };
        ahead.other(&mut tools, name, what)
    }

    /// The same for a file.
    fn put_file(&mut self, name: &[u8], file: OpenFile) -> Result<(), CreateError> {
        let Some(ahead) = &mut self.ahead else {
            return store_file(&mut self.record, &mut self.links, name, &file);
        };
        let mut tools = Tools {
            record: &mut self.record,
            links: &mut self.links,
            look: &mut self.look,
        };
        ahead.file(&mut tools, name, file)
    }

    /// Ends the innermost directory.
    fn leave(&mut self) -> Result<(), CreateError> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        self.held -= level.listing.len() as u64;
        self.patterns.list.truncate(level.patterns_len);
        if self.levels.is_empty() {
            return self.store_cli_patterns();
        }
        self.put(b"", What::End)
    }

    /// Stores the member `index` of the innermost directory.
    fn member(&mut self, index: usize) -> Result<(), CreateError> {
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let Some((name, claimed)) = level.listing.get(index) else {
            return Ok(());
        };
        // The level stays on the stack while its member is stored, but the borrow must not last: names are short.
        let name = Name::copy(name);
        let (opened, dev) = (
            open_member(level.dir.as_fd(), name.as_c_str(), claimed),
            level.dev,
        );
        self.record.path.push(b'/');
        self.record.path.extend_from_slice(name.bytes());
        match opened {
            Err(errno) => self.record.skip_or_fail("open", errno),
            Ok(Opened { stat, .. }) if !self.is_wanted(FileType::from_raw_mode(stat.st_mode)) => {
                Ok(())
            }
            Ok(Opened { fd, stat }) => self.store(&name, fd, &stat, dev),
        }
    }

    /// Whether members of this type are to be stored at all.
    fn is_wanted(&self, file_type: FileType) -> bool {
        match file_type {
            FileType::BlockDevice | FileType::CharacterDevice => self.options.with_device_nodes,
            FileType::Fifo => self.options.with_fifos,
            FileType::Socket => self.options.with_sockets,
            _ => true,
        }
    }

    fn store(
        &mut self,
        name: &Name,
        fd: OwnedFd,
        stat: &Stat,
        parent_dev: u64,
    ) -> Result<(), CreateError> {
        set_stat(&mut self.record.metadata, stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(name, fd, stat),
            FileType::Directory => self.directory(name, fd, stat, parent_dev),
            FileType::Symlink => match rustix::fs::readlinkat(&fd, c"", Vec::new()) {
                Ok(target) => self.put(name.bytes(), What::Symlink(target.into_bytes())),
                Err(errno) => self.record.skip_or_fail("read the symlink", errno),
            },
            FileType::BlockDevice | FileType::CharacterDevice => {
                let major = u64::from(rustix::fs::major(stat.st_rdev));
                let minor = u64::from(rustix::fs::minor(stat.st_rdev));
                self.put(name.bytes(), What::Device { major, minor })
            }
            FileType::Fifo => self.put(name.bytes(), What::Fifo),
            FileType::Socket => self.put(name.bytes(), What::Socket),
            FileType::Unknown => Err(CreateError::UnknownFileType {
                path: path_of(self.record.relative()),
                mode: stat.st_mode,
            }),
        }
    }

    fn file(&mut self, name: &Name, fd: OwnedFd, stat: &Stat) -> Result<(), CreateError> {
        let mut file = OpenFile::new(fd, stat);
        // Another name has no metadata of its own.
        file.seen.is_complete = !self.links.knows(file.seen.link);
        if file.seen.is_complete && !self.attributes(file.fd.as_fd(), stat.st_dev)? {
            return Ok(());
        }
        self.put_file(name.bytes(), file)
    }

    fn directory(
        &mut self,
        name: &Name,
        fd: OwnedFd,
        stat: &Stat,
        parent_dev: u64,
    ) -> Result<(), CreateError> {
        if !self.attributes(fd.as_fd(), stat.st_dev)? {
            return Ok(());
        }
        let enter = stat.st_dev == parent_dev || {
            let pseudo = match self.look.capture.file_system(stat.st_dev, fd.as_fd()) {
                Ok(fs) => fs.is_pseudo(),
                Err(errno) => {
                    return self.record.skip_or_fail("find the file system of", errno);
                }
            };
            !pseudo
                && self
                    .devices
                    .as_ref()
                    .is_none_or(|set| set.contains(&stat.st_dev))
        };
        if !enter {
            let path = path_of(self.record.relative());
            self.record.notice(Notice::MountPoint(path));
            self.put(name.bytes(), What::Directory(Folder::new(stat, None)))?;
            return self.put(b"", What::End);
        }
        let path_len = self.record.path.len();
        let metadata = std::mem::take(&mut self.record.metadata);
        let level = self.open_level(fd, stat.st_dev, path_len)?;
        self.record.metadata = metadata;
        if let Some(level) = level {
            let folder = Folder::new(stat, Some(Arc::clone(&level.dir)));
            self.put(name.bytes(), What::Directory(folder))?;
            self.levels.push(level);
        }
        Ok(())
    }

    /// Reads the patterns and names of the directory at `path`; `None` if it is gone, which was noticed.
    fn open_level(
        &mut self,
        dir: OwnedFd,
        dev: u64,
        path_len: usize,
    ) -> Result<Option<Level>, CreateError> {
        let patterns_len = self.patterns.list.len();
        let sanitized = self.options.sanitize_patterns;
        let record = &mut self.record;
        exclude::add_patterns(
            &dir,
            &record.path,
            sanitized,
            &mut self.patterns,
            record.watch,
        )?;
        if self.options.skip_caches {
            exclude::add_cache(&dir, &record.path, &mut self.patterns, record.watch);
        }
        let max = self.options.entries_max;
        let (held, is_root) = (self.held, path_len == 0);
        let (patterns, path, mut count) = (&self.patterns.list, &mut self.record.path, 0);
        let watch = &*self.record.watch;
        let listed = Listing::read(&dir, &mut self.batch, |name, claimed| {
            let bytes = name.to_bytes();
            if is_root && bytes == CLI_PATTERNS {
                return Ok(false);
            }
            if !patterns.is_empty() {
                // Many patterns and many names take their time.
                if watch.stopped() {
                    return Err(ListError::Stopped);
                }
                let is_dir = is_directory(&dir, name, claimed);
                path.push(b'/');
                path.extend_from_slice(bytes);
                let excluded = patterns.matches(path, is_dir) == Some(MatchKind::Exclude);
                path.truncate(path_len);
                if excluded {
                    return Ok(false);
                }
            }
            count += 1;
            if held + count > max {
                Err(ListError::TooMany)
            } else {
                Ok(true)
            }
        });
        match listed {
            Ok(mut listing) => {
                listing.sort();
                self.held += count;
                Ok(Some(Level {
                    dir: Arc::new(dir),
                    dev,
                    listing,
                    next: 0,
                    path_len,
                    patterns_len,
                }))
            }
            Err(ListError::TooMany) => Err(CreateError::TooManyEntries {
                path: path_of(self.record.relative()),
                max,
            }),
            Err(ListError::Stopped) => Err(CreateError::Stopped),
            Err(ListError::Failed(errno)) => {
                self.patterns.list.truncate(patterns_len);
                self.record.skip_or_fail("list", errno).map(|()| None)
            }
        }
    }

    fn attributes(&mut self, fd: BorrowedFd<'_>, dev: u64) -> Result<bool, CreateError> {
        self.look.attributes(&mut self.record, fd, dev)
    }

    fn store_cli_patterns(&mut self) -> Result<(), CreateError> {
        if self.cli_patterns.is_empty() {
            return Ok(());
        }
        let path = &mut self.record.path;
        path.clear();
        path.push(b'/');
        path.extend_from_slice(CLI_PATTERNS);
        self.record.metadata = Metadata {
            mode: 0o100_600,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            mtime: Mtime::default(),
            ..Metadata::default()
        };
        let text = std::mem::take(&mut self.cli_patterns);
        let mut rest = text.as_slice();
        let read = &mut |buf: &mut [u8]| io::Read::read(&mut rest, buf);
        self.record.file(CLI_PATTERNS, text.len() as u64, read)?;
        Ok(())
    }
}

enum ListError {
    TooMany,
    Stopped,
    Failed(Errno),
}

impl From<Errno> for ListError {
    fn from(errno: Errno) -> ListError {
        ListError::Failed(errno)
    }
}

fn device_set(devices: &DeviceSet, source: u64) -> Result<Option<HashSet<u64>>, CreateError> {
    let mut set = HashSet::from([source]);
    match devices {
        DeviceSet::All => return Ok(None),
        DeviceSet::OnlySource => {}
        DeviceSet::Listed(paths) => {
            for path in paths {
                let stat = rustix::fs::stat(path).map_err(|errno| CreateError::Io {
                    action: "find the file system of",
                    path: path.clone(),
                    source: errno.into(),
                })?;
                set.insert(stat.st_dev);
            }
        }
    }
    Ok(Some(set))
}

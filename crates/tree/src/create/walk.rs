//! The walk: from directory to directory with an own stack, each member opened relative to its directory.
//!
//! No path is ever joined to reach a file; `path` here is for patterns, links and messages only. A member is opened once and
//! everything is asked of the open file, so what is stored belongs together even while the tree changes.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use pxar::{
    EncodeError, Encoder, EntryKind, FileOffset, MatchKind, Metadata, Mtime, Pattern, PatternList,
    Sink,
};
use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::open::{Data, Name, Opened, is_directory, open_member};
use super::{
    CatalogSink, CreateError, CreateOptions, CreateStats, CreateWatch, DeviceSet, Notice, exclude,
    path_of,
};
use crate::capture::{Capture, CaptureError, Wanted, set_stat};
use crate::listing::{Batch, Listing};

/// The file in which the patterns of the command line are kept, last in the root directory.
const CLI_PATTERNS: &[u8] = b".pxarexclude-cli";

/// A directory that is being stored.
struct Level {
    dir: OwnedFd,
    dev: u64,
    listing: Listing,
    next: usize,
    /// What was in `path` and in the pattern list before this directory.
    path_len: usize,
    patterns_len: usize,
}

/// Where the data of a file with several names is: the member and its path.
type FirstName = (FileOffset, Box<[u8]>);

pub(super) struct Walk<'a, S: Sink> {
    encoder: Encoder<S>,
    options: &'a CreateOptions,
    catalog: Option<&'a mut dyn CatalogSink>,
    watch: &'a mut dyn CreateWatch,
    stats: CreateStats,
    capture: Capture,
    /// Devices that are entered; `None` means all.
    devices: Option<HashSet<u64>>,
    patterns: PatternList,
    /// Lines of the patterns given by the user.
    cli_patterns: Vec<u8>,
    levels: Vec<Level>,
    /// Members in all listings that are held.
    held: u64,
    /// Empty for the root, else `/a/b`.
    path: Vec<u8>,
    metadata: Metadata,
    /// First name of each file that has several.
    links: HashMap<(u64, u64), FirstName>,
    batch: Batch,
}

impl<'a, S: Sink> Walk<'a, S> {
    /// Checks the source and stores it as the root.
    pub(super) fn new(
        source: OwnedFd,
        sink: S,
        options: &'a CreateOptions,
        catalog: Option<&'a mut dyn CatalogSink>,
        watch: &'a mut dyn CreateWatch,
    ) -> Result<Self, CreateError> {
        let fail = |action, errno: Errno| io_error(action, b"", errno);
        let stat = rustix::fs::fstat(&source).map_err(|e| fail("examine", e))?;
        let wanted = Wanted {
            xattrs: options.with_xattrs,
            acls: options.with_acls,
            fcaps: options.with_fcaps,
        };
        let mut capture = Capture::new(wanted);
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
        let mut metadata = Metadata::default();
        set_stat(&mut metadata, &stat);
        let mut stats = CreateStats {
            entries: 1,
            directories: 1,
            ..CreateStats::default()
        };
        match capture.attributes(source.as_fd(), stat.st_dev, &mut metadata) {
            Ok(()) => {}
            Err(CaptureError::XattrTooLarge) if options.skip_e2big_xattr => {
                watch.notice(&Notice::XattrTooLarge(path_of(b".")));
                stats.warnings += 1;
            }
            Err(CaptureError::XattrTooLarge) => {
                return Err(CreateError::XattrTooLarge {
                    path: path_of(b"."),
                });
            }
            Err(CaptureError::Failed { action, errno }) => return Err(fail(action, errno)),
        }
        watch.entry(Path::new(""), &metadata, &EntryKind::Directory);
        let encoder = Encoder::new(sink, &metadata).map_err(|source| CreateError::Encode {
            path: path_of(b"."),
            source,
        })?;
        let (patterns, cli_patterns) = command_line_patterns(options);
        let mut walk = Walk {
            encoder,
            options,
            catalog,
            watch,
            stats,
            capture,
            devices,
            patterns,
            cli_patterns,
            levels: Vec::new(),
            held: 0,
            path: Vec::new(),
            metadata,
            links: HashMap::new(),
            batch: Batch::new(),
        };
        let level = walk
            .open_level(source, stat.st_dev, 0)?
            .ok_or_else(|| fail("list", Errno::NOENT))?;
        walk.levels.push(level);
        Ok(walk)
    }

    /// Stores everything and ends the archive.
    pub(super) fn run(mut self) -> Result<(S, CreateStats), CreateError> {
        while let Some(level) = self.levels.last_mut() {
            if self.watch.stopped() {
                return Err(CreateError::Stopped);
            }
            self.path.truncate(level.path_len);
            let index = level.next;
            level.next += 1;
            if index < level.listing.len() {
                self.member(index)?;
            } else {
                self.leave()?;
            }
        }
        let path = path_of(b".");
        let sink = self
            .encoder
            .finish()
            .map_err(|source| CreateError::Encode { path, source })?;
        Ok((sink, self.stats))
    }

    /// Ends the innermost directory.
    fn leave(&mut self) -> Result<(), CreateError> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        self.held -= level.listing.len() as u64;
        self.patterns.truncate(level.patterns_len);
        if self.levels.is_empty() {
            return self.store_cli_patterns();
        }
        self.encode(|encoder, _| encoder.finish_dir())?;
        self.note(|catalog| catalog.end_directory())
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
        self.path.push(b'/');
        self.path.extend_from_slice(name.bytes());
        match self.judge("open", opened)? {
            Opened::File(_, stat) if !self.is_wanted(FileType::from_raw_mode(stat.st_mode)) => {
                Ok(())
            }
            Opened::Skipped => Ok(()),
            Opened::File(fd, stat) => self.store(&name, fd, &stat, dev),
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
        set_stat(&mut self.metadata, stat);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(name, &fd, stat),
            FileType::Directory => self.directory(name, fd, stat, parent_dev),
            FileType::Symlink => {
                let target = match rustix::fs::readlinkat(&fd, c"", Vec::new()) {
                    Ok(target) => target.into_bytes(),
                    Err(errno) => return self.skip_or_fail("read the symlink", errno),
                };
                let kind = EntryKind::Symlink { target };
                self.announce(&kind);
                let EntryKind::Symlink { target } = &kind else {
                    return Ok(());
                };
                self.encode(|encoder, metadata| {
                    encoder.add_symlink(name.bytes(), metadata, target)
                })?;
                self.note(|catalog| catalog.symlink(name.bytes()))
            }
            FileType::BlockDevice | FileType::CharacterDevice => {
                let major = u64::from(rustix::fs::major(stat.st_rdev));
                let minor = u64::from(rustix::fs::minor(stat.st_rdev));
                self.announce(&EntryKind::Device { major, minor });
                self.encode(|encoder, metadata| {
                    encoder.add_device(name.bytes(), metadata, major, minor)
                })?;
                if FileType::from_raw_mode(stat.st_mode) == FileType::BlockDevice {
                    self.note(|catalog| catalog.block_device(name.bytes()))
                } else {
                    self.note(|catalog| catalog.char_device(name.bytes()))
                }
            }
            FileType::Fifo => {
                self.announce(&EntryKind::Fifo);
                self.encode(|encoder, metadata| encoder.add_fifo(name.bytes(), metadata))?;
                self.note(|catalog| catalog.fifo(name.bytes()))
            }
            FileType::Socket => {
                self.announce(&EntryKind::Socket);
                self.encode(|encoder, metadata| encoder.add_socket(name.bytes(), metadata))?;
                self.note(|catalog| catalog.socket(name.bytes()))
            }
            FileType::Unknown => Err(CreateError::UnknownFileType {
                path: path_of(self.relative()),
                mode: stat.st_mode,
            }),
        }
    }

    fn file(&mut self, name: &Name, fd: &OwnedFd, stat: &Stat) -> Result<(), CreateError> {
        let link = (stat.st_nlink > 1).then_some((stat.st_dev, stat.st_ino));
        if let Some((target, path)) = link.and_then(|key| self.links.get(&key)) {
            let (target, path) = (*target, path.clone());
            self.metadata.clear();
            let kind = EntryKind::Hardlink {
                path: path.to_vec(),
                offset: self.encoder.position() - target.0,
            };
            self.announce(&kind);
            self.stats.hard_links += 1;
            self.encode(|encoder, _| encoder.add_hardlink(name.bytes(), &path, target))?;
            return self.note(|catalog| catalog.hard_link(name.bytes()));
        }
        if !self.attributes(fd.as_fd(), stat.st_dev)? {
            return Ok(());
        }
        let size = stat.st_size.cast_unsigned();
        self.announce(&EntryKind::File { size });
        self.stats.files += 1;
        self.stats.file_bytes += size;
        let mut data = Data::new(fd.as_fd(), size);
        let written = self.encode(|encoder, metadata| {
            encoder.add_file(name.bytes(), metadata, size, &mut |b| data.read(b))
        })?;
        if data.grew {
            self.notice(Notice::Grew {
                path: path_of(self.relative()),
                size,
            });
        }
        if written.missing > 0 {
            self.notice(Notice::Shrank {
                path: path_of(self.relative()),
                missing: written.missing,
            });
        }
        if let Some(key) = link {
            self.links
                .insert(key, (written.offset, self.relative().into()));
        }
        let mtime = stat.st_mtime;
        self.note(|catalog| catalog.file(name.bytes(), size, mtime))
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
            let pseudo = match self.capture.file_system(stat.st_dev, fd.as_fd()) {
                Ok(fs) => fs.is_pseudo(),
                Err(errno) => return self.skip_or_fail("find the file system of", errno),
            };
            !pseudo
                && self
                    .devices
                    .as_ref()
                    .is_none_or(|set| set.contains(&stat.st_dev))
        };
        let level = if enter {
            let path_len = self.path.len();
            match self.open_level(fd, stat.st_dev, path_len)? {
                Some(level) => Some(level),
                None => return Ok(()),
            }
        } else {
            self.notice(Notice::MountPoint(path_of(self.relative())));
            None
        };
        self.announce(&EntryKind::Directory);
        self.stats.directories += 1;
        self.encode(|encoder, metadata| encoder.create_dir(name.bytes(), metadata))?;
        self.note(|catalog| catalog.start_directory(name.bytes()))?;
        match level {
            Some(level) => {
                self.levels.push(level);
                Ok(())
            }
            None => {
                self.encode(|encoder, _| encoder.finish_dir())?;
                self.note(|catalog| catalog.end_directory())
            }
        }
    }

    /// Reads the patterns and names of the directory at `path`; `None` if it is gone, which was noticed.
    fn open_level(
        &mut self,
        dir: OwnedFd,
        dev: u64,
        path_len: usize,
    ) -> Result<Option<Level>, CreateError> {
        let patterns_len = self.patterns.len();
        let sanitized = self.options.sanitize_patterns;
        exclude::add_patterns(&dir, &self.path, sanitized, &mut self.patterns, self.watch);
        let max = self.options.entries_max;
        let (held, is_root) = (self.held, path_len == 0);
        let (patterns, path, mut count) = (&self.patterns, &mut self.path, 0);
        let listed = Listing::read(&dir, &mut self.batch, |name, claimed| {
            let bytes = name.to_bytes();
            if is_root && bytes == CLI_PATTERNS {
                return Ok(false);
            }
            if !patterns.is_empty() {
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
                    dir,
                    dev,
                    listing,
                    next: 0,
                    path_len,
                    patterns_len,
                }))
            }
            Err(ListError::TooMany) => Err(CreateError::TooManyEntries {
                path: path_of(self.relative()),
                max,
            }),
            Err(ListError::Failed(errno)) => {
                self.patterns.truncate(patterns_len);
                self.skip_or_fail("list", errno).map(|()| None)
            }
        }
    }

    /// Completes the metadata of an open file; `false` if the file is to be left out, which was noticed.
    fn attributes(&mut self, fd: BorrowedFd<'_>, dev: u64) -> Result<bool, CreateError> {
        match self.capture.attributes(fd, dev, &mut self.metadata) {
            Ok(()) => Ok(true),
            Err(CaptureError::XattrTooLarge) if self.options.skip_e2big_xattr => {
                self.notice(Notice::XattrTooLarge(path_of(self.relative())));
                Ok(true)
            }
            Err(CaptureError::XattrTooLarge) => Err(CreateError::XattrTooLarge {
                path: path_of(self.relative()),
            }),
            Err(CaptureError::Failed { action, errno }) => {
                self.skip_or_fail(action, errno).map(|()| false)
            }
        }
    }

    fn store_cli_patterns(&mut self) -> Result<(), CreateError> {
        if self.cli_patterns.is_empty() {
            return Ok(());
        }
        self.path.clear();
        self.path.push(b'/');
        self.path.extend_from_slice(CLI_PATTERNS);
        self.metadata.clear();
        self.metadata.mode = 0o100_600;
        self.metadata.uid = rustix::process::geteuid().as_raw();
        self.metadata.gid = rustix::process::getegid().as_raw();
        self.metadata.mtime = Mtime::default();
        let text = std::mem::take(&mut self.cli_patterns);
        let size = text.len() as u64;
        self.announce(&EntryKind::File { size });
        self.stats.files += 1;
        self.stats.file_bytes += size;
        let mut rest = text.as_slice();
        let read = &mut |b: &mut [u8]| io::Read::read(&mut rest, b);
        self.encode(|encoder, metadata| encoder.add_file(CLI_PATTERNS, metadata, size, read))?;
        self.note(|catalog| catalog.file(CLI_PATTERNS, size, 0))
    }

    /// What an error on a member means: left out with a notice, or the end.
    fn judge(
        &mut self,
        action: &'static str,
        opened: Result<Opened, Errno>,
    ) -> Result<Opened, CreateError> {
        match opened {
            Ok(opened) => Ok(opened),
            Err(errno) => self.skip_or_fail(action, errno).map(|()| Opened::Skipped),
        }
    }

    fn skip_or_fail(&mut self, action: &'static str, errno: Errno) -> Result<(), CreateError> {
        let path = path_of(self.relative());
        match errno {
            Errno::NOENT => self.notice(Notice::Vanished(path)),
            Errno::ACCESS => self.notice(Notice::NoPermission(path)),
            Errno::STALE => self.notice(Notice::Stale(path)),
            errno => return Err(io_error(action, self.relative(), errno)),
        }
        Ok(())
    }

    fn notice(&mut self, notice: Notice) {
        self.stats.warnings += u64::from(notice.is_loss());
        self.watch.notice(&notice);
    }

    fn announce(&mut self, kind: &EntryKind) {
        self.stats.entries += 1;
        let path = Path::new(
            <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&self.path[1..]),
        );
        self.watch.entry(path, &self.metadata, kind);
    }

    fn encode<T>(
        &mut self,
        write: impl FnOnce(&mut Encoder<S>, &Metadata) -> Result<T, EncodeError>,
    ) -> Result<T, CreateError> {
        write(&mut self.encoder, &self.metadata).map_err(|source| {
            let path = path_of(self.path.get(1..).unwrap_or_default());
            match source {
                EncodeError::Read(source) => CreateError::Io {
                    action: "read",
                    path,
                    source,
                },
                source => CreateError::Encode { path, source },
            }
        })
    }

    fn note(
        &mut self,
        write: impl FnOnce(&mut dyn CatalogSink) -> io::Result<()>,
    ) -> Result<(), CreateError> {
        let Some(catalog) = self.catalog.as_deref_mut() else {
            return Ok(());
        };
        write(catalog).map_err(|source| CreateError::Catalog {
            path: path_of(self.relative()),
            source,
        })
    }

    fn relative(&self) -> &[u8] {
        self.path.get(1..).unwrap_or_default()
    }
}

enum ListError {
    TooMany,
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

/// The patterns of the command line, and the text that keeps them in the archive.
fn command_line_patterns(options: &CreateOptions) -> (PatternList, Vec<u8>) {
    let lost_and_found = options
        .skip_lost_and_found
        .then(|| Pattern::parse(b"lost+found", MatchKind::Exclude));
    let all = options
        .excludes
        .iter()
        .cloned()
        .chain(lost_and_found.and_then(Result::ok));
    let list: PatternList = all.collect();
    let mut text = Vec::new();
    for pattern in list.iter() {
        text.extend_from_slice(&pattern.to_line());
        text.push(b'\n');
    }
    (list, text)
}

fn io_error(action: &'static str, path: &[u8], errno: Errno) -> CreateError {
    let path = if path.is_empty() { b"." } else { path };
    CreateError::Io {
        action,
        path: path_of(path),
        source: errno.into(),
    }
}

//! Makes one member in an open directory.
//!
//! New files are made exclusively: what exists is an error or, on request, removed by name first, so that nothing is written
//! through a symlink or into a file that has another name elsewhere. Directories are never removed.

use std::io::{self, BufRead};
use std::os::fd::{AsFd, OwnedFd};

use pxar::metadata::mode;
use pxar::reader::Fault;
use pxar::{DecodeError, Entry, EntryKind, FileContents, Metadata};
use rustix::fs::{AtFlags, FileType, IFlags, Mode, OFlags};
use rustix::io::Errno;

use super::restore::Restore;
use super::{CREATE_DEVICE, ExtractError, Remark};
use crate::apply::{Handle, apply_before_data};
use crate::beneath;
use crate::sparse::{self, CopyError};
use crate::sys;

/// Mode of a file that changes hands before it is complete.
const PRIVATE_FILE: u32 = 0o600;

/// Largest major number and minor number in a device number of Linux.
const MAJOR_MAX: u64 = u32::MAX as u64;
const MINOR_MAX: u64 = u32::MAX as u64;

impl Restore<'_> {
    /// Makes a member that is no directory.
    pub(super) fn make<R: BufRead>(
        &mut self,
        dir: &OwnedFd,
        entry: &Entry,
        contents: &mut FileContents<'_, R>,
    ) -> Result<(), ExtractError> {
        let (name, metadata) = (&entry.name[..], &entry.metadata);
        match &entry.kind {
            EntryKind::File { .. } => self.make_file(dir, entry, contents),
            EntryKind::Symlink { target } => {
                let overwrite = self.options.overwrite_symlinks;
                let made = replacing(dir, name, overwrite, || {
                    rustix::fs::symlinkat(&target[..], dir, name)
                });
                match made {
                    Ok(()) => self.complete_place(dir, entry),
                    Err(errno) => self.failed("create the symlink", errno.into()),
                }
            }
            EntryKind::Hardlink { path, .. } => self.make_hard_link(dir, name, path),
            EntryKind::Device { major, minor } => {
                let overwrite = self.options.overwrite_nodes;
                let make = || make_device(dir, name, metadata, *major, *minor);
                match replacing(dir, name, overwrite, make) {
                    Ok(()) => self.complete_place(dir, entry),
                    Err(errno) if self.options.ignore_extract_device_errors => {
                        self.remark(|path| Remark::DeviceLeftOut {
                            path,
                            source: errno.into(),
                        });
                        Ok(())
                    }
                    Err(errno) => self.failed(CREATE_DEVICE, errno.into()),
                }
            }
            EntryKind::Fifo => self.make_queue(dir, entry, FileType::Fifo, "create the fifo"),
            EntryKind::Socket => self.make_queue(dir, entry, FileType::Socket, "create the socket"),
            EntryKind::Directory => Ok(()),
        }
    }

    /// Makes a fifo or a socket.
    fn make_queue(
        &mut self,
        dir: &OwnedFd,
        entry: &Entry,
        file_type: FileType,
        action: &'static str,
    ) -> Result<(), ExtractError> {
        let make = || make_node(dir, &entry.name, file_type, 0);
        match replacing(dir, &entry.name, self.options.overwrite_nodes, make) {
            Ok(()) => self.complete_place(dir, entry),
            Err(errno) => self.failed(action, errno.into()),
        }
    }

    fn make_file<R: BufRead>(
        &mut self,
        dir: &OwnedFd,
        entry: &Entry,
        contents: &mut FileContents<'_, R>,
    ) -> Result<(), ExtractError> {
        let metadata = &entry.metadata;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(self.first_mode(metadata));
        let open = || rustix::fs::openat(dir, &entry.name[..], flags, mode);
        let file = match replacing(dir, &entry.name, self.options.overwrite_files, open) {
            Ok(file) => file,
            Err(errno) => return self.failed("create the file", errno.into()),
        };
        if metadata.flags != 0 {
            apply_before_data(file.as_fd(), metadata, &mut |failed| {
                self.step_failed(failed)
            })?;
        }
        match sparse::copy(contents, file.as_fd()) {
            Ok(len) => {
                self.stats.files += 1;
                self.stats.file_bytes += len;
            }
            Err(error) => {
                // Only a part, under the whole's name, would be taken for it.
                let _ = rustix::fs::unlinkat(dir, &entry.name[..], AtFlags::empty());
                return match error {
                    CopyError::Write(errno) => self.failed("write to", errno.into()),
                    CopyError::Read(source) => Err(read_error(contents.offset(), source)),
                };
            }
        }
        self.stats.entries += 1;
        self.complete(Handle::Open(file.as_fd()), metadata, &entry.kind)?;
        match sys::close(file) {
            Ok(()) => Ok(()),
            Err(errno) => self.failed("write to", errno.into()),
        }
    }

    /// A file that already belongs to the right user is made with its final mode, which saves a call; the others are private
    /// until they are complete. Extended attributes can be set only while the owner may write.
    fn first_mode(&self, metadata: &Metadata) -> u32 {
        let mode = metadata.permissions();
        let is_own = (metadata.uid, metadata.gid) == self.user;
        let is_plain = metadata.acl.is_empty() && metadata.xattrs.is_empty() && mode & !0o777 == 0;
        if is_own && is_plain && !self.ignored.permissions {
            mode
        } else {
            PRIVATE_FILE
        }
    }

    fn make_hard_link(
        &mut self,
        dir: &OwnedFd,
        name: &[u8],
        path: &[u8],
    ) -> Result<(), ExtractError> {
        const ACTION: &str = "create the hard link";
        let (target_dir, target) = match beneath::find_file(&self.root, path) {
            Ok(found) => found,
            Err(errno) => return self.failed(ACTION, target_error(path, errno)),
        };
        let link = || rustix::fs::linkat(&target_dir, target, dir, name, AtFlags::empty());
        let made = match link() {
            Err(Errno::EXIST) if self.options.overwrite_hardlinks => {
                // Removing first would lose a file that is the target itself.
                match is_same_file((&target_dir, target), (dir, name)) {
                    Ok(true) => Ok(()),
                    Ok(false) => replacing(dir, name, true, link),
                    Err(errno) => Err(errno),
                }
            }
            Err(Errno::PERM) => with_links_allowed(&target_dir, target, link),
            made => made,
        };
        match made {
            Ok(()) => {
                self.stats.entries += 1;
                Ok(())
            }
            Err(errno) => self.failed(ACTION, errno.into()),
        }
    }

    /// Metadata of what cannot be opened. The name must still be what was just made: another program could have put something
    /// else there, which must not be given away.
    fn complete_place(&mut self, dir: &OwnedFd, entry: &Entry) -> Result<(), ExtractError> {
        self.stats.entries += 1;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let place = match rustix::fs::openat(dir, &entry.name[..], flags, Mode::empty()) {
            Ok(place) => place,
            Err(errno) => return self.failed("examine", errno.into()),
        };
        let same = |stat: rustix::fs::Stat| {
            u64::from(stat.st_mode) & mode::TYPE_MASK == entry.metadata.file_type()
                && stat.st_nlink == 1
        };
        match rustix::fs::fstat(&place) {
            Ok(stat) if same(stat) => {
                self.complete(Handle::Place(place.as_fd()), &entry.metadata, &entry.kind)
            }
            Ok(_) => self.failed("complete", io::Error::other("another program replaced it")),
            Err(errno) => self.failed("examine", errno.into()),
        }
    }
}

/// Does `make`; if the name is taken and may be, the old file is removed first. A directory is never removed.
fn replacing<T>(
    dir: &OwnedFd,
    name: &[u8],
    overwrite: bool,
    make: impl Fn() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match make() {
        Err(Errno::EXIST) if overwrite => {
            rustix::fs::unlinkat(dir, name, AtFlags::empty())?;
            make()
        }
        made => made,
    }
}

/// Does `link` to an immutable or append-only file, which the kernel refuses while it is one. It became one when its first name
/// was restored.
fn with_links_allowed(
    dir: &OwnedFd,
    name: &[u8],
    link: impl Fn() -> Result<(), Errno>,
) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty()).map_err(|_| Errno::PERM)?;
    let attributes = rustix::fs::ioctl_getflags(&file).map_err(|_| Errno::PERM)?;
    let free = attributes - (IFlags::IMMUTABLE | IFlags::APPEND);
    if free == attributes {
        return Err(Errno::PERM);
    }
    rustix::fs::ioctl_setflags(&file, free)?;
    let made = link();
    rustix::fs::ioctl_setflags(&file, attributes)?;
    made
}

fn is_same_file(a: (&OwnedFd, &[u8]), b: (&OwnedFd, &[u8])) -> Result<bool, Errno> {
    let stat = |(dir, name)| rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
    let (a, b) = (stat(a)?, stat(b)?);
    Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

fn make_device(
    dir: &OwnedFd,
    name: &[u8],
    metadata: &Metadata,
    major: u64,
    minor: u64,
) -> Result<(), Errno> {
    if major > MAJOR_MAX || minor > MINOR_MAX {
        return Err(Errno::INVAL);
    }
    let file_type = if metadata.file_type() == mode::BLOCK {
        FileType::BlockDevice
    } else {
        FileType::CharacterDevice
    };
    make_node(
        dir,
        name,
        file_type,
        rustix::fs::makedev(major as u32, minor as u32),
    )
}

fn make_node(dir: &OwnedFd, name: &[u8], file_type: FileType, dev: u64) -> Result<(), Errno> {
    rustix::fs::mknodat(dir, name, file_type, Mode::from_raw_mode(PRIVATE_FILE), dev)
}

fn target_error(path: &[u8], errno: Errno) -> io::Error {
    let path = String::from_utf8_lossy(path);
    let text = match errno {
        Errno::NOENT => format!("its target {path:?} was not restored; select the target too"),
        Errno::INVAL | Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::ISDIR => {
            format!("{path:?} does not lead to a regular file beneath the target")
        }
        errno => return errno.into(),
    };
    io::Error::new(io::Error::from(errno).kind(), text)
}

fn read_error(offset: u64, source: io::Error) -> ExtractError {
    let fault = if source.kind() == io::ErrorKind::UnexpectedEof {
        Fault::Truncated
    } else {
        Fault::Io(source)
    };
    ExtractError::Archive(DecodeError { offset, fault })
}

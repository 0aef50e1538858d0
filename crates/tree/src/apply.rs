//! Gives a restored file its metadata, step by step in the order in which each step stands.
//!
//! chown clears set-id bits and capabilities, so it is first; chmod comes after the ACL, whose mask it is; the time after all
//! that touches the inode; immutable and append-only last. A step that would change nothing is left out.

use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd};

use pxar::metadata::flags;
use pxar::{EntryKind, Metadata};
use rustix::fs::{
    AtFlags, Gid, IFlags, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags,
};
use rustix::io::Errno;

use crate::capture::{FAT_TABLE, FLAG_TABLE, is_kept_xattr};
use crate::file_system::is_unsupported;
use crate::posix_acl;
use crate::sys;

/// Set-id bits.
const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;

/// Attributes that must be there before the data is written.
const BEFORE_DATA: u64 =
    flags::NOATIME | flags::COMPRESS | flags::NOCOW | flags::NOCOMP | flags::PROJINHERIT;
/// Attributes that are restored at all: "no dump" is not, as in the original.
const RESTORED: u64 = BEFORE_DATA | flags::APPEND | flags::DIRSYNC | flags::IMMUTABLE | flags::SYNC;

/// A restored file.
#[derive(Clone, Copy)]
pub(crate) enum Handle<'a> {
    /// Opened for reading or writing.
    Open(BorrowedFd<'a>),
    /// Opened only as a place (`O_PATH`): symlinks, fifos, sockets, devices.
    Place(BorrowedFd<'a>),
}

/// Parts of the metadata that are left alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ignored {
    pub acls: bool,
    pub xattrs: bool,
    pub fcaps: bool,
    pub ownership: bool,
    pub permissions: bool,
}

/// A step that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    pub action: &'static str,
    pub errno: Errno,
    pub why: Why,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The step should have worked.
    Fault,
    /// Only root may do it; another user's restore goes on without it.
    Privilege,
    /// The file system of the target has nothing to keep it in.
    Unsupported,
}

impl Failed {
    /// A step that any owner of a file may do.
    fn plain(action: &'static str, errno: Errno) -> Failed {
        Failed {
            action,
            errno,
            why: Why::Fault,
        }
    }

    /// A step that only root may do, or no other user on all files.
    fn privileged(action: &'static str, errno: Errno) -> Failed {
        let why = match errno {
            Errno::PERM => Why::Privilege,
            _ => Why::Fault,
        };
        Failed { action, errno, why }
    }

    /// As it is, unless the file system cannot keep what the step sets.
    fn or_unsupported(self, unsupported: bool) -> Failed {
        let why = if unsupported {
            Why::Unsupported
        } else {
            self.why
        };
        Failed { why, ..self }
    }
}

/// Applies `metadata` to a file whose state is `current`. All steps are tried; `failed` hears of those that did not work and
/// may end the rest with an error.
pub(crate) fn apply<E>(
    handle: Handle<'_>,
    metadata: &Metadata,
    kind: &EntryKind,
    current: &Stat,
    ignored: Ignored,
    failed: &mut dyn FnMut(Failed) -> Result<(), E>,
) -> Result<(), E> {
    let is_symlink = matches!(kind, EntryKind::Symlink { .. });
    let mut owner = (current.st_uid, current.st_gid);
    let mut touched = false;
    if !ignored.ownership && owner != (metadata.uid, metadata.gid) {
        match handle.chown(metadata.uid, metadata.gid) {
            Ok(()) => (owner, touched) = ((metadata.uid, metadata.gid), true),
            Err(Errno::OPNOTSUPP) => {}
            Err(errno) => failed(Failed::privileged("set the owner of", errno))?,
        }
    }
    if !is_symlink {
        xattrs(handle, metadata, ignored, failed)?;
        if !ignored.acls && !metadata.acl.is_empty() {
            touched = true;
            if let Err(errno) = acls(handle, metadata, kind) {
                failed(Failed::plain("set the ACL of", errno))?;
            }
        }
        if let (Some(id), Handle::Open(fd)) = (metadata.quota_project_id, handle) {
            let id_fits = u32::try_from(id).is_ok();
            let set = u32::try_from(id)
                .map_err(|_| Errno::INVAL)
                .and_then(|id| sys::set_project_id(fd, id));
            if let Err(errno) = set {
                // Without a switch to leave projects out, this must not be what ends a restore elsewhere.
                let unsupported = id_fits && is_unsupported(errno);
                let step = Failed::privileged("set the quota project of", errno);
                failed(step.or_unsupported(unsupported))?;
            }
        }
        let mode = wanted_mode(metadata, owner, matches!(kind, EntryKind::Directory));
        if !ignored.permissions && (touched || current.st_mode & 0o7777 != mode) {
            match handle.chmod(mode) {
                Ok(()) | Err(Errno::OPNOTSUPP) => {}
                Err(errno) => failed(Failed::plain("set the permissions of", errno))?,
            }
        }
    }
    match handle.set_mtime(metadata) {
        Ok(()) | Err(Errno::OPNOTSUPP) => {}
        Err(errno) => failed(Failed::plain("set the time of", errno))?,
    }
    match handle {
        Handle::Open(fd) => restore_flags(fd, metadata, RESTORED, failed),
        Handle::Place(_) => Ok(()),
    }
}

/// Sets the attributes that work only on an empty file.
pub(crate) fn apply_before_data<E>(
    fd: BorrowedFd<'_>,
    metadata: &Metadata,
    failed: &mut dyn FnMut(Failed) -> Result<(), E>,
) -> Result<(), E> {
    restore_flags(
        fd,
        &Metadata {
            flags: metadata.flags & BEFORE_DATA,
            ..Metadata::default()
        },
        BEFORE_DATA,
        failed,
    )
}

/// Set-id bits are for the archived owner; a program that now belongs to somebody else must not run as him.
fn wanted_mode(metadata: &Metadata, owner: (u32, u32), is_dir: bool) -> u32 {
    let mut mode = metadata.permissions();
    if !is_dir && owner.0 != metadata.uid {
        mode &= !SET_UID;
    }
    if !is_dir && owner.1 != metadata.gid {
        mode &= !SET_GID;
    }
    mode
}

fn xattrs<E>(
    handle: Handle<'_>,
    metadata: &Metadata,
    ignored: Ignored,
    failed: &mut dyn FnMut(Failed) -> Result<(), E>,
) -> Result<(), E> {
    if !ignored.xattrs {
        for xattr in metadata
            .xattrs
            .iter()
            .filter(|xattr| is_kept_xattr(&xattr.name))
        {
            if let Err(errno) = handle.set_xattr(&xattr.name, &xattr.value) {
                let action = "set an extended attribute of";
                let step = if xattr.name.starts_with(b"user.") {
                    Failed::plain(action, errno)
                } else {
                    Failed::privileged(action, errno)
                };
                // One kind not being supported (tmpfs: user attributes) tells nothing about the others.
                failed(step.or_unsupported(errno == Errno::OPNOTSUPP))?;
            }
        }
    }
    match &metadata.fcaps {
        Some(value) if !ignored.fcaps => match handle.set_xattr(b"security.capability", value) {
            Ok(()) => Ok(()),
            Err(errno) => {
                let step = Failed::privileged("set the capabilities of", errno);
                failed(step.or_unsupported(errno == Errno::OPNOTSUPP))
            }
        },
        _ => Ok(()),
    }
}

fn acls(handle: Handle<'_>, metadata: &Metadata, kind: &EntryKind) -> Result<(), Errno> {
    handle.set_xattr(
        posix_acl::ACCESS.as_bytes(),
        &posix_acl::access_value(metadata),
    )?;
    match posix_acl::default_value(metadata) {
        Some(value) if *kind == EntryKind::Directory => {
            handle.set_xattr(posix_acl::DEFAULT.as_bytes(), &value)
        }
        _ => Ok(()),
    }
}

fn restore_flags<E>(
    fd: BorrowedFd<'_>,
    metadata: &Metadata,
    restored: u64,
    failed: &mut dyn FnMut(Failed) -> Result<(), E>,
) -> Result<(), E> {
    let tell = |result: Result<(), Errno>, failed: &mut dyn FnMut(Failed) -> Result<(), E>| {
        let Err(errno) = result else {
            return Ok(());
        };
        let step = Failed::privileged("set the attributes of", errno);
        failed(step.or_unsupported(is_unsupported(errno)))
    };
    if metadata.flags & restored != 0 {
        tell(set_inode_flags(fd, metadata.flags, restored), failed)?;
    }
    let fat: u64 = FAT_TABLE.iter().map(|(archive, _)| archive).sum();
    if metadata.flags & fat != 0 {
        tell(set_fat_flags(fd, metadata.flags), failed)?;
    }
    Ok(())
}

fn set_inode_flags(fd: BorrowedFd<'_>, archive: u64, restored: u64) -> Result<(), Errno> {
    let current = rustix::fs::ioctl_getflags(fd)?;
    let mut new = current;
    for (bit, inode) in FLAG_TABLE {
        if restored & bit != 0 {
            new.set(inode, archive & bit != 0);
        }
    }
    if new == current {
        return Ok(());
    }
    match rustix::fs::ioctl_setflags(fd, new) {
        Err(errno) if is_unsupported(errno) => set_possible_flags(fd, current, new, errno),
        result => result,
    }
}

/// A file system refuses all attributes because of a single one that it does not know; then each is set by itself. Fails with
/// `refusal` after having set what can be.
fn set_possible_flags(
    fd: BorrowedFd<'_>,
    mut current: IFlags,
    wanted: IFlags,
    refusal: Errno,
) -> Result<(), Errno> {
    // What is immutable takes no other attribute any more.
    let (last, others) = (IFlags::IMMUTABLE, FLAG_TABLE.map(|(_, inode)| inode));
    for inode in others.into_iter().filter(|i| *i != last).chain([last]) {
        let next = (current - inode) | (wanted & inode);
        if next != current && rustix::fs::ioctl_setflags(fd, next).is_ok() {
            current = next;
        }
    }
    Err(refusal)
}

fn set_fat_flags(fd: BorrowedFd<'_>, archive: u64) -> Result<(), Errno> {
    let current = sys::fat_attributes(fd)?;
    let new = FAT_TABLE.iter().fold(current, |new, (bit, fat)| {
        if archive & bit != 0 {
            new | fat
        } else {
            new & !fat
        }
    });
    if new == current {
        Ok(())
    } else {
        sys::set_fat_attributes(fd, new)
    }
}

impl Handle<'_> {
    fn chown(self, uid: u32, gid: u32) -> Result<(), Errno> {
        // The kernel takes these as "leave alone"; no file belongs to them.
        if uid == u32::MAX || gid == u32::MAX {
            return Err(Errno::INVAL);
        }
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        match self {
            Handle::Open(fd) => rustix::fs::fchown(fd, uid, gid),
            Handle::Place(fd) => rustix::fs::chownat(fd, c"", uid, gid, AtFlags::EMPTY_PATH),
        }
    }

    fn chmod(self, mode: u32) -> Result<(), Errno> {
        let mode = Mode::from_raw_mode(mode);
        match self {
            Handle::Open(fd) => rustix::fs::fchmod(fd, mode),
            Handle::Place(fd) => rustix::fs::chmod(by_number(fd)?, mode),
        }
    }

    fn set_xattr(self, name: &[u8], value: &[u8]) -> Result<(), Errno> {
        match self {
            Handle::Open(fd) => rustix::fs::fsetxattr(fd, name, value, XattrFlags::empty()),
            Handle::Place(fd) => {
                rustix::fs::setxattr(by_number(fd)?, name, value, XattrFlags::empty())
            }
        }
    }

    fn set_mtime(self, metadata: &Metadata) -> Result<(), Errno> {
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: metadata.mtime.secs,
                tv_nsec: metadata.mtime.nanos.into(),
            },
        };
        match self {
            Handle::Open(fd) => rustix::fs::futimens(fd, &times),
            Handle::Place(fd) => {
                match rustix::fs::utimensat(fd, c"", &times, AtFlags::EMPTY_PATH) {
                    // Before Linux 5.8.
                    Err(Errno::INVAL) => rustix::fs::utimensat(
                        rustix::fs::CWD,
                        by_number(fd)?,
                        &times,
                        AtFlags::empty(),
                    ),
                    result => result,
                }
            }
        }
    }
}

/// The kernel's own name of an open place, for calls that have no form for descriptors.
fn by_number(fd: BorrowedFd<'_>) -> Result<CString, Errno> {
    CString::new(format!("/proc/self/fd/{}", fd.as_raw_fd())).map_err(|_| Errno::INVAL)
}

//! The metadata of an open file, with as few system calls as the file system allows.
//!
//! One listing of the extended attributes tells which values exist, ACLs and capabilities included; where it is empty nothing
//! more is asked. What a file system does not support is remembered per device.

use std::collections::HashMap;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use pxar::metadata::flags;
use pxar::{Metadata, Mtime, Xattr};
use rustix::fs::{AtFlags, IFlags, Stat, StatxFlags};
use rustix::io::Errno;

use crate::file_system::{FileSystem, is_unsupported};
use crate::posix_acl;
use crate::sys;

/// Largest list of attribute names and largest value that Linux hands out.
const LIST_LEN: usize = 64 << 10;
const VALUE_LEN: usize = 64 << 10;

/// Archive flags and the attribute of the inode that each one stands for.
pub(crate) const FLAG_TABLE: [(u64, IFlags); 10] = [
    (flags::APPEND, IFlags::APPEND),
    (flags::NOATIME, IFlags::NOATIME),
    (flags::COMPRESS, IFlags::COMPRESSED),
    (flags::NOCOW, IFlags::NOCOW),
    (flags::NODUMP, IFlags::NODUMP),
    (flags::DIRSYNC, IFlags::DIRSYNC),
    (flags::IMMUTABLE, IFlags::IMMUTABLE),
    (flags::SYNC, IFlags::SYNC),
    (flags::NOCOMP, IFlags::from_bits_retain(0x400)),
    (flags::PROJINHERIT, IFlags::PROJECT_INHERIT),
];

/// Archive flags and FAT attributes.
pub(crate) const FAT_TABLE: [(u64, u32); 3] = [
    (flags::HIDDEN, 0x02),
    (flags::SYSTEM, 0x04),
    (flags::ARCHIVE, 0x20),
];

/// Which attributes are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub xattrs: bool,
    pub acls: bool,
    pub fcaps: bool,
}

/// What failed.
pub(crate) enum CaptureError {
    /// Names or a value of extended attributes are too large; the rest of the metadata is complete.
    XattrTooLarge,
    Failed {
        action: &'static str,
        errno: Errno,
    },
}

pub(crate) struct Capture {
    wanted: Wanted,
    file_systems: HashMap<u64, FileSystem>,
    list: Box<[u8]>,
    value: Box<[u8]>,
}

impl Capture {
    pub(crate) fn new(wanted: Wanted) -> Capture {
        let zeros = |len| vec![0; len].into_boxed_slice();
        Capture {
            wanted,
            file_systems: HashMap::new(),
            list: zeros(LIST_LEN),
            value: zeros(VALUE_LEN),
        }
    }

    /// The file system of the device `dev`, on which `fd` lies.
    pub(crate) fn file_system(
        &mut self,
        dev: u64,
        fd: BorrowedFd<'_>,
    ) -> Result<&mut FileSystem, Errno> {
        use std::collections::hash_map::Entry;
        Ok(match self.file_systems.entry(dev) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(FileSystem::of(fd)?),
        })
    }

    /// Adds what `stat` does not tell about a regular file or directory that is open for reading. `metadata` has its stat
    /// fields already.
    pub(crate) fn attributes(
        &mut self,
        fd: BorrowedFd<'_>,
        dev: u64,
        metadata: &mut Metadata,
    ) -> Result<(), CaptureError> {
        let fail = |action| move |errno| CaptureError::Failed { action, errno };
        let mut fs = *self
            .file_system(dev, fd)
            .map_err(fail("find the file system of"))?;
        let before = fs;
        if fs.flags {
            match rustix::fs::ioctl_getflags(fd) {
                Ok(found) => metadata.flags |= archive_flags(found),
                Err(errno) if is_unsupported(errno) => {
                    fs.flags = !fs.is_uniform() || errno != Errno::NOTTY
                }
                Err(errno) => return Err(fail("read the attributes of")(errno)),
            }
        }
        if fs.fat {
            match sys::fat_attributes(fd) {
                Ok(found) => metadata.flags |= archive_fat_flags(found),
                Err(errno) if is_unsupported(errno) => {}
                Err(errno) => return Err(fail("read the attributes of")(errno)),
            }
        }
        if fs.project_ids {
            match sys::project_id(fd) {
                Ok(0) => {}
                Ok(id) => metadata.quota_project_id = Some(u64::from(id)),
                Err(errno) if is_unsupported(errno) => {
                    fs.project_ids = !fs.is_uniform() || errno != Errno::NOTTY
                }
                Err(errno) => return Err(fail("read the quota project of")(errno)),
            }
        }
        let result = if fs.xattrs && (self.wanted.xattrs || self.wanted.acls || self.wanted.fcaps) {
            self.xattrs(fd, &mut fs, metadata)
        } else {
            Ok(())
        };
        if (fs.flags, fs.xattrs, fs.project_ids)
            != (before.flags, before.xattrs, before.project_ids)
        {
            self.file_systems.insert(dev, fs);
        }
        result
    }

    fn xattrs(
        &mut self,
        fd: BorrowedFd<'_>,
        fs: &mut FileSystem,
        metadata: &mut Metadata,
    ) -> Result<(), CaptureError> {
        let len = match rustix::fs::flistxattr(fd, &mut *self.list) {
            Ok(0) | Err(Errno::BADF) => return Ok(()),
            Ok(len) => len,
            Err(Errno::OPNOTSUPP) => {
                fs.xattrs = !fs.is_uniform();
                return Ok(());
            }
            Err(Errno::TOOBIG | Errno::RANGE) => return Err(CaptureError::XattrTooLarge),
            Err(errno) => {
                return Err(CaptureError::Failed {
                    action: "list the extended attributes of",
                    errno,
                });
            }
        };
        for name in self.list[..len].split_inclusive(|b| *b == 0) {
            let Ok(name) = CStr::from_bytes_with_nul(name) else {
                continue;
            };
            let Some(kind) = attribute_kind(name.to_bytes(), self.wanted, fs) else {
                continue;
            };
            let value = match rustix::fs::fgetxattr(fd, name, &mut *self.value) {
                Ok(len) => &self.value[..len],
                // Gone meanwhile; or listed but not handed out, which tells nothing about the other attributes.
                Err(Errno::NODATA | Errno::OPNOTSUPP) => continue,
                Err(Errno::TOOBIG | Errno::RANGE) => return Err(CaptureError::XattrTooLarge),
                Err(errno) => {
                    return Err(CaptureError::Failed {
                        action: "read an extended attribute of",
                        errno,
                    });
                }
            };
            let read = match kind {
                AttributeKind::Plain => {
                    metadata.xattrs.push(Xattr {
                        name: name.to_bytes().to_vec(),
                        value: value.to_vec(),
                    });
                    Ok(())
                }
                AttributeKind::Capability => {
                    metadata.fcaps = Some(value.to_vec());
                    Ok(())
                }
                AttributeKind::AccessAcl => posix_acl::read_access(value, &mut metadata.acl),
                AttributeKind::DefaultAcl => posix_acl::read_default(value, &mut metadata.acl),
            };
            read.map_err(|_| CaptureError::Failed {
                action: "understand the ACL of",
                errno: Errno::INVAL,
            })?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AttributeKind {
    Plain,
    Capability,
    AccessAcl,
    DefaultAcl,
}

/// What an attribute is for the archive; `None` if it stays out.
fn attribute_kind(name: &[u8], wanted: Wanted, fs: &FileSystem) -> Option<AttributeKind> {
    let (kind, wanted) = match name {
        b"security.capability" => (AttributeKind::Capability, wanted.fcaps && fs.fcaps),
        b"system.posix_acl_access" => (AttributeKind::AccessAcl, wanted.acls && fs.acls),
        b"system.posix_acl_default" => (AttributeKind::DefaultAcl, wanted.acls && fs.acls),
        _ => (AttributeKind::Plain, wanted.xattrs && is_kept_xattr(name)),
    };
    wanted.then_some(kind)
}

/// Whether an extended attribute is one that archives keep. Also asked on the way back, so that no archive sets others.
pub(crate) fn is_kept_xattr(name: &[u8]) -> bool {
    (1..=255).contains(&name.len())
        && (name.starts_with(b"user.")
            || name.starts_with(b"trusted.")
            || name == b"security.NTACL")
}

fn archive_flags(found: IFlags) -> u64 {
    if found.is_empty() {
        return 0;
    }
    FLAG_TABLE
        .iter()
        .filter(|(_, inode)| found.intersects(*inode))
        .map(|(archive, _)| archive)
        .sum()
}

fn archive_fat_flags(found: u32) -> u64 {
    FAT_TABLE
        .iter()
        .filter(|(_, fat)| found & fat != 0)
        .map(|(archive, _)| archive)
        .sum()
}

/// When the inode was made, if the file system knows: tells it from an earlier one of the same number.
pub(crate) fn birth(fd: BorrowedFd<'_>) -> Option<(i64, u32)> {
    let found = rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok()?;
    (found.stx_mask & StatxFlags::BTIME.bits() != 0)
        .then_some((found.stx_btime.tv_sec, found.stx_btime.tv_nsec))
}

/// Sets the stat fields and forgets all else.
pub(crate) fn set_stat(metadata: &mut Metadata, stat: &Stat) {
    metadata.clear();
    metadata.mode = u64::from(stat.st_mode);
    metadata.uid = stat.st_uid;
    metadata.gid = stat.st_gid;
    metadata.mtime = mtime(stat);
}

pub(crate) fn mtime(stat: &Stat) -> Mtime {
    Mtime {
        secs: stat.st_mtime,
        nanos: stat.st_mtime_nsec as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::birth;
    use std::os::fd::AsFd;

    /// Two names of one inode have one birth; a file made later has another, even if it gets the inode of a removed one.
    #[test]
    fn inodes_are_told_apart_by_their_birth() {
        let dir = tempfile::tempdir().expect("temp dir");
        let make = |name: &str| std::fs::File::create(dir.path().join(name)).expect(name);
        let first = make("a");
        std::fs::hard_link(dir.path().join("a"), dir.path().join("b")).expect("link");
        let again = std::fs::File::open(dir.path().join("b")).expect("b");
        let born = birth(first.as_fd());
        assert_eq!(born, birth(again.as_fd()));
        if born.is_none() {
            eprintln!("SKIPPED: the file system knows no births");
            return;
        }
        // Births are as fine as the kernel's clock tick.
        let later = (0..100_000).any(|_| {
            birth(make("c").as_fd()) != born || {
                std::fs::remove_file(dir.path().join("c")).expect("c");
                false
            }
        });
        assert!(later);
    }
}

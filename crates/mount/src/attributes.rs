//! What `stat` shows of a member: metadata of the archive, in the kernel's terms.
//!
//! Inode numbers are places in the archive (pxar.md 6.2), so they are the same at each mount and for each name of a file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, FileType, INodeNo};
use pxar::metadata::mode;
use pxar::{EntryKind, Mtime, Node};

pub(crate) const ROOT: u64 = 1;
const NOT_A_DIRECTORY: u64 = 1 << 63;
const BLOCK_SIZE: u32 = 4096;

/// The inode number of a member that is no hard link.
pub(crate) fn inode(node: &Node) -> u64 {
    match node.name_offset {
        None => ROOT,
        Some(_) if node.entry.is_dir() => node.end,
        Some(_) => node.entry_offset | NOT_A_DIRECTORY,
    }
}

/// `links` counts the names of a file; a directory always has two.
pub(crate) fn of_node(node: &Node, links: u32) -> FileAttr {
    let metadata = &node.entry.metadata;
    let time = system_time(metadata.mtime);
    let (kind, size, device) = match node.entry.kind {
        EntryKind::Directory => (FileType::Directory, 0, 0),
        EntryKind::File { size } => (FileType::RegularFile, size, 0),
        EntryKind::Symlink { ref target } => (FileType::Symlink, target.len() as u64, 0),
        EntryKind::Device { major, minor } if metadata.file_type() == mode::BLOCK => {
            (FileType::BlockDevice, 0, device_number(major, minor))
        }
        EntryKind::Device { major, minor } => {
            (FileType::CharDevice, 0, device_number(major, minor))
        }
        EntryKind::Fifo => (FileType::NamedPipe, 0, 0),
        EntryKind::Socket => (FileType::Socket, 0, 0),
        // Links are followed before anyone asks; a broken one looks like an empty file.
        EntryKind::Hardlink { .. } => (FileType::RegularFile, 0, 0),
    };
    FileAttr {
        ino: INodeNo(inode(node)),
        size,
        blocks: match kind {
            FileType::RegularFile => size.div_ceil(512),
            _ => 0,
        },
        atime: time,
        mtime: time,
        ctime: time,
        crtime: time,
        kind,
        perm: metadata.permissions() as u16,
        nlink: if node.entry.is_dir() { 2 } else { links },
        uid: metadata.uid,
        gid: metadata.gid,
        rdev: device,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

/// An image as the only file of its file system.
pub(crate) fn of_image(size: u64) -> FileAttr {
    FileAttr {
        ino: INodeNo(ROOT),
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0o400,
        nlink: 1,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        rdev: 0,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

/// A time beyond what the system can tell becomes the epoch.
fn system_time(mtime: Mtime) -> SystemTime {
    let whole = Duration::from_secs(mtime.secs.unsigned_abs());
    let time = match mtime.secs {
        0.. => UNIX_EPOCH.checked_add(whole),
        _ => UNIX_EPOCH.checked_sub(whole),
    };
    let nanos = Duration::from_nanos(mtime.nanos.into());
    time.and_then(|time| time.checked_add(nanos))
        .unwrap_or(UNIX_EPOCH)
}

/// As the kernel packs device numbers in 32 bits: 12 for the major, 20 for the minor number.
fn device_number(major: u64, minor: u64) -> u32 {
    let (major, minor) = ((major & 0xfff) as u32, (minor & 0xf_ffff) as u32);
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (secs, nanos, expected) in [
            (0, 0, UNIX_EPOCH),
            (5, 7, UNIX_EPOCH + Duration::new(5, 7)),
            (-1, 999_999_999, UNIX_EPOCH - Duration::from_nanos(1)),
            (i64::MIN, 1, UNIX_EPOCH),
        ] {
            let time = system_time(Mtime { secs, nanos });
            let beyond = secs == i64::MIN && time < UNIX_EPOCH;
            assert!(time == expected || beyond, "{secs} {nanos}: {time:?}");
        }
    }

    #[test]
    fn device_numbers() {
        for (major, minor, expected) in [
            (1, 3, 0x103),
            (8, 255, 0x8ff),
            (300, 70_000, 0x1111_2c70),
            (0xfff, 0xf_ffff, 0xffff_ffff),
        ] {
            assert_eq!(device_number(major, minor), expected, "{major},{minor}");
        }
    }
}

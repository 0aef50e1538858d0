//! System calls that no library offers in a safe form: project ids and FAT attributes; closing that tells errors.
//!
//! The only file of this crate with `unsafe`. Each function is one system call; which errors matter is the caller's business.
#![expect(
    unsafe_code,
    reason = "ioctl numbers and layouts of the kernel are asserted here; a descriptor is closed once"
)]

use std::ffi::c_int;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};

use rustix::io::{Errno, Result};
use rustix::ioctl::{Getter, Opcode, Setter, ioctl, opcode};

/// `struct fsxattr` of `linux/fs.h`.
#[repr(C)]
#[derive(Clone, Copy)]
struct ExtendedFlags {
    xflags: u32,
    extent_size: u32,
    extents: u32,
    project_id: u32,
    cow_extent_size: u32,
    pad: [u8; 8],
}

const FS_IOC_FSGETXATTR: Opcode = opcode::read::<ExtendedFlags>(b'X', 31);
const FS_IOC_FSSETXATTR: Opcode = opcode::write::<ExtendedFlags>(b'X', 32);
const FAT_IOCTL_GET_ATTRIBUTES: Opcode = opcode::read::<u32>(b'r', 0x10);
const FAT_IOCTL_SET_ATTRIBUTES: Opcode = opcode::write::<u32>(b'r', 0x11);

/// The project to whose quota a file counts.
pub(crate) fn project_id(fd: impl AsFd) -> Result<u32> {
    Ok(extended_flags(fd)?.project_id)
}

/// Moves a file to another project.
pub(crate) fn set_project_id(fd: impl AsFd, project_id: u32) -> Result<()> {
    let flags = ExtendedFlags {
        project_id,
        ..extended_flags(&fd)?
    };
    // SAFETY: the kernel reads one `struct fsxattr`, whose layout `ExtendedFlags` has.
    unsafe { ioctl(fd, Setter::<FS_IOC_FSSETXATTR, ExtendedFlags>::new(flags)) }
}

fn extended_flags(fd: impl AsFd) -> Result<ExtendedFlags> {
    // SAFETY: on success the kernel has written one `struct fsxattr`, whose layout `ExtendedFlags` has.
    unsafe { ioctl(fd, Getter::<FS_IOC_FSGETXATTR, ExtendedFlags>::new()) }
}

/// Attribute byte of a file on a FAT file system.
pub(crate) fn fat_attributes(fd: impl AsFd) -> Result<u32> {
    // SAFETY: on success the kernel has written one `__u32`.
    unsafe { ioctl(fd, Getter::<FAT_IOCTL_GET_ATTRIBUTES, u32>::new()) }
}

pub(crate) fn set_fat_attributes(fd: impl AsFd, attributes: u32) -> Result<()> {
    // SAFETY: the kernel reads one `__u32`.
    unsafe { ioctl(fd, Setter::<FAT_IOCTL_SET_ATTRIBUTES, u32>::new(attributes)) }
}

unsafe extern "C" {
    #[link_name = "close"]
    fn libc_close(fd: c_int) -> c_int;
}

/// Closes a file. Network file systems and quotas may refuse only here what was written before.
pub(crate) fn close(fd: OwnedFd) -> Result<()> {
    // SAFETY: the descriptor was owned and is given up, whatever the call returns.
    if unsafe { libc_close(fd.into_raw_fd()) } == 0 {
        return Ok(());
    }
    match Errno::from_io_error(&std::io::Error::last_os_error()) {
        // Linux has closed it by then.
        None | Some(Errno::INTR) => Ok(()),
        Some(errno) => Err(errno),
    }
}

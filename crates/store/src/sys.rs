//! The two system calls that `rustix` does not have; the only `unsafe` of this crate.
//!
//! Both take borrowed descriptors and plain numbers and touch no memory of ours except one struct on the stack.

#![expect(
    unsafe_code,
    reason = "sync_file_range and open file description locks are only in libc"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Starts writing a file's dirty pages to disk and does not wait. An error means nothing to the caller: what was not started
/// early is written by the sync at the end.
pub(crate) fn start_writeback(file: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed and so open during the call, which takes no pointers.
    let rc = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
    if rc == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// How a whole file is locked against other open file descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordLock {
    Shared,
    Exclusive,
    Unlocked,
}

/// Sets the record lock of the whole file and never waits; `false` if somebody else's lock is in the way.
///
/// The lock belongs to the open file description, not to the process: closing another descriptor of the same file, which silently
/// drops locks of the older kind, does it no harm. Both kinds respect each other.
pub(crate) fn record_lock(file: BorrowedFd<'_>, lock: RecordLock) -> io::Result<bool> {
    let kind = match lock {
        RecordLock::Shared => libc::F_RDLCK,
        RecordLock::Exclusive => libc::F_WRLCK,
        RecordLock::Unlocked => libc::F_UNLCK,
    };
    // SAFETY: all zeroes is a valid value of this plain C struct.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    // SAFETY: the descriptor is borrowed and so open, and `range` outlives the call, which keeps no pointer to it.
    let rc = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) };
    if rc == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => Ok(false),
        _ => Err(error),
    }
}

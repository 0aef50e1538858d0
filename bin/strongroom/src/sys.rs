//! The one place with `unsafe`: descriptors that were open when this program was started, the fork
//! with which a command goes to the background, and a setting of the allocator.
//!
//! Callers hand over secrets in them (`--keyfd 7`, `PBS_PASSWORD_FD=8`). Only what was open
//! before we opened anything can be taken, and only once, so that a wrong number never reaches
//! a file of our own.

#![expect(
    unsafe_code,
    reason = "a descriptor given by number can only be owned through `from_raw_fd`, `fork` has no safe form, nor has the allocator's setting"
)]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

/// Makes the allocator return each buffer of a chunk's size to the system when it is dropped. Else glibc keeps them for the thread that
/// dropped them, and with many threads that becomes hundreds of megabytes.
pub fn give_back_large_buffers() {
    #[cfg(target_env = "gnu")]
    {
        const LARGE_BYTES: libc::c_int = 512 << 10;
        // SAFETY: it takes two numbers and may be called at any time.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES) };
    }
}

/// Standard output and error are never taken: the whole program writes to them.
const KEPT: [RawFd; 2] = [1, 2];

/// Numbers of the descriptors that this process inherited; clones share what is left.
#[derive(Clone, Debug, Default)]
pub struct Inherited(Arc<Mutex<BTreeSet<RawFd>>>);

impl Inherited {
    /// To be called first of all, before anything is opened or a thread is started.
    pub fn of_process() -> Inherited {
        let entries = fs::read_dir("/proc/self/fd")
            .into_iter()
            .flatten()
            .flatten();
        let listed: Vec<RawFd> = entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        // The listing's own descriptor is closed by now.
        let open = listed
            .into_iter()
            .filter(|number| !KEPT.contains(number) && is_open(*number));
        Inherited(Arc::new(Mutex::new(open.collect())))
    }

    /// Takes over a descriptor, which is closed when the file is dropped. An error if nothing
    /// was open there at the start, or if it was taken before.
    pub fn take(&self, number: RawFd) -> io::Result<File> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !left.remove(&number) {
            return Err(rustix::io::Errno::BADF.into());
        }
        // SAFETY: it was open before this program opened anything, and is handed out only here
        // and only once, so nobody else in this process owns or closes it.
        Ok(unsafe { File::from_raw_fd(number) })
    }

    /// Closes what nobody took, so that a process in the background keeps neither locks nor
    /// pipes of whoever started it.
    pub fn close_rest(&self) {
        let left = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for number in left.into_iter().filter(|number| *number > 2) {
            // SAFETY: as in `take`.
            drop(unsafe { File::from_raw_fd(number) });
        }
    }
}

/// Who one is after [`fork`].
pub enum Side {
    /// With the child's number.
    Parent(rustix::process::Pid),
    Child,
}

/// Makes a second process that goes on from here. An error if this one has more than one thread
/// by now, since the others would be gone in the middle of what they do.
pub fn fork() -> io::Result<Side> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("threads are running already"));
    }
    // SAFETY: this is the only thread, so the child is a whole copy of this process.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(match rustix::process::Pid::from_raw(child) {
            Some(child) => Side::Parent(child),
            None => Side::Child,
        }),
    }
}

fn is_open(number: RawFd) -> bool {
    if number < 0 {
        return false;
    }
    // SAFETY: it is not -1, and it is only used to ask the kernel whether it is open, at a time
    // when this process has no other thread that could close it.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(borrowed).is_ok()
}

//! Errors of the kernel whose own text does not tell what to do, with the next step.

use std::io;

use rustix::io::Errno;

/// The error as the kernel has it, or in words that tell what to do about it.
pub(crate) fn advised(error: io::Error) -> io::Error {
    let text = match Errno::from_io_error(&error) {
        Some(Errno::MFILE) => {
            "too many open files: one is open for each directory level; raise the limit (`ulimit -n`)"
        }
        Some(Errno::NAMETOOLONG) => {
            "the name is longer than this file system allows; use another one for the target"
        }
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}

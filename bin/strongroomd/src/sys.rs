//! A socket that an init system opened and left to us by its number.
//!
//! The only file of this program with `unsafe`.
#![expect(
    unsafe_code,
    reason = "a descriptor known by its number alone is taken over here"
)]

use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::fs::fstat;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::sockopt;

/// The first descriptor that is handed over (`sd_listen_fds(3)`).
const FIRST: i32 = 3;

/// Takes the first descriptor that was handed over, which must be a TCP socket that listens. To be called once, before anything else is opened.
pub fn first_listener() -> std::io::Result<TcpListener> {
    // SAFETY: the environment says that this descriptor was opened for us, and the caller asks before we open anything, so nobody else owns it.
    // If it is not open, every use of it fails, and that is told.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST) };
    let stranger = |text| std::io::Error::new(std::io::ErrorKind::InvalidInput, text);
    if let Err(error) = fstat(&socket) {
        // Not ours to close.
        std::mem::forget(socket);
        return Err(error.into());
    }
    if !sockopt::socket_acceptconn(&socket)? {
        return Err(stranger("descriptor 3 is no socket that listens"));
    }
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    let listener = TcpListener::from(socket);
    listener
        .local_addr()
        .map_err(|_| stranger("descriptor 3 is no TCP socket"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

//! The one place with `unsafe`: waiting for a signal in a thread, without a runtime, and for a stream that may bring nothing.

#![expect(
    unsafe_code,
    reason = "sets of signals, waiting for one of them and for a descriptor have no safe form"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _};
use std::time::Duration;

/// The signals that ask for the end, withheld from the process until somebody waits for them.
pub struct Signals {
    set: libc::sigset_t,
    some: bool,
}

impl Signals {
    /// To be called before any thread is started, as threads take over what is withheld. Signals that this program was started to ignore
    /// (`nohup`, jobs in the background of a script) stay ignored.
    pub fn withhold() -> io::Result<Signals> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset fills the set that it is given.
        let mut set = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            set.assume_init()
        };
        let mut some = false;
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            if !is_ignored(signal)? {
                some = true;
                // SAFETY: the set was made above, and the number is one of a signal.
                unsafe { libc::sigaddset(&raw mut set, signal) };
            }
        }
        // SAFETY: the set was made above; the old one is not asked for.
        let refused =
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        match refused {
            0 => Ok(Signals { set, some }),
            number => Err(io::Error::from_raw_os_error(number)),
        }
    }

    /// Blocks until one of them comes, and tells its name; for ever, if all are ignored.
    pub fn wait(&self) -> &'static str {
        loop {
            let mut signal = 0;
            // SAFETY: both are places of our own.
            if self.some && unsafe { libc::sigwait(&raw const self.set, &raw mut signal) } == 0 {
                return match signal {
                    libc::SIGINT => "SIGINT",
                    libc::SIGHUP => "SIGHUP",
                    _ => "SIGTERM",
                };
            }
            std::thread::park();
        }
    }
}

/// Whether a read would not wait, be it for data, the end or an error; waits up to `time` for that.
pub fn is_readable(file: &impl AsFd, time: Duration) -> io::Result<bool> {
    let mut wanted = libc::pollfd {
        fd: file.as_fd().as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let time = libc::c_int::try_from(time.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the one entry is a place of our own, and its descriptor is open as long as `file` is borrowed.
    match unsafe { libc::poll(&raw mut wanted, 1, time) } {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            error => Err(error),
        },
        ready => Ok(ready > 0),
    }
}

fn is_ignored(signal: libc::c_int) -> io::Result<bool> {
    let mut action = MaybeUninit::uninit();
    // SAFETY: nothing is changed; the present action is written to a place of our own.
    let action = unsafe {
        if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        action.assume_init()
    };
    Ok(action.sa_sigaction == libc::SIG_IGN)
}

//! The set-user-id helper with which an ordinary user mounts: `fusermount3`.
//!
//! It opens `/dev/fuse`, mounts it, and sends the descriptor back over a socket whose number it finds in its environment. We give it that
//! socket as standard input, so no descriptor has to be leaked into a child.

use std::ffi::OsStr;
use std::io::{self, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};

/// Looked for in this order: by the search path, and where systems have it that give a short one to services.
const NAMES: [&str; 4] = [
    "fusermount3",
    "/usr/bin/fusermount3",
    "/bin/fusermount3",
    "fusermount",
];
const SOCKET_VARIABLE: &str = "_FUSE_COMMFD";
/// Bytes of what the helper says that are shown.
const SAID_MAX: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    #[error("`fusermount3` is not installed")]
    Missing,
    #[error("cannot run `fusermount3`")]
    Run(#[source] io::Error),
    #[error("{0}")]
    Refused(String),
}

/// Mounts, and returns the connection to the kernel.
pub(crate) fn mount(target: &Path, options: &str) -> Result<OwnedFd, HelperError> {
    let (theirs, ours) = UnixStream::pair().map_err(HelperError::Run)?;
    let child = start(|command| {
        let socket = theirs.as_fd().try_clone_to_owned()?;
        command
            .args([OsStr::new("-o"), OsStr::new(options), OsStr::new("--")])
            .arg(target)
            .env(SOCKET_VARIABLE, "0")
            .stdin(socket);
        Ok(())
    })?;
    drop(theirs);
    let received = receive(&ours);
    let said = finish(child)?;
    match received.map_err(HelperError::Run)? {
        Some(descriptor) => Ok(descriptor),
        None => Err(HelperError::Refused(said)),
    }
}

/// Unmounts what an ordinary user mounted, also if it is in use; users of open files keep them until they close them.
pub(crate) fn unmount(target: &Path) -> Result<(), HelperError> {
    let child = start(|command| {
        command
            .args(["-u", "-z", "--"])
            .arg(target)
            .stdin(Stdio::null());
        Ok(())
    })?;
    match finish(child)? {
        said if said.is_empty() => Ok(()),
        said => Err(HelperError::Refused(said)),
    }
}

fn start(arrange: impl Fn(&mut Command) -> io::Result<()>) -> Result<Child, HelperError> {
    for name in NAMES {
        let mut command = Command::new(name);
        arrange(&mut command).map_err(HelperError::Run)?;
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => return Ok(child),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(HelperError::Run(error)),
        }
    }
    Err(HelperError::Missing)
}

/// Waits for the end and returns what was said if it is a failure.
fn finish(mut child: Child) -> Result<String, HelperError> {
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let reading = stderr.take(SAID_MAX).read_to_end(&mut said);
        reading.map_err(HelperError::Run)?;
    }
    let status = child.wait().map_err(HelperError::Run)?;
    let said = String::from_utf8_lossy(&said).trim().to_string();
    Ok(match (status.success(), said.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!("fusermount3 ended with {status}"),
        (false, false) => said,
    })
}

/// The descriptor that was sent; nothing if the other side closed before.
fn receive(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        let mut parts = [IoSliceMut::new(&mut byte)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        match recvmsg(socket, &mut parts, &mut control, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    if message.bytes == 0 || message.flags.contains(ReturnFlags::CTRUNC) {
        return Ok(None);
    }
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok(descriptors.last())
}

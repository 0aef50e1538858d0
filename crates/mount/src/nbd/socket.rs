//! Listening and connected sockets, of either family, as one type each.
//!
//! A Unix socket is only its owner's: it gets its permissions before anybody can connect. It is removed when the listener is dropped.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 16;

/// Why no export can be offered at a place.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{0:?} exists and is no socket")]
    NotASocket(PathBuf),
    #[error("another program listens on {0:?}")]
    InUse(PathBuf),
    #[error("cannot listen on {path:?}")]
    Unix {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{0} can be reached from other machines, and NBD has neither a login nor encryption")]
    NotLoopback(SocketAddr),
    #[error("cannot listen on {address}")]
    Tcp {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// Where clients connect.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Unix {
        listener: UnixListener,
        path: PathBuf,
        /// Device and inode, so that nobody else's socket is removed.
        identity: (u64, u64),
    },
    Tcp(TcpListener),
}

impl Listener {
    /// Takes the place of a socket on which nobody listens any more.
    pub fn unix(path: &Path) -> Result<Listener, ListenError> {
        let failed = |source| ListenError::Unix {
            path: path.to_owned(),
            source,
        };
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(ListenError::NotASocket(path.to_owned()));
            }
            Ok(_) => match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path).map_err(failed)?;
                }
                _ => return Err(ListenError::InUse(path.to_owned())),
            },
        }
        let (listener, identity) = listen_private(path).map_err(failed)?;
        Ok(Listener(Kind::Unix {
            listener,
            path: path.to_owned(),
            identity,
        }))
    }

    /// Only on a loopback address, unless `remote_allowed`.
    pub fn tcp(address: SocketAddr, remote_allowed: bool) -> Result<Listener, ListenError> {
        if !address.ip().to_canonical().is_loopback() && !remote_allowed {
            return Err(ListenError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address);
        let listener = listener.map_err(|source| ListenError::Tcp { address, source })?;
        Ok(Listener(Kind::Tcp(listener)))
    }

    /// The address that is listened on, if it is one of the network.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Unix { .. } => None,
            Kind::Tcp(listener) => listener.local_addr().ok(),
        }
    }

    pub(super) fn accept(&self) -> io::Result<Stream> {
        match &self.0 {
            Kind::Unix { listener, .. } => Ok(Stream::Unix(listener.accept()?.0)),
            Kind::Tcp(listener) => {
                let stream = listener.accept()?.0;
                stream.set_nodelay(true)?;
                // A machine that vanished must not keep its place for ever.
                rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }

    /// Nobody is accepted any more; whoever waits in `accept` gets an error.
    pub(super) fn close(&self) {
        let _ = rustix::net::shutdown(self.as_fd(), Shutdown::Both);
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Kind::Unix { listener, .. } => listener.as_fd(),
            Kind::Tcp(listener) => listener.as_fd(),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Kind::Unix { path, identity, .. } = &self.0
            && fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == *identity)
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Between the name and the listening nobody can connect, so there is time to close the door to others.
fn listen_private(path: &Path) -> io::Result<(UnixListener, (u64, u64))> {
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    let open = || {
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        rustix::net::listen(&socket, BACKLOG)?;
        let found = fs::symlink_metadata(path)?;
        Ok((found.dev(), found.ino()))
    };
    match open() {
        Ok(identity) => Ok((UnixListener::from(socket), identity)),
        Err(error) => {
            let _ = fs::remove_file(path);
            Err(error)
        }
    }
}

/// A connected client.
#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    pub(super) fn try_clone(&self) -> io::Result<Stream> {
        Ok(match self {
            Stream::Unix(stream) => Stream::Unix(stream.try_clone()?),
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone()?),
        })
    }

    /// Whoever reads or writes gets an end or an error.
    pub(super) fn close(&self) {
        let _ = match self {
            Stream::Unix(stream) => stream.shutdown(std::net::Shutdown::Both),
            Stream::Tcp(stream) => stream.shutdown(std::net::Shutdown::Both),
        };
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.set_read_timeout(limit),
            Stream::Tcp(stream) => stream.set_read_timeout(limit),
        }
    }

    /// How long the client may leave an answer unread.
    pub(super) fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.set_write_timeout(limit),
            Stream::Tcp(stream) => stream.set_write_timeout(limit),
        }
    }

    /// From now on reading and writing take as long as they take.
    pub(super) fn without_limit(&self) -> io::Result<()> {
        self.set_write_timeout(None)?;
        self.set_read_timeout(None)
    }

    /// Fills `into` before `deadline`, however slowly the bytes drip.
    pub(super) fn read_until(&self, mut into: &mut [u8], deadline: Instant) -> io::Result<()> {
        while !into.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.set_read_timeout(Some(left))?;
            match self.read_some(into) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => into = &mut into[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_some(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&mut &*stream).read(into),
            Stream::Tcp(stream) => (&mut &*stream).read(into),
        }
    }
}

impl Read for &Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.read_some(into)
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&mut &*stream).write(bytes),
            Stream::Tcp(stream) => (&mut &*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

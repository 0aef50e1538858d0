//! From a view to a mount and back.
//!
//! As root the kernel is asked directly, else `fusermount3`. Requests are answered by several threads, so one that waits for the network
//! stops nobody else. A mount ends when somebody unmounts it, whoever that is; [`Mounted`] unmounts when it is dropped.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fuser::{Config, Filesystem, Session, SessionACL};
use pxar::ReadAt;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use crate::fuse::{ImageFs, TreeFs};
use crate::fusermount;
pub use crate::fusermount::HelperError;
use crate::tree_view::TreeView;
pub use crate::view_error::Complain;

const DEVICE: &str = "/dev/fuse";
/// What `mount` and `df` show as the source.
const NAME: &str = "pxar-mount";
/// Requests that may wait for the network at once.
const THREADS: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum MountError {
    #[error("cannot use {target:?} as mount point")]
    Target {
        target: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{0:?} is not a directory")]
    NotADirectory(PathBuf),
    #[error("{0:?} is not empty")]
    NotEmpty(PathBuf),
    #[error("something is mounted on {0:?} already")]
    Busy(PathBuf),
    #[error("{0:?} is a mount whose program is gone")]
    Stale(PathBuf),
    #[error("this machine has no /dev/fuse")]
    NoDevice,
    #[error("cannot open /dev/fuse")]
    Device(#[source] io::Error),
    #[error("the kernel refuses to mount on {target:?}")]
    Kernel {
        target: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot mount on {target:?}")]
    Helper {
        target: PathBuf,
        #[source]
        source: HelperError,
    },
    #[error("the kernel's FUSE driver does not answer as expected")]
    Session(#[source] io::Error),
    #[error("cannot unmount {target:?}")]
    Unmount {
        target: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Mounts a tree on an empty directory.
pub fn mount_tree<R: ReadAt + Send + Sync + 'static>(
    view: TreeView<R>,
    target: &Path,
    complain: Complain,
) -> Result<Mounted, MountError> {
    let target = check_directory(target)?;
    let view = view.complaining_to(Complain::clone(&complain));
    mount(TreeFs { view, complain }, target, RootKind::Directory)
}

/// Mounts an image on a file, which then is the image.
pub fn mount_image<R: ReadAt + Send + Sync + 'static>(
    image: R,
    target: &Path,
    complain: Complain,
) -> Result<Mounted, MountError> {
    let target = canonical(target)?;
    mount(ImageFs { image, complain }, target, RootKind::File)
}

/// Whether something can be mounted there, told before anything is fetched. Returns the path without symbolic links.
pub fn check_directory(target: &Path) -> Result<PathBuf, MountError> {
    let path = canonical(target)?;
    let failed = |error| unusable(target, error);
    if !fs::metadata(&path).map_err(failed)?.is_dir() {
        return Err(MountError::NotADirectory(target.to_owned()));
    }
    if is_mount_point(&path) {
        return Err(MountError::Busy(target.to_owned()));
    }
    match fs::read_dir(&path).map_err(failed)?.next() {
        Some(_) => Err(MountError::NotEmpty(target.to_owned())),
        None => Ok(path),
    }
}

/// Whether there is a FUSE device that may be used; the helper's own message would not say so.
fn check_device() -> Result<(), MountError> {
    match File::options().read(true).write(true).open(DEVICE) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(MountError::NoDevice),
        Err(error) => Err(MountError::Device(error)),
    }
}

fn canonical(target: &Path) -> Result<PathBuf, MountError> {
    fs::canonicalize(target).map_err(|error| unusable(target, error))
}

fn unusable(target: &Path, source: io::Error) -> MountError {
    let target = target.to_owned();
    match Errno::from_io_error(&source) {
        Some(Errno::NOTCONN) => MountError::Stale(target),
        _ => MountError::Target { target, source },
    }
}

/// Whether the kernel's list of mounts has this path.
pub(crate) fn is_mount_point(path: &Path) -> bool {
    let Ok(list) = fs::read("/proc/self/mountinfo") else {
        return false;
    };
    let mut lines = list.split(|byte| *byte == b'\n');
    lines.any(|line| {
        let place = line.split(|byte| *byte == b' ').nth(4);
        place.is_some_and(|place| unescape(place) == path.as_os_str().as_bytes())
    })
}

/// Blanks and the like stand as three octal digits behind a backslash.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.first_chunk::<3>().filter(|_| *first == b'\\');
        let code = code.and_then(|digits| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 8).ok()
        });
        out.push(code.unwrap_or(*first));
        rest = if code.is_some() { &behind[3..] } else { behind };
    }
    out
}

#[derive(Clone, Copy)]
enum RootKind {
    Directory,
    File,
}

fn mount<F: Filesystem>(
    filesystem: F,
    target: PathBuf,
    root: RootKind,
) -> Result<Mounted, MountError> {
    check_device()?;
    let direct = rustix::process::geteuid().is_root();
    let connection = if direct {
        mount_directly(&target, root)?
    } else {
        let options = format!("ro,nosuid,nodev,default_permissions,fsname={NAME}");
        fusermount::mount(&target, &options).map_err(|source| MountError::Helper {
            target: target.clone(),
            source,
        })?
    };
    let mounted = Mounted {
        target,
        direct,
        state: Arc::default(),
    };
    let mut config = Config::default();
    config.n_threads = Some(THREADS);
    // Who may look is decided by the kernel, at whose door it stands.
    let session = Session::from_fd(filesystem, connection, SessionACL::All, config)
        .map_err(MountError::Session)?;
    let state = Arc::clone(&mounted.state);
    let serving = std::thread::Builder::new()
        .name("mount".to_string())
        .spawn(move || {
            let end = session.run();
            *lock(&state.ended) = Some(end.err());
            state.changed.notify_all();
        });
    serving.map_err(MountError::Session)?;
    Ok(mounted)
}

fn mount_directly(target: &Path, root: RootKind) -> Result<OwnedFd, MountError> {
    let device = File::options().read(true).write(true).open(DEVICE);
    let device = device.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NODEV | Errno::NXIO) => MountError::NoDevice,
        _ => MountError::Device(error),
    })?;
    let root = match root {
        RootKind::Directory => "40000",
        RootKind::File => "100000",
    };
    let options = format!(
        "fd={},rootmode={root},user_id={},group_id={},default_permissions",
        device.as_raw_fd(),
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let options = CString::new(options).expect("digits and commas have no NUL");
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount(NAME, target, "fuse", flags, options.as_c_str()).map_err(|error| {
        MountError::Kernel {
            target: target.to_owned(),
            source: error.into(),
        }
    })?;
    Ok(device.into())
}

/// A mount that is being served. Dropped, it is unmounted.
pub struct Mounted {
    target: PathBuf,
    direct: bool,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// How it ended, once it has.
    ended: Mutex<Option<Option<io::Error>>>,
    changed: Condvar,
}

impl Mounted {
    /// The mount point, without symbolic links.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Blocks until it was unmounted and its last user has gone. An error is told to the first who asks.
    pub fn wait(&self) -> io::Result<()> {
        let mut ended = lock(&self.state.ended);
        loop {
            match &mut *ended {
                Some(error) => return error.take().map_or(Ok(()), Err),
                None => {
                    let waited = self.state.changed.wait(ended);
                    ended = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// As [`Mounted::wait`], but not longer than `limit`; `false` if it is still in use then.
    pub fn wait_for(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut ended = lock(&self.state.ended);
        while ended.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.state.changed.wait_timeout(ended, left);
            ended = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Takes it out of the tree of files. Whoever has a file open keeps it until he closes it.
    pub fn unmount(&self) -> Result<(), MountError> {
        // Somebody else's mount may be there by now.
        if lock(&self.state.ended).is_some() {
            return Ok(());
        }
        let result = match self.direct {
            true => {
                rustix::mount::unmount(&self.target, UnmountFlags::DETACH).map_err(io::Error::from)
            }
            false => fusermount::unmount(&self.target).map_err(io::Error::other),
        };
        match result {
            Err(_) if !is_mount_point(&self.target) => Ok(()),
            result => result.map_err(|source| MountError::Unmount {
                target: self.target.clone(),
                source,
            }),
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_list_of_mounts() {
        for (text, expected) in [
            (&b"/a/b"[..], &b"/a/b"[..]),
            (b"/a\\040b", b"/a b"),
            (b"\\134\\012", b"\\\n"),
            (b"/end\\", b"/end\\"),
            (b"/x\\9zz", b"/x\\9zz"),
        ] {
            assert_eq!(unescape(text), expected);
        }
    }

    #[test]
    fn mount_points_are_known() {
        assert!(is_mount_point(Path::new("/proc")));
        assert!(!is_mount_point(Path::new("/proc/self")));
    }
}

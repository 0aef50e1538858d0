//! Loop devices: a file as a block device, read-only, with its partitions. Needs root.
//!
//! Which device shows which file is asked of `/sys`, so nothing has to be remembered and devices of other programs are seen too.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::sys;

const CONTROL: &str = "/dev/loop-control";
/// Times that another process may be faster in taking the device that was free.
const ATTEMPTS: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum LoopError {
    #[error("this machine has no loop devices ({CONTROL})")]
    NoControl(#[source] io::Error),
    #[error("cannot open {path:?}")]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot attach the image to {path:?}")]
    Attach {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no loop device is free")]
    NoneFree,
    #[error("cannot detach {path:?}")]
    Detach {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path:?} is in use: it is mounted on {mounted:?}")]
    InUse { path: PathBuf, mounted: PathBuf },
}

/// `/dev/loopN`.
pub fn path(number: u32) -> PathBuf {
    PathBuf::from(format!("/dev/loop{number}"))
}

/// Makes a file a block device and returns the device's number.
pub fn attach(file: &Path) -> Result<u32, LoopError> {
    let control = File::options().read(true).write(true).open(CONTROL);
    let control = control.map_err(LoopError::NoControl)?;
    let image = File::open(file).map_err(|source| LoopError::Open {
        path: file.to_owned(),
        source,
    })?;
    for _ in 0..ATTEMPTS {
        let number =
            sys::free_loop_device(&control).map_err(|error| LoopError::NoControl(error.into()))?;
        let path = path(number);
        let device = File::open(&path).map_err(|source| LoopError::Open {
            path: path.clone(),
            source,
        })?;
        match sys::configure_loop(&device, &image, file.as_os_str().as_bytes()) {
            Ok(()) => return Ok(number),
            Err(Errno::BUSY) => {}
            Err(error) => {
                return Err(LoopError::Attach {
                    path,
                    source: error.into(),
                });
            }
        }
    }
    Err(LoopError::NoneFree)
}

/// The device that shows a file.
pub fn find(file: &Path) -> io::Result<Option<u32>> {
    for entry in fs::read_dir("/sys/block")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("loop"));
        let Some(number) = number.and_then(|digits| digits.parse().ok()) else {
            continue;
        };
        if backing_file(number).is_some_and(|path| path == file) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The file that a device shows.
pub fn backing_file(number: u32) -> Option<PathBuf> {
    let path = format!("/sys/block/loop{number}/loop/backing_file");
    let text = fs::read(path).ok()?;
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(text)))
}

/// Takes the file from a device, unless the device or a partition of it is mounted. Where somebody has it open it goes with
/// him.
pub fn detach(number: u32) -> Result<(), LoopError> {
    let path = path(number);
    if let Some(mounted) = mount_point(&path) {
        return Err(LoopError::InUse { path, mounted });
    }
    let failed = |source| LoopError::Detach {
        path: path.clone(),
        source,
    };
    let device = File::open(&path).map_err(failed)?;
    match sys::clear_loop(&device) {
        // It has no file: somebody was faster.
        Err(Errno::NXIO) => Ok(()),
        other => other.map_err(|error| failed(error.into())),
    }
}

/// Where a device or one of its partitions is mounted.
fn mount_point(device: &Path) -> Option<PathBuf> {
    let list = fs::read_to_string("/proc/self/mounts").ok()?;
    let device = device.to_str()?;
    list.lines().find_map(|line| {
        let (source, rest) = line.split_once(' ')?;
        let behind = source.strip_prefix(device)?;
        let is_part = behind.strip_prefix('p').is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
        });
        let place = rest.split(' ').next()?;
        (behind.is_empty() || is_part).then(|| PathBuf::from(place))
    })
}

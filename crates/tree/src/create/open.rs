//! One member, opened so that it can be examined and read: its name, its descriptor, its data.
//!
//! Nothing here waits for another program or follows a symlink, and a member that changed its type since it was listed is
//! opened as what it is now.

use std::ffi::CStr;
use std::io::{self, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::path::Arg;

/// One member, open.
pub(super) struct Opened {
    pub(super) fd: OwnedFd,
    pub(super) stat: Stat,
}

/// Opens a member and examines it. Regular files and directories are opened for reading, all else only as a place. If it is
/// no longer what its directory claimed, it is opened again as what it is now.
pub(super) fn open_member(
    dir: BorrowedFd<'_>,
    name: &CStr,
    claimed: FileType,
) -> Result<Opened, Errno> {
    let mut readable = match claimed {
        FileType::Unknown => {
            let stat = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
            is_readable_type(FileType::from_raw_mode(stat.st_mode))
        }
        known => is_readable_type(known),
    };
    /// Something that changes its type this often while it is looked at is not there, for all we can say.
    const TRIES: usize = 8;
    for _ in 0..TRIES {
        let fd = if readable {
            open_for_reading(dir, name)
        } else {
            open_as_place(dir, name)
        };
        let fd = match fd {
            // Now a symlink, a socket or a device without driver: to be stored as what it is.
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) if readable => {
                readable = false;
                continue;
            }
            fd => fd?,
        };
        let stat = rustix::fs::fstat(&fd)?;
        if is_readable_type(FileType::from_raw_mode(stat.st_mode)) == readable {
            return Ok(Opened { fd, stat });
        }
        readable = !readable;
    }
    Err(Errno::NOENT)
}

fn is_readable_type(file_type: FileType) -> bool {
    matches!(file_type, FileType::RegularFile | FileType::Directory)
}

/// Never waits: a fifo that took the place of a file would otherwise hold the walk for ever.
pub(super) fn open_for_reading(
    dir: BorrowedFd<'_>,
    name: impl Arg + Copy,
) -> Result<OwnedFd, Errno> {
    let plain = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut flags = plain | OFlags::NOATIME | OFlags::NONBLOCK;
    loop {
        match rustix::fs::openat(dir, name, flags, Mode::empty()) {
            // Only the owner may read without a trace.
            Err(Errno::PERM) if flags.contains(OFlags::NOATIME) => flags -= OFlags::NOATIME,
            // Another program holds a lease on this regular file and gives it up when somebody waits.
            Err(Errno::AGAIN) if flags.contains(OFlags::NONBLOCK) => flags -= OFlags::NONBLOCK,
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

fn open_as_place(dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(
        dir,
        name,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

pub(super) fn is_directory(dir: &OwnedFd, name: &CStr, claimed: FileType) -> bool {
    match claimed {
        FileType::Unknown => rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
        known => known == FileType::Directory,
    }
}

/// A file's data, limited to the size that was stored before it.
pub(super) struct Data<'a> {
    fd: BorrowedFd<'a>,
    rest: u64,
    /// More came than was asked for.
    pub(super) grew: bool,
}

impl<'a> Data<'a> {
    pub(super) fn new(fd: BorrowedFd<'a>, size: u64) -> Data<'a> {
        Data {
            fd,
            rest: size,
            grew: false,
        }
    }

    /// Reads into `buf`. The last part is read together with one byte more, so that growth shows without another call.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = usize::try_from(self.rest).map_or(buf.len(), |rest| rest.min(buf.len()));
        let buf = &mut buf[..len];
        let n = match self.read_once(buf) {
            // Some file systems in user space take "never wait", which was meant for the opening, at its word.
            Err(Errno::AGAIN) => {
                rustix::fs::fcntl_setfl(self.fd, OFlags::empty())?;
                self.read_once(buf)?
            }
            result => result?,
        };
        self.grew |= n > len;
        let n = n.min(len);
        self.rest -= n as u64;
        Ok(n)
    }

    fn read_once(&self, buf: &mut [u8]) -> Result<usize, Errno> {
        if buf.is_empty() || (buf.len() as u64) < self.rest {
            return rustix::io::read(self.fd, buf);
        }
        let mut more = [0];
        rustix::io::readv(
            self.fd,
            &mut [IoSliceMut::new(buf), IoSliceMut::new(&mut more)],
        )
    }
}

/// A member's name, copied out of its listing without an allocation.
pub(super) struct Name {
    bytes: [u8; 256],
    long: Vec<u8>,
    len: usize,
}

impl Name {
    pub(super) fn copy(name: &CStr) -> Name {
        let with_nul = name.to_bytes_with_nul();
        let mut copy = Name {
            bytes: [0; 256],
            long: Vec::new(),
            len: with_nul.len(),
        };
        match copy.bytes.get_mut(..with_nul.len()) {
            Some(place) => place.copy_from_slice(with_nul),
            None => copy.long = with_nul.to_vec(),
        }
        copy
    }

    fn with_nul(&self) -> &[u8] {
        if self.long.is_empty() {
            &self.bytes[..self.len]
        } else {
            &self.long
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.with_nul()[..self.len - 1]
    }

    pub(super) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_with_nul(self.with_nul()).unwrap_or_default()
    }
}

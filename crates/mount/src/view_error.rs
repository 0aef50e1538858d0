//! Why a view has no answer: which number the kernel gets, and what its user hears.

use std::io;
use std::sync::Arc;

use fuser::Errno;
use pxar::AccessError;

/// Longest name, in bytes, that every kernel takes from us; one beyond would make it refuse the whole listing.
pub const NAME_LEN_MAX: usize = 1024;

/// Why the kernel gets an error number instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error("there is no member of that name")]
    NoSuchName,
    #[error("inode {0:#x} is not known")]
    Stale(u64),
    #[error("this is a directory")]
    IsADirectory,
    #[error("this is no directory")]
    NotADirectory,
    #[error("this is no regular file")]
    NotAFile,
    #[error("this is no symbolic link")]
    NotASymlink,
    #[error("there is no attribute of that name")]
    NoSuchAttribute,
    #[error(
        "a file's name is longer than {NAME_LEN_MAX} bytes and cannot be shown, it is left out: {0:?}..."
    )]
    NameTooLong(String),
    #[error("members of a directory are damaged and left out")]
    Incomplete,
    #[error("cannot read the archive's table of contents")]
    Archive(#[source] AccessError),
    #[error("cannot read a file's data")]
    Data(#[source] io::Error),
}

impl ViewError {
    pub fn errno(&self) -> Errno {
        match self {
            ViewError::NoSuchName => Errno::ENOENT,
            ViewError::Stale(_) => Errno::ESTALE,
            ViewError::IsADirectory => Errno::EISDIR,
            ViewError::NotADirectory => Errno::ENOTDIR,
            ViewError::NotAFile => Errno::EBADF,
            ViewError::NotASymlink => Errno::EINVAL,
            ViewError::NoSuchAttribute => Errno::ENODATA,
            ViewError::NameTooLong(_) => Errno::ENAMETOOLONG,
            ViewError::Incomplete | ViewError::Archive(_) | ViewError::Data(_) => Errno::EIO,
        }
    }

    /// Whether the archive is damaged or out of reach, which its user should hear of and has not.
    pub fn is_failure(&self) -> bool {
        matches!(self, ViewError::Archive(_) | ViewError::Data(_))
    }

    /// Whether the archive's bytes are there, but wrong: then asking for others makes sense.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, ViewError::Archive(error) if !error.is_io())
    }
}

/// Hears what is wrong; whoever reads is only told that something is.
pub type Complain = Arc<dyn Fn(&ViewError) + Send + Sync>;

impl From<AccessError> for ViewError {
    fn from(error: AccessError) -> ViewError {
        ViewError::Archive(error)
    }
}

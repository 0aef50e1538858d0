//! What can go wrong with configuration files.
//!
//! Texts that the original has are kept to the letter, since command lines and API answers show them.

use std::io;
use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `lock`, `replace`, ...
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file belongs to somebody who must not decide what the server does.
    #[error("{} belongs to user id {owner}, but user id {user} runs this; change the owner, or choose another directory", path.display())]
    Owner {
        /// Which one.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// Somebody else held the lock for the whole time limit.
    #[error("cannot lock {} within {seconds} s: another process is changing the configuration, try again", path.display())]
    LockTimeout {
        /// The lock file.
        path: PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// A folder, a FIFO or the like stands where a file should.
    #[error("{} is not a regular file; remove it, or put the file back", .0.display())]
    NotAFile(PathBuf),
    /// A link stands where a file should, and leads nowhere.
    #[error("{} is a link to {}, which is not there; put back what it leads to (its file system may not be mounted), or remove the link", path.display(), target.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// What is written in it.
        target: PathBuf,
    },
    /// A key or certificate is a link: what it leads to is somebody else's to replace.
    #[error("{} is a link to {}, and keys are never written through a link; put the new ones there, or remove the link", path.display(), target.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// What is written in it.
        target: PathBuf,
    },
    /// One half of a pair of keys is missing. New ones would destroy the other.
    #[error("{} is missing, and {} is there; put it back from a copy, or move the other one away as well to get a new pair", missing.display(), there.display())]
    Half {
        /// What is not there.
        missing: PathBuf,
        /// What is.
        there: PathBuf,
    },
    /// The file is larger than any sensible configuration.
    #[error("{} is larger than {limit} bytes; no configuration is that large, put the file back from a copy", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The content is malformed. The whole file is refused.
    #[error("parsing {file:?} failed: line {line} - {reason}")]
    Parse {
        /// Name of the file.
        file: String,
        /// Line number from 1; 0 if the whole is meant.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A value cannot be written: it would not be read back.
    #[error("writing {file:?} failed: {reason}")]
    Print {
        /// Name of the file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The caller's digest is not that of the file.
    #[error("detected modified configuration - file changed by other user? Try again.")]
    Modified,
    /// A key or a certificate is unusable.
    #[error("{what}: {reason}")]
    Key {
        /// Which one.
        what: String,
        /// Why.
        reason: String,
    },
}

impl ConfigError {
    /// Wraps an I/O error with what was tried.
    pub fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> ConfigError {
        let path = path.into();
        move |source| ConfigError::Io {
            action,
            path,
            source,
        }
    }
}

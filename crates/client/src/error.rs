//! What can go wrong in a backup or a restore, as situations. The archive concerned is named by the outermost error; causes stay in
//! `source()`.

use std::io;
use std::path::PathBuf;

use format::{ArchiveName, BlobError, Digest, IndexError, ManifestError};

pub use crate::pool::Stopped;
use crate::subtree::SubtreeError;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused, or is out of reach.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// One archive of several could not be stored; the snapshot is given up.
    #[error("cannot back up {archive}")]
    Backup {
        archive: ArchiveName,
        source: Box<Error>,
    },
    /// An archive of the snapshot could not be read back.
    #[error("cannot restore {archive}")]
    Restore {
        archive: ArchiveName,
        source: Box<Error>,
    },
    #[error("cannot {action} {}", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} is neither a regular file nor a block device", path.display())]
    NotAnImage { path: PathBuf },
    #[error("{} is empty; an empty image cannot be stored", path.display())]
    EmptyImage { path: PathBuf },
    #[error("{} became shorter while it was read", path.display())]
    ImageShrank { path: PathBuf },
    #[error("{} has more than {max_bytes} bytes", path.display())]
    FileTooLarge { path: PathBuf, max_bytes: u64 },
    #[error("{archive} is given twice")]
    Twice { archive: ArchiveName },
    #[error("{archive} is not the name of {wanted}")]
    WrongName {
        archive: ArchiveName,
        wanted: &'static str,
    },
    #[error("Got unsupported chunk size '{size}'")]
    ChunkSize { size: usize },
    #[error(transparent)]
    Create(#[from] tree::CreateError),
    #[error(transparent)]
    Extract(#[from] tree::ExtractError),
    #[error("cannot read the archive")]
    Tree(#[from] pxar::AccessError),
    /// A part of an archive could not be passed on.
    #[error(transparent)]
    Part(SubtreeError),
    #[error("cannot write the catalog")]
    Catalog(#[from] format::catalog::CatalogError),
    #[error("cannot seal the data")]
    Seal { source: crypto::CryptoError },
    /// A chunk came damaged, or with the wrong key.
    #[error("chunk {digest} cannot be opened")]
    Open {
        digest: Digest,
        source: crypto::CryptoError,
    },
    #[error("chunk {digest} has {found} bytes, the index says {expected}")]
    ChunkLength {
        digest: Digest,
        expected: u64,
        found: u64,
    },
    #[error("chunk {digest} is {found}, but the manifest says {expected}")]
    ChunkMode {
        digest: Digest,
        expected: &'static str,
        found: &'static str,
    },
    #[error("the blob cannot be opened")]
    OpenBlob { source: crypto::CryptoError },
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Signature or key do not fit.
    #[error(transparent)]
    Trust(#[from] crypto::manifest::ManifestCheckError),
    #[error("the manifest is of {found}, not of {wanted}")]
    OtherSnapshot { wanted: String, found: String },
    /// The server's file is not the one that the manifest lists.
    #[error("{archive} is not as the manifest says: its {what} differs")]
    NotAsListed {
        archive: ArchiveName,
        what: &'static str,
    },
    #[error("cannot write the data out")]
    Output { source: io::Error },
    /// The connection broke, and the server could not be reached again in time.
    #[error("the server has been out of reach for {seconds} s")]
    OutOfReach {
        seconds: u64,
        source: std::sync::Arc<Error>,
    },
    /// The run was given up; the cause is reported elsewhere.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("cannot start another thread; the limit of processes may be too low (`ulimit -u`)")]
    Thread { source: io::Error },
    /// A bug: a thread of ours ended without a result.
    #[error("a worker thread failed; this is a bug")]
    Worker,
}

impl From<SubtreeError> for Error {
    fn from(error: SubtreeError) -> Error {
        match error {
            SubtreeError::Archive(error) => Error::Tree(error),
            SubtreeError::Extract(error) => Error::Extract(error),
            other => Error::Part(other),
        }
    }
}

impl Error {
    pub(crate) fn in_backup(self, archive: &ArchiveName) -> Error {
        match self {
            named @ (Error::Backup { .. } | Error::Stopped(_)) => named,
            other => Error::Backup {
                archive: archive.clone(),
                source: Box::new(other),
            },
        }
    }

    pub(crate) fn in_restore(self, archive: &ArchiveName) -> Error {
        match self {
            named @ (Error::Restore { .. } | Error::Stopped(_)) => named,
            other => Error::Restore {
                archive: archive.clone(),
                source: Box::new(other),
            },
        }
    }
}

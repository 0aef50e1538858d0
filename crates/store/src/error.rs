//! What can go wrong with a datastore, its groups and its snapshots, apart from single chunks and open sessions.
//!
//! Where a client of the original can see a text, the text is the original's.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use format::{
    AuthId, BlobError, Group, IndexError, ManifestError, Namespace, NamespaceError, Snapshot,
};

use crate::chunk::ChunkError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open datastore {name:?}: {missing:?} is missing")]
    NotADatastore { name: String, missing: PathBuf },
    #[error("{path:?} cannot become a datastore: {reason}")]
    BadPlace { path: PathBuf, reason: &'static str },
    #[error("{path:?} cannot become a datastore: it is a datastore already")]
    DatastoreAlready { path: PathBuf },

    /// The watch ended it.
    #[error("stopped")]
    Stopped,

    #[error("namespace not found")]
    NoNamespace { ns: Namespace },
    #[error("cannot create new namespace, parent {parent} doesn't already exists")]
    NoParentNamespace { parent: Namespace },
    #[error("Cannot create/delete root namespace!")]
    RootNamespace,
    #[error("only partially deleted due to existing groups but `delete-groups` not true ")]
    NamespaceNotEmpty { ns: Namespace },
    #[error(transparent)]
    NamespaceName(#[from] NamespaceError),
    #[error("{path:?} is no namespace")]
    BadNamespaceDir {
        path: PathBuf,
        source: NamespaceError,
    },

    #[error("group {group} does not exist.")]
    NoGroup { group: Group },
    #[error(
        "it cannot be told who owns group {group}: {path:?} is missing or names no user; write the owner into it, such as root@pam"
    )]
    BadOwner { group: Group, path: PathBuf },
    #[error("the owner of group {group} was changed meanwhile, to {owner}; try again")]
    OwnerChanged { group: Group, owner: AuthId },
    #[error("snapshot {snapshot} does not exist.")]
    NoSnapshot { snapshot: Snapshot },
    #[error("failed to delete snapshot - cannot remove protected snapshot")]
    Protected { snapshot: Snapshot },
    #[error("backup already contains a log.")]
    LogExists,

    #[error("unable to acquire lock on {object} - it is in use")]
    Locked { object: String },
    #[error("another process is collecting garbage in {path:?}, or still writes a backup there")]
    ProcessLocked { path: PathBuf },

    #[error("unable to load blob '{path:?}' - {source}")]
    LoadBlob { path: PathBuf, source: io::Error },
    #[error("{path:?} is damaged")]
    BadBlob { path: PathBuf, source: BlobError },
    #[error(transparent)]
    Blob(BlobError),
    #[error("{path:?} has {size} bytes, more than the {max} that are read")]
    TooLarge { path: PathBuf, size: u64, max: u64 },
    #[error("manifest {path:?} cannot be read")]
    BadManifest {
        path: PathBuf,
        source: ManifestError,
    },
    #[error("Unable to open {kind} index {path:?} - {source}")]
    OpenIndex {
        kind: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("index {path:?} is damaged")]
    BadIndex { path: PathBuf, source: IndexError },
    #[error("open file {path:?} failed - not found")]
    NoFile { path: PathBuf },

    #[error(
        "no space left on the datastore while writing {path:?}; free some space, or run garbage collection"
    )]
    NoSpace { path: PathBuf, source: io::Error },
    #[error("cannot {action} {path:?}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

impl StoreError {
    /// Wraps an I/O error with what was tried and where; a full disk is a situation of its own.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                StoreError::NoSpace { path, source }
            }
            _ => StoreError::Io {
                action,
                path,
                source,
            },
        }
    }

    /// Whether the disk cannot be written.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, StoreError::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem)
    }
}

/// An error and what caused it, on one line, for logs. A cause that the error's own text ends with is not repeated.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

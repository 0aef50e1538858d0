//! Backup and restore as pipelines between a machine and a server.
//!
//! [`backup()`] makes a snapshot of trees, images and small files; [`Restore`] reads one back; [`admin`] holds the thin calls for listing
//! and housekeeping. Sealing and opening run on all cores, the connection is one task, and memory is bounded whatever the size of the
//! data (see `budget`). Blocking and async meet in `pump` and `read_at` only. Nothing is printed: a watch hears what happens.

pub mod browse;
mod budget;
pub mod compare;
mod pool;
pub mod recover;
pub mod subtree;

mod leftover;

mod claims;
mod error;
mod ordered;
mod queue;

mod patience;

mod options;

mod watch;

mod assembly;
mod cut;
mod image;
mod pump;

mod names;
mod previous;
mod request;
mod seal;

mod link;

mod crew;
mod fetch;
mod new_image;
mod pipe;
mod small;
mod upload;

mod read_at;

pub mod admin;
mod restore;
mod walk;

mod backup;
mod open_tree;

pub use backup::backup;
pub use error::{Error, Stopped};
pub use format::Parts;
pub use open_tree::open_tree;
pub use options::{BackupOptions, Detection, Place, Protection, Source, SourceKind};
pub use patience::{Outage, Patience};
pub use pump::run_blocking;
pub use read_at::{ArchiveCursor, RemoteArchive};
pub use restore::Restore;
pub use watch::{
    ArchiveStats, BackupReport, BackupWatch, Counters, Notice, RestoreStats, RestoreWatch,
};

//! A datastore on disk: chunks, groups, snapshots, locks, and one open backup at a time per group.
//!
//! Blocking, and without a global: where things lie, how durable they are and who looks on are arguments. It never sees a key, a
//! configuration file or HTTP. The layout and the locks are drawn in `docs/formats/datastore.md`.
//! Start with [`Datastore`]; a backup is a [`Session`]; chunks hide behind [`ChunkStore`].

mod sys;

mod clock;
mod layout;
mod options;
mod owner;
mod prune;
mod watch;

mod chunk;
mod scratch;

mod error;

mod files;
mod index_file;

mod locks;

mod local;
pub mod suite;
mod upload;

mod datastore;

mod uploads;

mod gc;
mod session;
mod space;
mod verify;

pub use chunk::{
    ChunkError, ChunkStore, Epoch, InsertPlan, Inserted, Look, Part, SweepReport, check_loaded,
    parse_new, plan_insert,
};
pub use datastore::{
    Counts, Datastore, ForgetReport, Made, MoveError, NamespaceMove, NamespaceMoved, Pruned,
    SnapshotDir, SnapshotInfo, TypeCount, Usage,
};
pub use error::StoreError;
pub use gc::{GcError, GcOptions, GcReport};
pub use index_file::IndexFileError;
pub use local::LocalChunks;
pub use locks::{LockGuard, ProcessLockGuard};
pub use options::{ChunkOrder, Options, SyncLevel};
pub use prune::{Candidate, Keep, Mark, plan as plan_prune};
pub use session::{
    BeginError, CloseStats, PreviousFile, Session, SessionError, UploadedBefore, WriterKind,
};
pub use space::{
    GroupSpace, NamespaceSpace, SnapshotSpace, Space, SpaceError, SpaceOptions, SpaceReport,
};
pub use upload::UploadError;
pub use uploads::Uploads;
pub use verify::{VerifyFilter, VerifyMemory, VerifyOutcome, VerifyReport, VerifyScope};
pub use watch::{Unwatched, Watch};

//! Moving groups and namespaces to another place of the same datastore (server.md 6.4).
//!
//! A snapshot moves by one rename, the oldest first, so whoever is killed in between leaves two valid groups, and the same move made again,
//! with merging, ends what was begun. Nobody uses what moves: both groups and every snapshot are locked exclusively. A collection that runs meanwhile
//! finds in the [`journal`] where indexes went.

mod group;
pub(crate) mod journal;
mod namespace;

use format::{AuthId, BackupTime, Group, Namespace};

use crate::error::StoreError;

pub use namespace::{NamespaceMove, NamespaceMoved};

/// Why something was not moved, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("group {group} is in namespace '{ns}' already")]
    SamePlace { group: Group, ns: Namespace },
    #[error("target namespace '{ns}' does not exist; create it first")]
    NoTarget { ns: Namespace },
    #[error(
        "group {group} exists in namespace '{ns}' already, and merging is not wanted; a move that broke off is ended with merging"
    )]
    Exists { group: Group, ns: Namespace },
    #[error(
        "group {group} belongs to '{target}' in the target namespace, but to '{source_owner}' in the source; change one owner first"
    )]
    OtherOwner {
        group: Group,
        source_owner: Box<AuthId>,
        target: Box<AuthId>,
    },
    #[error(
        "snapshot {oldest} of group {group} is not newer than {newest}, the newest in the target namespace; forget one of them first"
    )]
    NotNewer {
        group: Group,
        oldest: BackupTime,
        newest: BackupTime,
    },
    #[error("root namespace cannot be moved")]
    Root,
    #[error("namespace '{target}' lies in '{ns}', which cannot be moved into itself")]
    IntoItself { ns: Namespace, target: Namespace },
    #[error(
        "namespace '{ns}' would move to '{target}', from where others move away; choose another target"
    )]
    Overlap { ns: Namespace, target: Namespace },
    #[error("namespace '{ns}' cannot be moved there: {reason}")]
    BadTarget { ns: Namespace, reason: String },
    #[error("{failed} of {all} groups stayed where they were")]
    Partial { failed: u64, all: u64 },
    #[error("the move was stopped")]
    Stopped,
    #[error(transparent)]
    Store(#[from] StoreError),
}

//! Verify: reads what a snapshot is made of and compares it with the manifest (formats.md 10).

use std::collections::HashSet;

use format::{AuthId, Digest, Group, Namespace, Snapshot};

use crate::datastore::Datastore;
use crate::error::StoreError;
use crate::watch::Watch;

/// What a run has seen already; shared over all snapshots of one task, so that each chunk is read once.
#[derive(Debug, Default)]
pub struct VerifyMemory {
    verified: HashSet<Digest>,
    corrupt: HashSet<Digest>,
}

/// What became of one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyOutcome {
    Ok,
    Failed,
    /// Not looked at: the filter said no, it is locked, or it is gone.
    Skipped,
    /// The watch ended it before the end; nothing was stored.
    Stopped,
}

/// Which snapshots are looked at again (formats.md 10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyFilter {
    /// Every one.
    All,
    /// Those never verified.
    Unverified,
    /// Those never verified, or verified more than `days` days before `now` (Unix seconds).
    Outdated { days: i64, now: i64 },
}

/// Where a run goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyScope {
    pub ns: Namespace,
    /// Levels of namespaces below `ns`; nothing for all.
    pub max_depth: Option<usize>,
    /// Only this group, of `ns` alone.
    pub group: Option<Group>,
    /// Only groups that this caller may continue.
    pub owned_by: Option<AuthId>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    pub verified: u64,
    pub skipped: u64,
    /// Snapshots with errors.
    pub failed: Vec<(Namespace, Snapshot)>,
    /// Groups and namespaces that could not be listed; the reasons are in the log.
    pub unlisted: u64,
    pub stopped: bool,
}

impl Datastore {
    /// Verifies one snapshot and stores the result in its manifest under `upid`.
    pub fn verify_snapshot(
        &self,
        ns: &Namespace,
        snapshot: &Snapshot,
        filter: VerifyFilter,
        memory: &mut VerifyMemory,
        upid: &str,
        watch: &dyn Watch,
    ) -> Result<VerifyOutcome, StoreError> {
        let _ = (
            ns,
            snapshot,
            filter,
            &memory.verified,
            &memory.corrupt,
            upid,
            watch,
        );
        unimplemented!()
    }

    /// Verifies all snapshots of a scope, group by group, the newest first.
    pub fn verify_all(
        &self,
        scope: &VerifyScope,
        filter: VerifyFilter,
        upid: &str,
        watch: &dyn Watch,
    ) -> VerifyReport {
        let _ = (scope, filter, upid, watch);
        unimplemented!()
    }
}

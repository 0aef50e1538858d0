//! Removing snapshots and groups (formats.md 1.8). Chunks stay; a sweep takes those that nothing names any more.

use std::fs;
use std::ops::AddAssign;
use std::path::Path;

use format::{ArchiveName, Group, Namespace, Snapshot};

use super::{Datastore, SnapshotDir};
use crate::error::StoreError;
use crate::files;
use crate::layout::{LockObject, NOTES, OWNER};
use crate::locks::{LockGuard, LockMode};

/// What a removal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForgetReport {
    pub removed_groups: u64,
    pub removed_snapshots: u64,
    pub protected_snapshots: u64,
}

impl AddAssign for ForgetReport {
    fn add_assign(&mut self, other: ForgetReport) {
        self.removed_groups += other.removed_groups;
        self.removed_snapshots += other.removed_snapshots;
        self.protected_snapshots += other.protected_snapshots;
    }
}

impl Datastore {
    /// Removes a snapshot, and its group if that was the last one. Refused if it is protected, read, written, or the base of a backup
    /// that runs.
    pub fn forget_snapshot(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<(), StoreError> {
        let dir = self.snapshot(ns, snapshot)?;
        remove_snapshot(&dir)?;
        // Somebody who holds the group is about to write to it; then it stays.
        if let Some(guard) = self.try_lock_group(ns, &snapshot.group)? {
            self.remove_if_empty(ns, &snapshot.group, guard)?;
        }
        Ok(())
    }

    /// Removes all snapshots of a group that are not protected, and the group unless one is. Stops at a snapshot that is in use.
    pub fn forget_group(&self, ns: &Namespace, group: &Group) -> Result<ForgetReport, StoreError> {
        let guard = self
            .try_lock_group(ns, group)?
            .ok_or_else(|| StoreError::Locked {
                object: format!("backup group {group}"),
            })?;
        let mut report = ForgetReport::default();
        let times = match self.snapshot_times(ns, group) {
            Err(error @ StoreError::NoGroup { .. }) => {
                guard.remove();
                return Err(error);
            }
            times => times?,
        };
        for time in times {
            match self
                .snapshot(ns, &group.at(time))
                .and_then(|dir| remove_snapshot(&dir))
            {
                Ok(()) => report.removed_snapshots += 1,
                Err(StoreError::Protected { .. }) => report.protected_snapshots += 1,
                Err(StoreError::NoSnapshot { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if report.protected_snapshots == 0 {
            let dir = self.group_path(ns, group);
            fs::remove_dir_all(&dir).map_err(StoreError::io("remove", &dir))?;
            guard.remove();
            report.removed_groups = 1;
        }
        Ok(report)
    }

    pub(crate) fn try_lock_group(
        &self,
        ns: &Namespace,
        group: &Group,
    ) -> Result<Option<LockGuard>, StoreError> {
        self.locks()
            .try_lock(ns, LockObject::Group(group), LockMode::Exclusive)
    }

    /// Removes a group that holds nothing but its owner, its notes and the rest of unfinished writes. Lets go of its lock.
    pub(crate) fn remove_if_empty(
        &self,
        ns: &Namespace,
        group: &Group,
        guard: LockGuard,
    ) -> Result<(), StoreError> {
        let dir = self.group_path(ns, group);
        let entries = files::list(&dir)?;
        let is_own = |name: &str| {
            [OWNER, NOTES].iter().any(|own| {
                name.strip_prefix(own)
                    .is_some_and(|rest| rest.is_empty() || is_temp(rest))
            })
        };
        if !entries
            .iter()
            .all(|(name, kind)| kind.is_file() && is_own(name))
        {
            return Ok(());
        }
        for (name, _) in &entries {
            files::remove_file(&dir.join(name))?;
        }
        // Whoever made a file here meanwhile keeps it.
        if fs::remove_dir(&dir).is_ok() || !dir.exists() {
            guard.remove();
        }
        Ok(())
    }
}

fn is_temp(ending: &str) -> bool {
    ending.starts_with(".tmp_")
}

/// Removes one snapshot that nobody uses and nobody protects, with its lock files.
fn remove_snapshot(dir: &SnapshotDir) -> Result<(), StoreError> {
    let lock = dir.lock(LockMode::Exclusive)?;
    let manifest_lock = dir.lock_manifest()?;
    if dir.protected() {
        return Err(StoreError::Protected {
            snapshot: dir.snapshot().clone(),
        });
    }
    remove_snapshot_files(dir.path())?;
    manifest_lock.remove();
    lock.remove();
    Ok(())
}

/// Removes a snapshot's directory, the manifest first: what a power cut leaves of it is an unfinished snapshot, not a damaged one.
pub(crate) fn remove_snapshot_files(path: &Path) -> Result<(), StoreError> {
    files::remove_file(&path.join(ArchiveName::MANIFEST))?;
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

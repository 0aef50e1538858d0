//! How a backup begins: namespace, group, owner, base, directory, each with its lock, in this order (formats.md 1.6, protocol.md 3.1).
//!
//! Whatever fails leaves things as they were: a group that was made for this backup is removed again.

use std::fs;
use std::io;
use std::path::Path;

use format::manifest::VerifyStateKind;
use format::{AuthId, BackupType, Group, Namespace, Snapshot};

use super::error::BeginError;
use super::{Locks, Session};
use crate::datastore::{Datastore, SnapshotDir};
use crate::error::StoreError;
use crate::layout::{LockObject, OWNER};
use crate::locks::{LockGuard, LockMode};
use crate::owner;

impl Datastore {
    /// Opens a backup for `caller`. `benchmark` is for `host/benchmark` alone, and such a backup never stays.
    pub fn begin(
        &self,
        ns: &Namespace,
        snapshot: &Snapshot,
        caller: &AuthId,
        benchmark: bool,
    ) -> Result<Session, BeginError> {
        if !self.namespace_exists(ns) {
            return Err(BeginError::NoNamespace);
        }
        let is_benchmark_group =
            snapshot.group.ty == BackupType::Host && snapshot.group.id.as_str() == "benchmark";
        match (is_benchmark_group, benchmark) {
            (true, false) => return Err(BeginError::BenchmarkFlagMissing),
            (false, true) => return Err(BeginError::BenchmarkFlagMisplaced),
            _ => {}
        }
        let group = OpenGroup::open(self, ns, &snapshot.group, caller)?;
        if !benchmark {
            group.check_owner(caller)?;
        }
        let base = find_base(self, ns, snapshot)?;
        let (base, base_lock) = base.map_or((None, None), |(dir, lock)| (Some(dir), Some(lock)));
        let snapshot_lock = create_dir(self, ns, snapshot)?;
        let process = match self.lock_writing() {
            Ok(process) => process,
            Err(error) => {
                let _ = fs::remove_dir(self.snapshot_path(ns, snapshot));
                snapshot_lock.remove();
                return Err(error.into());
            }
        };
        self.doubt_marks();
        let (group, group_is_new) = group.keep();
        let locks = Locks {
            group,
            snapshot: snapshot_lock,
            _base: base_lock,
            _process: process,
        };
        Ok(Session::new(
            self.clone(),
            ns.clone(),
            snapshot.clone(),
            base,
            locks,
            group_is_new,
            benchmark,
        ))
    }
}

/// A group that is locked and has an owner; removed again when dropped if it was made here.
struct OpenGroup<'a> {
    store: &'a Datastore,
    ns: &'a Namespace,
    group: &'a Group,
    is_new: bool,
    lock: Option<LockGuard>,
}

impl<'a> OpenGroup<'a> {
    fn open(
        store: &'a Datastore,
        ns: &'a Namespace,
        group: &'a Group,
        caller: &AuthId,
    ) -> Result<OpenGroup<'a>, BeginError> {
        let path = store.group_path(ns, group);
        let lock = store
            .try_lock_group(ns, group)?
            .ok_or_else(|| BeginError::GroupBusy { path: path.clone() })?;
        let is_new = make_dir(&path)?;
        let mut open = OpenGroup {
            store,
            ns,
            group,
            is_new,
            lock: Some(lock),
        };
        // A power cut may have come between directory and owner.
        if is_new || !path.join(OWNER).exists() && store.snapshot_times(ns, group)?.is_empty() {
            open.is_new = true;
            store.set_owner(ns, group, caller)?;
        }
        Ok(open)
    }

    fn check_owner(&self, caller: &AuthId) -> Result<(), BeginError> {
        let owner = self.store.owner(self.ns, self.group)?;
        if owner.owns(caller) {
            return Ok(());
        }
        Err(BeginError::Owner {
            caller: Box::new(caller.clone()),
            owner: Box::new(owner),
        })
    }

    /// The lock, and whether the group was made here.
    fn keep(mut self) -> (LockGuard, bool) {
        (self.lock.take().expect("taken here only"), self.is_new)
    }
}

impl Drop for OpenGroup<'_> {
    fn drop(&mut self) {
        if let (Some(lock), true) = (self.lock.take(), self.is_new) {
            // The error that brought us here is the one to tell of.
            let _ = self.store.remove_if_empty(self.ns, self.group, lock);
        }
    }
}

/// Makes a group's directory and, if needed, that of its type; tells whether it is new.
fn make_dir(path: &Path) -> Result<bool, StoreError> {
    let make = || owner::make_folder(path, 0o755);
    let made = match make() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().expect("a group lies below its type");
            match owner::make_folder(parent, 0o755) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(StoreError::io("create", parent)(error));
                }
                _ => make(),
            }
        }
        made => made,
    };
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StoreError::io("create", path)(error)),
    }
}

/// The newest finished snapshot, locked, unless its last verification failed.
fn find_base(
    store: &Datastore,
    ns: &Namespace,
    snapshot: &Snapshot,
) -> Result<Option<(SnapshotDir, LockGuard)>, BeginError> {
    let Some(last) = store.last_finished(ns, &snapshot.group)? else {
        return Ok(None);
    };
    let (manifest, _) = last.manifest()?;
    // A state that cannot be read says nothing against the snapshot.
    if manifest
        .verify_state()
        .ok()
        .flatten()
        .is_some_and(|verify| verify.state == VerifyStateKind::Failed)
    {
        return Ok(None);
    }
    if snapshot.time <= last.snapshot().time {
        return Err(BeginError::NotNewer {
            last: last.snapshot().clone(),
        });
    }
    match last.lock_shared() {
        Ok(lock) => Ok(Some((last, lock))),
        Err(StoreError::Locked { .. } | StoreError::NoSnapshot { .. }) => {
            Err(BeginError::BaseBusy {
                snapshot: last.snapshot().clone(),
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the new snapshot's directory under its lock.
fn create_dir(
    store: &Datastore,
    ns: &Namespace,
    snapshot: &Snapshot,
) -> Result<LockGuard, BeginError> {
    let path = store.snapshot_path(ns, snapshot);
    let exists = || BeginError::Exists {
        snapshot: snapshot.clone(),
    };
    let lock = store
        .locks()
        .try_lock(ns, LockObject::Snapshot(snapshot), LockMode::Exclusive)?;
    let Some(lock) = lock else {
        return Err(if path.exists() {
            exists()
        } else {
            BeginError::SnapshotBusy {
                snapshot: snapshot.clone(),
            }
        });
    };
    // An empty one is what a server that was killed left of a session without any writer; nobody else can have it, as the lock is ours.
    let make = || match owner::make_folder(&path, 0o755) {
        Err(error)
            if error.kind() == io::ErrorKind::AlreadyExists && fs::remove_dir(&path).is_ok() =>
        {
            owner::make_folder(&path, 0o755)
        }
        made => made,
    };
    match make() {
        Ok(()) => Ok(lock),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists()),
        Err(error) => Err(StoreError::io("create", &path)(error).into()),
    }
}

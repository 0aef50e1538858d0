//! Moves one group: the target gets an owner, then the snapshots batch by batch, then the notes; what is left of the source goes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use format::{ArchiveKind, BackupTime, Group, Namespace};

use super::MoveError;
use super::journal::Journal;
use crate::datastore::{Datastore, SnapshotDir};
use crate::error::StoreError;
use crate::files::{self, Durable};
use crate::layout::{NOTES, OWNER, relative};
use crate::locks::{LockGuard, LockMode};
use crate::owner;
use crate::watch::Watch;

/// So many snapshots are locked at the same time; each lock is an open file.
const BATCH: usize = 64;

impl Datastore {
    /// Moves a group to another namespace, which must exist. If it has such a group already, `merge` adds to it, provided that both have one
    /// owner and all that comes is newer. Fails at once if somebody uses either group or one of the snapshots; what was moved by then stays
    /// moved. Looks at `watch` between all steps.
    pub fn move_group(
        &self,
        ns: &Namespace,
        group: &Group,
        target: &Namespace,
        merge: bool,
        watch: &dyn Watch,
    ) -> Result<u64, MoveError> {
        if ns == target {
            let (group, ns) = (group.clone(), ns.clone());
            return Err(MoveError::SamePlace { group, ns });
        }
        if !self.namespace_exists(target) {
            return Err(MoveError::NoTarget { ns: target.clone() });
        }
        let _writing = self.lock_writing()?;
        let locked = |ns| -> Result<LockGuard, MoveError> {
            let object = format!("backup group {}", relative(ns, &group.to_string()));
            let guard = self.try_lock_group(ns, group)?;
            Ok(guard.ok_or(StoreError::Locked { object })?)
        };
        let source_lock = locked(ns)?;
        if !self.group_exists(ns, group) {
            source_lock.remove();
            let group = group.clone();
            return Err(StoreError::NoGroup { group }.into());
        }
        let _target_lock = locked(target)?;
        let way = Way {
            store: self,
            ns,
            group,
            target,
            watch,
        };
        let times = self.snapshot_times(ns, group)?;
        way.prepare_target(&times, merge)?;
        for batch in times.chunks(BATCH) {
            way.move_batch(batch)?;
        }
        way.move_notes()?;
        way.step()?;
        self.remove_if_empty(ns, group, source_lock)?;
        if self.group_exists(ns, group) {
            let path = self.group_path(ns, group);
            watch.warn(&format!("kept {path:?}: there are other files in it"));
        }
        Ok(times.len() as u64)
    }
}

/// A move whose groups are locked.
struct Way<'a> {
    store: &'a Datastore,
    ns: &'a Namespace,
    group: &'a Group,
    target: &'a Namespace,
    watch: &'a dyn Watch,
}

/// A snapshot that nobody else uses.
struct Held {
    dir: SnapshotDir,
    to: PathBuf,
    lock: LockGuard,
    manifest: LockGuard,
}

impl Way<'_> {
    fn step(&self) -> Result<(), MoveError> {
        match self.watch.stopped() {
            true => Err(MoveError::Stopped),
            false => Ok(()),
        }
    }

    /// Sees that the target may take what comes, and that it has an owner.
    fn prepare_target(&self, times: &[BackupTime], merge: bool) -> Result<(), MoveError> {
        let Way {
            store,
            ns,
            group,
            target,
            ..
        } = *self;
        let owner = store.owner(ns, group)?;
        let path = store.group_path(target, group);
        let there = match store.group_exists(target, group) {
            true => store.snapshot_times(target, group)?,
            false => Vec::new(),
        };
        // Without an owner and snapshots it is what a crash left of its making.
        if path.join(OWNER).exists() || !there.is_empty() {
            if !merge {
                let (group, ns) = (group.clone(), target.clone());
                return Err(MoveError::Exists { group, ns });
            }
            let target = store.owner(target, group)?;
            if target != owner {
                return Err(MoveError::OtherOwner {
                    group: group.clone(),
                    source_owner: Box::new(owner),
                    target: Box::new(target),
                });
            }
            return match (there.last(), times.first()) {
                (Some(newest), Some(oldest)) if oldest <= newest => Err(MoveError::NotNewer {
                    group: group.clone(),
                    oldest: *oldest,
                    newest: *newest,
                }),
                _ => Ok(()),
            };
        }
        self.step()?;
        owner::make_folders(&path, 0o755).map_err(StoreError::io("create", &path))?;
        self.step()?;
        store.set_owner(target, group, &owner)?;
        if store.durable() == Durable::Now {
            for made in path.ancestors().take(2) {
                files::sync_parent(made)?;
            }
        }
        Ok(())
    }

    /// Moves some snapshots, in order.
    fn move_batch(&self, times: &[BackupTime]) -> Result<(), MoveError> {
        let mut held = Vec::with_capacity(times.len());
        for time in times {
            held.push(self.hold(*time)?);
        }
        let mut indexes = Vec::new();
        for Held { dir, to, .. } in &held {
            let info = dir.info()?;
            let names = info.files.iter();
            indexes.extend(
                names
                    .filter(|name| name.kind() != ArchiveKind::Blob)
                    .map(|name| to.join(name.as_str())),
            );
        }
        self.step()?;
        let mut journal = Journal::lock(self.store)?;
        journal.append(indexes.iter().map(PathBuf::as_path))?;
        for Held {
            dir,
            to,
            lock,
            manifest,
        } in held
        {
            self.step()?;
            fs::rename(dir.path(), &to).map_err(StoreError::io("move here", &to))?;
            self.watch.log(&format!(
                "moved {} to {}",
                dir.relative_path(),
                relative(self.target, &dir.snapshot().to_string())
            ));
            manifest.remove();
            lock.remove();
        }
        drop(journal);
        if self.store.durable() == Durable::Now {
            for ns in [self.target, self.ns] {
                let path = self.store.group_path(ns, self.group);
                files::sync_parent(&path.join(OWNER))?;
            }
        }
        Ok(())
    }

    fn hold(&self, time: BackupTime) -> Result<Held, MoveError> {
        let snapshot = self.group.at(time);
        let dir = self.store.snapshot(self.ns, &snapshot)?;
        let lock = dir.lock(LockMode::Exclusive)?;
        let manifest = dir.lock_manifest()?;
        Ok(Held {
            to: self.store.snapshot_path(self.target, &snapshot),
            dir,
            lock,
            manifest,
        })
    }

    /// The target's own notes come first, if both groups have some.
    fn move_notes(&self) -> Result<(), MoveError> {
        let Way {
            store,
            ns,
            group,
            target,
            ..
        } = *self;
        let [from, to] = [ns, target].map(|ns| store.group_path(ns, group).join(NOTES));
        self.step()?;
        let coming = store.group_notes(ns, group)?;
        let there = store.group_notes(target, group)?;
        if there.is_empty() {
            return Ok(rename_if_there(&from, &to)?);
        }
        let new = coming.trim_end();
        // A move that broke off may have been here.
        if !new.is_empty() && !there.trim_end().ends_with(new) {
            let both = format!("{}\n\n{coming}", there.trim_end());
            store.set_group_notes(target, group, &both)?;
        }
        Ok(())
    }
}

fn rename_if_there(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("move here", to)(error))
        }
        _ => Ok(()),
    }
}

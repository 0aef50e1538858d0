//! Groups: their list, their snapshots, their owner and notes (formats.md 1.1 and 1.4).

use std::fs::{self, File};
use std::io;
use std::path::Path;

use format::{AuthId, BackupTime, BackupType, Group, Namespace, Snapshot};

use super::{Datastore, SnapshotDir, SnapshotInfo};
use crate::error::StoreError;
use crate::files;
use crate::layout::{NOTES, OWNER, namespace_dir};

/// More text than anyone writes about a group.
const NOTES_MAX: u64 = 1 << 20;
/// A line.
const OWNER_MAX: u64 = 4096;

impl Datastore {
    /// All groups of a namespace in order, those without snapshots included. What is no group is skipped.
    pub fn groups(&self, ns: &Namespace) -> Result<Vec<Group>, StoreError> {
        if !self.namespace_exists(ns) {
            return Err(StoreError::NoNamespace { ns: ns.clone() });
        }
        let dir = namespace_dir(self.base(), ns);
        // A store that went away (unmounted, moved) is not one without backups.
        match fs::metadata(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !ns.is_root() => {
                return Err(StoreError::NoNamespace { ns: ns.clone() });
            }
            found => found.map_err(StoreError::io("open", &dir))?,
        };
        let mut groups = Vec::new();
        for ty in BackupType::ALL {
            let ids = files::list_folders(&dir.join(ty.as_str()))?;
            groups.extend(
                ids.into_iter()
                    .filter_map(|id| Some(Group::new(ty, id.parse().ok()?))),
            );
        }
        groups.sort();
        Ok(groups)
    }

    pub fn group_exists(&self, ns: &Namespace, group: &Group) -> bool {
        self.group_path(ns, group).is_dir()
    }

    /// All snapshots of a group, finished or not, the oldest first.
    pub fn snapshots(
        &self,
        ns: &Namespace,
        group: &Group,
    ) -> Result<Vec<SnapshotInfo>, StoreError> {
        let mut infos = Vec::new();
        for time in self.snapshot_times(ns, group)? {
            match self
                .snapshot(ns, &group.at(time))
                .and_then(|snapshot| snapshot.info())
            {
                Ok(info) => infos.push(info),
                // Removed since the names were read.
                Err(StoreError::NoSnapshot { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(infos)
    }

    /// Times of a group's snapshots, finished or not, the oldest first.
    pub fn snapshot_times(
        &self,
        ns: &Namespace,
        group: &Group,
    ) -> Result<Vec<BackupTime>, StoreError> {
        self.require_group(ns, group)?;
        let names = files::list_folders(&self.group_path(ns, group))?;
        let time_of = |name: &String| {
            // A leap second reads as the next second, which is another snapshot's name.
            name.parse::<BackupTime>()
                .ok()
                .filter(|time| time.to_string() == *name)
        };
        let mut times: Vec<BackupTime> = names.iter().filter_map(time_of).collect();
        times.sort();
        Ok(times)
    }

    /// The newest snapshot of a group that has a manifest.
    pub fn last_finished(
        &self,
        ns: &Namespace,
        group: &Group,
    ) -> Result<Option<SnapshotDir>, StoreError> {
        for time in self.snapshot_times(ns, group)?.into_iter().rev() {
            match self.snapshot(ns, &Snapshot::new(group.clone(), time)) {
                Ok(snapshot) if snapshot.is_finished() => return Ok(Some(snapshot)),
                Ok(_) | Err(StoreError::NoSnapshot { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    pub fn owner(&self, ns: &Namespace, group: &Group) -> Result<AuthId, StoreError> {
        self.require_group(ns, group)?;
        let path = self.group_path(ns, group).join(OWNER);
        let bad = || StoreError::BadOwner {
            group: group.clone(),
            path: path.clone(),
        };
        let text = read_text(&path, OWNER_MAX)?.ok_or_else(bad)?;
        let line = text.lines().next().unwrap_or_default();
        line.trim_end().parse().map_err(|_| bad())
    }

    pub fn set_owner(
        &self,
        ns: &Namespace,
        group: &Group,
        owner: &AuthId,
    ) -> Result<(), StoreError> {
        self.require_group(ns, group)?;
        let path = self.group_path(ns, group).join(OWNER);
        files::replace(&path, format!("{owner}\n").as_bytes(), self.durable())
    }

    /// Gives a group from one owner to another, unless somebody else has it by now. Waits for nobody: while a backup into the group runs it is an
    /// error.
    pub fn pass_on(
        &self,
        ns: &Namespace,
        group: &Group,
        from: &AuthId,
        to: &AuthId,
    ) -> Result<(), StoreError> {
        self.require_group(ns, group)?;
        let locked = self.try_lock_group(ns, group)?;
        let _lock = locked.ok_or_else(|| StoreError::Locked {
            object: format!("group {group}"),
        })?;
        let owner = self.owner(ns, group)?;
        if owner != *from {
            return Err(StoreError::OwnerChanged {
                group: group.clone(),
                owner,
            });
        }
        self.set_owner(ns, group, to)
    }

    /// Empty if there are none.
    pub fn group_notes(&self, ns: &Namespace, group: &Group) -> Result<String, StoreError> {
        self.require_group(ns, group)?;
        let path = self.group_path(ns, group).join(NOTES);
        Ok(read_text(&path, NOTES_MAX)?.unwrap_or_default())
    }

    pub fn set_group_notes(
        &self,
        ns: &Namespace,
        group: &Group,
        notes: &str,
    ) -> Result<(), StoreError> {
        self.require_group(ns, group)?;
        let path = self.group_path(ns, group).join(NOTES);
        if notes.len() as u64 > NOTES_MAX {
            return Err(StoreError::TooLarge {
                path,
                size: notes.len() as u64,
                max: NOTES_MAX,
            });
        }
        files::replace(&path, notes.as_bytes(), self.durable())
    }

    fn require_group(&self, ns: &Namespace, group: &Group) -> Result<(), StoreError> {
        if self.group_exists(ns, group) {
            Ok(())
        } else {
            Err(StoreError::NoGroup {
                group: group.clone(),
            })
        }
    }
}

/// Nothing if there is no such file. What is not UTF-8 is replaced by question marks: it is only shown.
fn read_text(path: &Path, max: u64) -> Result<Option<String>, StoreError> {
    match File::open(path) {
        Ok(file) => {
            let bytes = files::read_bounded(&file, path, max)?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("open", path)(error)),
    }
}

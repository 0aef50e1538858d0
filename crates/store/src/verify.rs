//! Verify: reads what snapshots are made of and compares it with their manifests (formats.md 10.1 and 10.2).
//!
//! One snapshot is one call, under its shared lock; the result is kept in its manifest. A run goes through groups in order, the newest
//! snapshot first, and reads each chunk once: what was seen is remembered over the whole run. Damaged chunks are set aside, so that the
//! next backup uploads them again. Lines go to the watch in the manner of the original's task logs.

mod chunks;
mod file;
mod place;
mod run;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use format::manifest::{VerifyState, VerifyStateKind};
use format::{AuthId, Digest, Group, Manifest, Namespace, Snapshot};

use crate::datastore::{Datastore, SnapshotDir};
use crate::error::{StoreError, with_causes};
use crate::files;
use crate::watch::Watch;

use file::FileOutcome;
use place::Place;

/// What a run has seen already; shared over all snapshots of one task.
#[derive(Debug, Default)]
pub struct VerifyMemory {
    verified: HashMap<Digest, Known>,
    corrupt: HashSet<Digest>,
    /// Where it began.
    place: Option<Place>,
}

/// What a chunk that was fine was checked against. An index that wants it otherwise is damaged, though its chunk is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// Of the content, in bytes.
    size: u64,
    encrypted: bool,
}

impl VerifyMemory {
    /// Where the run began; here, if it begins now.
    fn place(&mut self, base: &Path) -> &Place {
        self.place.get_or_insert_with(|| Place::new(base))
    }
}

/// What became of one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyOutcome {
    Ok,
    Failed,
    /// Not looked at: the filter said no, it is in use, or it is gone.
    Skipped,
    /// The watch ended it before its end; nothing was stored.
    Stopped,
}

/// Which snapshots are looked at.
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

impl VerifyReport {
    /// Everything that was looked at is as it should be.
    pub fn is_ok(&self) -> bool {
        self.failed.is_empty() && self.unlisted == 0 && !self.stopped
    }
}

impl VerifyFilter {
    /// Whether a snapshot with this state is looked at. A state that cannot be read counts as none.
    pub fn wants(self, state: Option<&VerifyState>) -> bool {
        match (self, state) {
            (VerifyFilter::All, _) | (_, None) => true,
            (VerifyFilter::Unverified, Some(_)) => false,
            (VerifyFilter::Outdated { days, now }, Some(state)) => match started(&state.upid) {
                Some(started) => now.saturating_sub(started) / 86400 > days,
                None => true,
            },
        }
    }
}

/// The start (Unix seconds) that a task's id tells: `UPID:node:pid:pstart:task:START:type:id:user:`.
fn started(upid: &str) -> Option<i64> {
    let mut fields = upid.split(':');
    (fields.next()? == "UPID").then_some(())?;
    i64::from_str_radix(fields.nth(4)?, 16).ok()
}

impl Datastore {
    /// Verifies one snapshot and stores the result in its manifest under the task's id `upid`.
    ///
    /// Damage is an outcome; an error means that the result could not be stored, or that the store cannot be read at all.
    pub fn verify_snapshot(
        &self,
        ns: &Namespace,
        snapshot: &Snapshot,
        filter: VerifyFilter,
        memory: &mut VerifyMemory,
        upid: &str,
        watch: &dyn Watch,
    ) -> Result<VerifyOutcome, StoreError> {
        let what = format!("{}:{snapshot}", self.name());
        let place = memory.place(self.base()).clone();
        let locked = self
            .snapshot(ns, snapshot)
            .and_then(|dir| Ok((dir.lock_shared()?, dir)));
        let (_lock, dir) = match locked {
            Ok(locked) => locked,
            Err(error)
                if matches!(error, StoreError::Locked { .. })
                    || matches!(error, StoreError::NoSnapshot { .. })
                        && place.has_lost(&self.snapshot_path(ns, snapshot)) =>
            {
                watch.log(&format!("SKIPPED: verify {what} - {error}"));
                return Ok(VerifyOutcome::Skipped);
            }
            Err(error) => return Err(error),
        };
        let manifest = match dir.manifest() {
            Ok((manifest, _)) => manifest,
            Err(error) => {
                watch.warn(&format!(
                    "verify {what} - manifest load error: {}",
                    with_causes(&error)
                ));
                if is_surely_unfinished(&self.snapshot_path(ns, snapshot)) {
                    watch.log(&format!(
                        "{what} is a backup that was never finished; prune or forget removes it"
                    ));
                }
                return Ok(VerifyOutcome::Failed);
            }
        };
        if !filter.wants(manifest.verify_state().ok().flatten().as_ref()) {
            watch.log(&format!("SKIPPED: verify {what} (recently verified)"));
            return Ok(VerifyOutcome::Skipped);
        }
        watch.log(&format!("verify {what}"));
        if manifest.snapshot != *snapshot {
            watch.warn(&format!(
                "manifest of {what} says that it belongs to {}; was the folder renamed?",
                manifest.snapshot
            ));
        }
        let Some(state) = self.verify_files(&dir, &manifest, memory, watch) else {
            return Ok(VerifyOutcome::Stopped);
        };
        let verify = VerifyState {
            state,
            upid: upid.to_owned(),
        };
        dir.update_manifest(|manifest| manifest.set_verify_state(Some(&verify)))?;
        Ok(match state {
            VerifyStateKind::Ok => VerifyOutcome::Ok,
            VerifyStateKind::Failed => VerifyOutcome::Failed,
        })
    }

    /// Every file, also after the first damaged one; nothing if the watch ended it.
    fn verify_files(
        &self,
        dir: &SnapshotDir,
        manifest: &Manifest,
        memory: &mut VerifyMemory,
        watch: &dyn Watch,
    ) -> Option<VerifyStateKind> {
        let mut state = VerifyStateKind::Ok;
        for entry in &manifest.files {
            if watch.stopped() {
                return None;
            }
            watch.log(&format!("  check {}", entry.filename));
            match file::verify(self, dir, entry, memory, watch) {
                Ok(FileOutcome::Ok) => {}
                Ok(FileOutcome::Damaged) => state = VerifyStateKind::Failed,
                Ok(FileOutcome::Stopped) => return None,
                Err(error) => {
                    let what =
                        format!("{}:{}/{}", self.name(), dir.relative_path(), entry.filename);
                    watch.warn(&format!("verify {what} failed: {}", with_causes(&error)));
                    state = VerifyStateKind::Failed;
                }
            }
        }
        Some(state)
    }
}

/// Whether a snapshot without a manifest never had one: a file is still being written in it, or there is none. One whose files are all whole may as
/// well have lost its manifest, which nobody must be silent about.
fn is_surely_unfinished(dir: &Path) -> bool {
    let Ok(entries) = files::list(dir) else {
        return false;
    };
    let is_archive = |name: &str| {
        [".fidx", ".didx", ".blob"]
            .iter()
            .any(|ending| name.ends_with(ending))
    };
    let is_written = entries.iter().any(|(name, _)| name.contains(".tmp_"));
    dir.is_dir() && (is_written || !entries.iter().any(|(name, _)| is_archive(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter() {
        let state = |upid: &str| VerifyState {
            state: VerifyStateKind::Ok,
            upid: upid.to_owned(),
        };
        // Started at 0x6B0322FC.
        let seen = state(r"UPID:pbs:000058D4:0004EA88:0000001D:6B0322FC:verify:peer:test@pbs:");
        let start = 0x6B03_22FC;
        let day = 86400;
        let outdated = |days, now| VerifyFilter::Outdated { days, now };
        let rows = [
            ("all", VerifyFilter::All, Some(&seen), true),
            ("never seen", VerifyFilter::Unverified, None, true),
            ("seen", VerifyFilter::Unverified, Some(&seen), false),
            ("outdated, never seen", outdated(30, start), None, true),
            (
                "exactly 30 days",
                outdated(30, start + 30 * day),
                Some(&seen),
                false,
            ),
            (
                "a second short of 31 days",
                outdated(30, start + 31 * day - 1),
                Some(&seen),
                false,
            ),
            ("31 days", outdated(30, start + 31 * day), Some(&seen), true),
            (
                "0 is more than a whole day",
                outdated(0, start + day),
                Some(&seen),
                true,
            ),
            (
                "0, the same day",
                outdated(0, start + day - 1),
                Some(&seen),
                false,
            ),
            (
                "a state from the future",
                outdated(0, start - day),
                Some(&seen),
                false,
            ),
        ];
        for (name, filter, state, expected) in rows {
            assert_eq!(filter.wants(state), expected, "{name}");
        }
        for upid in [
            "",
            "UPID:pbs",
            "UPID:pbs:1:2:3:xyz:verify:::",
            "nonsense:pbs:1:2:3:6B0322FC:",
        ] {
            assert!(
                outdated(30, start).wants(Some(&state(upid))),
                "{upid:?} cannot be read"
            );
        }
    }
}

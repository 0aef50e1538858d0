//! Pruning a group on disk: asks what there is, lets [`crate::prune::plan`] decide, and removes the oldest first.

use format::{Group, Namespace};
use jiff::tz::TimeZone;

use super::{Datastore, SnapshotInfo};
use crate::error::{StoreError, with_causes};
use crate::layout::relative;
use crate::prune::{Candidate, Keep, Mark, plan};
use crate::watch::Watch;

/// What a prune has decided about a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    pub info: SnapshotInfo,
    pub mark: Mark,
}

impl Datastore {
    /// What a prune of this group would do, the oldest snapshot first. Changes nothing.
    pub fn prune_plan(
        &self,
        ns: &Namespace,
        group: &Group,
        keep: &Keep,
        zone: &TimeZone,
    ) -> Result<Vec<Pruned>, StoreError> {
        let infos = self.snapshots(ns, group)?;
        let candidates: Vec<Candidate> = infos
            .iter()
            .map(|info| Candidate {
                time: info.snapshot.time,
                finished: info.is_finished(),
                protected: info.protected,
            })
            .collect();
        let marks = plan(&candidates, keep, zone);
        let pairs = infos.into_iter().zip(marks);
        Ok(pairs.map(|(info, mark)| Pruned { info, mark }).collect())
    }

    /// Removes what a plan says, in its order, each snapshot under its own locks. One that cannot be removed (in use, protected
    /// meanwhile) is told and left. Every snapshot is told first, kept or not: `line` words it from its path and its mark. Gives how many
    /// were removed.
    pub fn prune(
        &self,
        ns: &Namespace,
        plan: &[Pruned],
        line: impl Fn(&str, Mark) -> String,
        watch: &dyn Watch,
    ) -> u64 {
        let mut removed = 0;
        for Pruned { info, mark } in plan {
            if watch.stopped() {
                break;
            }
            let path = relative(ns, &info.snapshot.to_string());
            watch.log(&line(&path, *mark));
            if mark.keeps() {
                continue;
            }
            match self.forget_snapshot(ns, &info.snapshot) {
                Ok(()) => removed += 1,
                // Somebody else was faster.
                Err(StoreError::NoSnapshot { .. }) => {}
                Err(error) => watch.warn(&format!(
                    "failed to remove snapshot {path}: {}",
                    with_causes(&error)
                )),
            }
        }
        removed
    }
}

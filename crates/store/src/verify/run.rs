//! A run over many snapshots: which, in what order, and what it tells on the way (formats.md 10.2).

use format::{BackupType, Group, Namespace};

use super::place::Place;
use super::{VerifyFilter, VerifyMemory, VerifyOutcome, VerifyReport, VerifyScope};
use crate::datastore::Datastore;
use crate::error::{StoreError, with_causes};
use crate::layout::{namespace_dir, relative};
use crate::watch::Watch;

impl Datastore {
    /// Verifies all snapshots of a scope, group by group, the newest first. Groups `host/benchmark` are left out.
    ///
    /// What was moved or removed since it was listed is skipped and told; that the store itself went away is a failure.
    pub fn verify_all(
        &self,
        scope: &VerifyScope,
        filter: VerifyFilter,
        upid: &str,
        watch: &dyn Watch,
    ) -> VerifyReport {
        let mut report = VerifyReport::default();
        let mut memory = VerifyMemory::default();
        if scope.group.is_none() {
            watch.log(&format!("verify datastore {}", self.name()));
        }
        let place = memory.place(self.base()).clone();
        let groups = self.groups_of(scope, &place, &mut report, watch);
        if scope.group.is_none() {
            watch.log(&format!("found {} groups", groups.len()));
        }
        let mut progress = Progress {
            groups: groups.len(),
            done_groups: 0,
        };
        for (group, ns) in &groups {
            self.verify_group(
                ns,
                group,
                scope.group.is_some(),
                filter,
                &mut memory,
                upid,
                watch,
                &mut progress,
                &mut report,
            );
            progress.done_groups += 1;
            if watch.stopped() {
                report.stopped = true;
                break;
            }
        }
        if !place.is_there() {
            watch.warn(&format!(
                "datastore {} went away while it was verified; is its disk still mounted?",
                self.name()
            ));
            report.unlisted += 1;
        }
        if !report.failed.is_empty() {
            watch.log("Failed to verify the following snapshots/groups:");
            for (ns, snapshot) in &report.failed {
                watch.log(&format!("\t{}", relative(ns, &snapshot.to_string())));
            }
        }
        report
    }

    /// The scope's groups in order; by group first, then by namespace.
    fn groups_of(
        &self,
        scope: &VerifyScope,
        place: &Place,
        report: &mut VerifyReport,
        watch: &dyn Watch,
    ) -> Vec<(Group, Namespace)> {
        if let Some(group) = &scope.group {
            return vec![(group.clone(), scope.ns.clone())];
        }
        let mut failed = |what: &str, error: &StoreError| {
            watch.warn(&format!("unable to list {what}: {}", with_causes(error)));
            report.unlisted += 1;
        };
        let namespaces = self
            .namespaces(&scope.ns, scope.max_depth)
            .unwrap_or_else(|error| {
                failed("namespaces", &error);
                Vec::new()
            });
        let mut all = Vec::new();
        for ns in namespaces {
            match self.groups(&ns) {
                Ok(groups) => all.extend(groups.into_iter().map(|group| (group, ns.clone()))),
                // One below was removed since the names were read; that of the scope was asked for.
                Err(StoreError::NoNamespace { .. })
                    if ns != scope.ns && place.has_lost(&namespace_dir(self.base(), &ns)) =>
                {
                    watch.log(&format!("SKIPPED: namespace '{ns}' is not there any more"));
                }
                Err(error) => failed(&format!("groups of namespace '{ns}'"), &error),
            }
        }
        all.retain(|(group, ns)| {
            let benchmark = group.ty == BackupType::Host && group.id.as_str() == "benchmark";
            !benchmark
                && scope
                    .owned_by
                    .as_ref()
                    .is_none_or(|caller| self.owner(ns, group).is_ok_and(|o| o.owns(caller)))
        });
        // Folders that were missing while the disk was away look like none; so do groups whose owner could not be read.
        if !place.is_there() {
            watch.warn("the datastore went away while its groups were listed");
            report.unlisted += 1;
        }
        all.sort();
        all
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one step of verify_all, which owns all of them"
    )]
    fn verify_group(
        &self,
        ns: &Namespace,
        group: &Group,
        asked_for: bool,
        filter: VerifyFilter,
        memory: &mut VerifyMemory,
        upid: &str,
        watch: &dyn Watch,
        progress: &mut Progress,
        report: &mut VerifyReport,
    ) {
        let what = format!("{}:{group}", self.name());
        let place = memory.place(self.base());
        let times = match self.snapshot_times(ns, group) {
            Ok(times) => times,
            Err(error @ StoreError::NoGroup { .. })
                if !asked_for && place.has_lost(&self.group_path(ns, group)) =>
            {
                watch.log(&format!("SKIPPED: verify group {what} - {error}"));
                return;
            }
            Err(error) => {
                watch.warn(&format!(
                    "verify group {what} - unable to list backups: {}",
                    with_causes(&error)
                ));
                report.unlisted += 1;
                return;
            }
        };
        watch.log(&format!("verify group {what} ({} snapshots)", times.len()));
        for (done, time) in times.iter().rev().enumerate() {
            let snapshot = group.at(*time);
            match self.verify_snapshot(ns, &snapshot, filter, memory, upid, watch) {
                Ok(VerifyOutcome::Ok) => report.verified += 1,
                Ok(VerifyOutcome::Skipped) => report.skipped += 1,
                Ok(VerifyOutcome::Failed) => report.failed.push((ns.clone(), snapshot)),
                Ok(VerifyOutcome::Stopped) => return,
                Err(error) => {
                    watch.warn(&format!(
                        "verify {}:{snapshot} failed: {}",
                        self.name(),
                        with_causes(&error)
                    ));
                    report.failed.push((ns.clone(), snapshot));
                }
            }
            watch.log(&progress.line(done + 1, times.len()));
        }
    }
}

struct Progress {
    groups: usize,
    done_groups: usize,
}

impl Progress {
    /// After `done` of `snapshots` in the group that comes behind those that are done.
    fn line(&self, done: usize, snapshots: usize) -> String {
        let groups = self.done_groups as f64 + done as f64 / snapshots as f64;
        let percent = 100.0 * groups / self.groups as f64;
        if done == snapshots {
            return format!(
                "percentage done: {percent:.2}% ({}/{} groups)",
                self.done_groups + 1,
                self.groups
            );
        }
        format!(
            "percentage done: {percent:.2}% ({}/{} groups, {done}/{snapshots} snapshots in group #{})",
            self.done_groups,
            self.groups,
            self.done_groups + 1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    /// Lines of the original's log.
    #[test]
    fn progress_lines() {
        let rows = [
            (0, 1, 1, "percentage done: 14.29% (1/7 groups)"),
            (
                3,
                1,
                2,
                "percentage done: 50.00% (3/7 groups, 1/2 snapshots in group #4)",
            ),
            (3, 2, 2, "percentage done: 57.14% (4/7 groups)"),
            (6, 1, 1, "percentage done: 100.00% (7/7 groups)"),
        ];
        for (done_groups, done, snapshots, expected) in rows {
            assert_eq!(
                Progress {
                    groups: 7,
                    done_groups
                }
                .line(done, snapshots),
                expected
            );
        }
    }
}

//! Prune as a task: one group, or all groups of some namespaces as far as the one it runs for may touch them (server.md 2.5 and 4.4).

use std::sync::Arc;

use api::rest::snapshot::KeepOptions;
use api::{Privileges, Upid};
use config::files::PruneJob;
use format::{AuthId, Group, Namespace, StoreName};
use jiff::tz::TimeZone;
use store::{Datastore, Keep, Mark, Pruned, StoreError, Watch};

use crate::context::{Access, Context};
use crate::fault::{Fault, with_causes};
use crate::jobs::state::JobType;
use crate::jobs::{self, Patience};
use crate::permission;
use crate::tasks::Task;

/// The numbers of a request or a job.
pub fn keep(options: &KeepOptions) -> Keep {
    Keep {
        last: options.keep_last,
        hourly: options.keep_hourly,
        daily: options.keep_daily,
        weekly: options.keep_weekly,
        monthly: options.keep_monthly,
        yearly: options.keep_yearly,
    }
}

/// Runs a job now.
pub fn start(
    ctx: &Arc<Context>,
    job: &PruneJob,
    auth_id: &AuthId,
    patience: Patience,
) -> Result<Upid, Fault> {
    let name: StoreName = job.store.parse()?;
    let store = ctx.datastore(&name, Access::Write)?;
    let worker_id = worker_id(job);
    let scope = scope(job, auth_id.clone());
    let run = jobs::Run {
        ty: JobType::Prune,
        name: &job.id,
        worker_id: &worker_id,
        auth_id,
    };
    let (id, inner) = (job.id.clone(), Arc::clone(ctx));
    run.start(ctx, patience, move |task| {
        task.log(&format!("prune job '{id}'"));
        of_identity(&inner, &store, &scope, task)
    })
}

/// As task ids show a job's run.
pub fn worker_id(job: &PruneJob) -> String {
    if job.ns.is_root() {
        job.store.clone()
    } else {
        format!("{}:{}", job.store, job.ns)
    }
}

/// What a job prunes, for whoever it runs.
pub fn scope(job: &PruneJob, auth_id: AuthId) -> Scope {
    Scope {
        ns: job.ns.clone(),
        max_depth: job.max_depth,
        keep: keep(&job.keep),
        dry_run: false,
        auth_id,
    }
}

/// First lines of every log.
fn tell_rules(watch: &dyn Watch, keep: &Keep) {
    if keep.keeps_something() {
        watch.log(&format!("rules of this prune: keep {keep}"));
    } else {
        watch.log("No prune selection - keeping all files.");
    }
}

/// Prunes one group by a plan that was made before.
pub fn group(
    store: &Datastore,
    ns: &Namespace,
    group: &Group,
    keep: &Keep,
    plan: &[Pruned],
    task: &Task,
) -> Result<(), String> {
    tell_rules(task, keep);
    task.log(&format!("prune group {}", path(ns, group)));
    store.prune(ns, plan, |path, mark| format!("{path} {mark}"), task);
    ended(task)
}

fn path(ns: &Namespace, group: &Group) -> String {
    if ns.is_root() {
        group.to_string()
    } else {
        format!("{}/{group}", ns.path())
    }
}

fn ended(watch: &dyn Watch) -> Result<(), String> {
    if watch.stopped() {
        Err("task aborted".to_owned())
    } else {
        Ok(())
    }
}

/// A prune of whole namespaces.
#[derive(Debug)]
pub struct Scope {
    pub ns: Namespace,
    /// Levels below; nothing is all of them.
    pub max_depth: Option<usize>,
    pub keep: Keep,
    /// Only tell.
    pub dry_run: bool,
    /// For whom it runs.
    pub auth_id: AuthId,
}

/// Prunes all groups of a scope that the scope's identity may prune.
pub fn of_identity(
    ctx: &Context,
    store: &Datastore,
    scope: &Scope,
    task: &Task,
) -> Result<(), String> {
    let held = |ns: &Namespace| {
        let held = permission::in_namespace(ctx, &scope.auth_id, store.name(), ns);
        held.map_err(|fault| with_causes(&fault))
    };
    datastore(store, scope, &ctx.settings().zone, &held, task)
}

/// What the scope's identity may do in a namespace, or why that cannot be told.
pub type Held<'a> = &'a dyn Fn(&Namespace) -> Result<Privileges, String>;

/// Prunes all groups of a scope as far as `held` allows it. What goes wrong with one group is a warning and does not keep the others.
pub fn datastore(
    store: &Datastore,
    scope: &Scope,
    zone: &TimeZone,
    held: Held<'_>,
    watch: &dyn Watch,
) -> Result<(), String> {
    tell_rules(watch, &scope.keep);
    watch.log(&format!(
        "prune datastore {}{}",
        store.name(),
        if scope.dry_run { ", dry run" } else { "" }
    ));
    let namespaces = store
        .namespaces(&scope.ns, scope.max_depth)
        .map_err(|error| with_causes(&error))?;
    for ns in namespaces {
        let groups = match groups(store, scope, held, &ns) {
            Ok(groups) => groups,
            Err(error) => {
                watch.warn(&format!(
                    "failed to list groups of namespace '{ns}': {error}"
                ));
                continue;
            }
        };
        for group in groups {
            ended(watch)?;
            one_of_many(store, scope, zone, &ns, &group, watch);
        }
    }
    ended(watch)
}

/// The groups of a namespace that may be pruned: all with the right to change the namespace, else one's own with the right to prune.
fn groups(
    store: &Datastore,
    scope: &Scope,
    held: Held<'_>,
    ns: &Namespace,
) -> Result<Vec<Group>, String> {
    let held = held(ns)?;
    let all = held.intersects(Privileges::DatastoreModify);
    if !all && !held.intersects(Privileges::DatastorePrune) {
        return Ok(Vec::new());
    }
    let mut groups = store.groups(ns).map_err(|error| with_causes(&error))?;
    groups.retain(|group| {
        all || store
            .owner(ns, group)
            .is_ok_and(|owner| owner.owns(&scope.auth_id))
    });
    Ok(groups)
}

fn one_of_many(
    store: &Datastore,
    scope: &Scope,
    zone: &TimeZone,
    ns: &Namespace,
    group: &Group,
    watch: &dyn Watch,
) {
    let path = path(ns, group);
    let plan = match store.prune_plan(ns, group, &scope.keep, zone) {
        Ok(plan) => plan,
        // Removed since it was listed.
        Err(StoreError::NoGroup { .. }) => return,
        Err(error) => {
            watch.warn(&format!(
                "failed to list snapshots of {path}: {}",
                with_causes(&error)
            ));
            return;
        }
    };
    watch.log(&format!("prune group {path}"));
    if scope.dry_run {
        for Pruned { info, mark } in &plan {
            watch.log(&would(&snapshot_path(ns, info), *mark));
        }
    } else {
        store.prune(ns, &plan, |path, mark| format!("{mark} {path}"), watch);
    }
}

fn snapshot_path(ns: &Namespace, info: &store::SnapshotInfo) -> String {
    if ns.is_root() {
        info.snapshot.to_string()
    } else {
        format!("{}/{}", ns.path(), info.snapshot)
    }
}

/// The line of a dry run.
fn would(path: &str, mark: Mark) -> String {
    format!("would {mark} {path}")
}

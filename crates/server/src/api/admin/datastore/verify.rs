//! `POST /admin/datastore/{store}/verify`: starts a task that reads everything again (formats.md 10, task ids from server.md 3.9).

use api::rest::snapshot::Verify;
use api::schema::{ParamErrors, ValueError};
use format::{Group, Namespace, Snapshot, StoreName};
use store::{Datastore, VerifyFilter, VerifyMemory, VerifyOutcome, VerifyScope};

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::{Fault, with_causes};
use crate::permission;
use crate::reply::Answer;
use crate::route::{Call, Grant};
use crate::tasks::Task;

/// What is verified.
enum What {
    Snapshot(Snapshot),
    /// Everything in the scope; the group, if one is named, stands in it.
    Scope(Box<VerifyScope>),
}

/// `POST`: the answer is the task's id.
pub fn start(call: &Call) -> Result<Answer, Fault> {
    let request: Verify = call.params.read()?;
    let caller = call.caller()?;
    let store = parent::open(call, &request.place, Access::Read)?.with_verify_threads(
        threads(request.read_threads),
        threads(request.verify_threads),
    );
    let ns = request.place.ns.clone();
    let group = group(&request)?;
    if let Some(group) = &group {
        permission::check_owner(call, &store, &ns, group)?;
    }
    if !store.namespace_exists(&ns) {
        return Err(store::StoreError::NoNamespace { ns }.into());
    }
    let time = request.backup_time;
    let filter = filter(&request, call.ctx.now());
    let owned_by = (call.grant == Grant::Owned).then(|| caller.clone());
    let (kind, id) = task_id(
        store.name(),
        &ns,
        group.as_ref(),
        time.map(|time| time.epoch()),
    );
    let what = match (group, time) {
        (Some(group), Some(time)) => What::Snapshot(group.at(time)),
        (group, _) => {
            let scope = VerifyScope {
                ns: ns.clone(),
                max_depth: request.max_depth,
                group,
                owned_by,
            };
            What::Scope(Box::new(scope))
        }
    };
    let work = move |task: &Task| run(&store, &ns, &what, filter, task);
    let upid = call.ctx.tasks().spawn(kind, Some(&id), caller, work)?;
    Answer::data(&upid)
}

/// Threads that one request may ask for: each holds a chunk or two, and more than the disks and cores can serve are of no use.
const THREADS_MAX: usize = 8;

fn threads(wanted: Option<usize>) -> Option<usize> {
    wanted.map(|wanted| wanted.min(THREADS_MAX))
}

/// A time needs an id, an id needs a type.
fn group(request: &Verify) -> Result<Option<Group>, Fault> {
    let missing = |name| Err(ParamErrors::one(name, ValueError::Missing).into());
    match (request.backup_type, &request.backup_id, request.backup_time) {
        (None, Some(_), _) => missing("backup-type"),
        (_, None, Some(_)) => missing("backup-id"),
        (Some(_), None, None) => missing("backup-id"),
        (Some(ty), Some(id), _) => Ok(Some(Group::new(ty, id.clone()))),
        (None, None, None) => Ok(None),
    }
}

fn filter(request: &Verify, now: i64) -> VerifyFilter {
    match (
        request.ignore_verified.unwrap_or(true),
        request.outdated_after,
    ) {
        (false, _) => VerifyFilter::All,
        (true, Some(days)) if days > 0 => VerifyFilter::Outdated { days, now },
        (true, _) => VerifyFilter::Unverified,
    }
}

fn task_id(
    store: &StoreName,
    ns: &Namespace,
    group: Option<&Group>,
    time: Option<i64>,
) -> (&'static str, String) {
    let ns = ns.path();
    match (group, time) {
        (Some(group), Some(time)) => (
            "verify_snapshot",
            format!("{store}:{ns}/{group}/{time:08X}"),
        ),
        (Some(group), None) => ("verify_group", format!("{store}:{ns}/{group}")),
        (None, _) if ns.is_empty() => ("verify", store.to_string()),
        (None, _) => ("verify", format!("{store}:{ns}")),
    }
}

fn run(
    store: &Datastore,
    ns: &Namespace,
    what: &What,
    filter: VerifyFilter,
    task: &Task,
) -> Result<(), String> {
    let mut failed = Vec::new();
    let stopped = match what {
        What::Snapshot(snapshot) => {
            let mut memory = VerifyMemory::default();
            let outcome =
                store.verify_snapshot(ns, snapshot, filter, &mut memory, task.text(), task);
            match outcome.map_err(|e| with_causes(&e))? {
                VerifyOutcome::Failed => failed.push((ns.clone(), snapshot.clone())),
                VerifyOutcome::Ok | VerifyOutcome::Skipped | VerifyOutcome::Stopped => {}
            }
            task.aborted()
        }
        What::Scope(scope) => {
            let report = store.verify_all(scope, filter, task.text(), task);
            failed = report.failed;
            if report.unlisted > 0 && failed.is_empty() && !report.stopped {
                return Err(
                    "verification failed - some groups could not be listed, see the log".to_owned(),
                );
            }
            report.stopped
        }
    };
    if !failed.is_empty() {
        task.log("Failed to verify the following snapshots/groups:");
        for (ns, snapshot) in failed {
            let ns = if ns.is_root() {
                String::new()
            } else {
                format!("{ns}:")
            };
            task.log(&format!("\t{ns}{snapshot}"));
        }
        return Err("verification failed - please check the log for details".to_owned());
    }
    if stopped {
        Err("task aborted".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_bounded() {
        let given = [None, Some(1), Some(8), Some(32)].map(threads);
        assert_eq!(given, [None, Some(1), Some(8), Some(8)]);
    }

    #[test]
    fn ids_of_tasks() {
        let (store, group) = (
            "peer".parse().expect("store"),
            "host/demo".parse::<Group>().expect("group"),
        );
        for (ns, group, time, expected) in [
            ("", None, None, ("verify", "peer")),
            ("a/b", None, None, ("verify", "peer:ns/a/ns/b")),
            ("", Some(&group), None, ("verify_group", "peer:/host/demo")),
            (
                "a",
                Some(&group),
                None,
                ("verify_group", "peer:ns/a/host/demo"),
            ),
            (
                "",
                Some(&group),
                Some(1_700_000_000),
                ("verify_snapshot", "peer:/host/demo/6553F100"),
            ),
        ] {
            let (kind, id) = task_id(&store, &ns.parse().expect("ns"), group, time);
            assert_eq!((kind, id.as_str()), expected);
        }
    }
}

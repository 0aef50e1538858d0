//! `POST /admin/datastore/{store}/verify`: starts a task that reads everything again (formats.md 10, task ids from server.md 3.9).

use std::sync::Arc;

use api::rest::snapshot::Verify;
use api::schema::{ParamErrors, ValueError};
use format::{Group, Namespace, StoreName};
use store::VerifyScope;

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::jobs::{self, verify::What};
use crate::permission;
use crate::reply::Answer;
use crate::route::{Call, Grant};
use crate::tasks::Task;

/// `POST`: the answer is the task's id.
pub fn start(call: &Call) -> Result<Answer, Fault> {
    let request: Verify = call.params.read()?;
    let caller = call.caller()?;
    let store = parent::open(call, &request.place, Access::Read)?;
    let (read, verify) = (request.read_threads, request.verify_threads);
    let (read, verify) = (threads(read), threads(verify));
    let ns = request.place.ns.clone();
    let group = group(&request)?;
    if let Some(group) = &group {
        permission::check_owner(call, &store, &ns, group)?;
    }
    if !store.namespace_exists(&ns) {
        return Err(store::StoreError::NoNamespace { ns }.into());
    }
    let time = request.backup_time;
    let (ignore, outdated) = (request.ignore_verified, request.outdated_after);
    let filter = jobs::verify::filter(ignore, outdated, call.ctx.now());
    let owned_by = (call.grant == Grant::Owned).then(|| caller.clone());
    let (kind, id) = task_id(
        store.name(),
        &ns,
        group.as_ref(),
        time.map(|time| time.epoch()),
    );
    let what = match (group, time) {
        (Some(group), Some(time)) => What::Snapshot(ns.clone(), group.at(time)),
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
    // While the task waits it holds nothing of the datastore.
    let (ctx, of) = (Arc::clone(&call.ctx), store.name().clone());
    let work = move |task: &Task| {
        let store = jobs::verify::open(&ctx, &of)?.with_verify_threads(read, verify);
        jobs::verify::verify(&store, &what, filter, task.text(), task)
    };
    let turn = (call.ctx.verifications(), store.name());
    let tasks = call.ctx.tasks();
    let upid = tasks.spawn_in_turn(turn, kind, Some(&id), caller, work)?;
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

//! `POST /admin/datastore/{store}/move-group`: puts a group into another namespace of its datastore (server.md 2.5, 6.4).

use api::Privileges as P;
use api::rest::namespace::GroupMove;
use format::Group;
use store::{MoveError, StoreError};

use crate::api::admin::datastore::store_name;
use crate::context::Access;
use crate::fault::{Fault, with_causes};
use crate::permission;
use crate::reply::Answer;
use crate::route::{Call, Grant};
use crate::tasks::Task;

/// `POST`: the answer is the task's id. Who may not change both places moves his own groups only.
pub fn start(call: &Call) -> Result<Answer, Fault> {
    let request: GroupMove = call.params.read()?;
    let (name, caller) = (store_name(request.store)?, call.caller()?);
    let GroupMove { ns, target_ns, .. } = request;
    let (full, own) = (P::DatastoreModify, P::DatastoreBackup);
    let at_target = permission::on_namespace(&call.ctx, caller, &name, &target_ns, full, own)?;
    let store = call.ctx.datastore(&name, Access::Write)?;
    let group: Group = request.group.into();
    if ns == target_ns {
        return Err(MoveError::SamePlace { group, ns }.into());
    }
    let owner = store.owner(&ns, &group)?;
    let everything = call.grant == Grant::Full && at_target == Grant::Full;
    if !everything && !owner.owns(caller) {
        return Err(Fault::NotOwner(Box::new((caller.clone(), owner))));
    }
    if !store.namespace_exists(&ns) {
        return Err(StoreError::NoNamespace { ns }.into());
    }
    if !store.namespace_exists(&target_ns) {
        return Err(MoveError::NoTarget { ns: target_ns }.into());
    }
    let merge = request.merge_group.unwrap_or(true);
    let id = match ns.is_root() {
        true => format!("{name}:{group}:{target_ns}"),
        false => format!("{name}:{ns}/{group}:{target_ns}"),
    };
    let work = move |task: &Task| {
        task.log(&format!(
            "moving group '{group}' from '{ns}' to '{target_ns}'"
        ));
        let moved = store.move_group(&ns, &group, &target_ns, merge, task);
        let snapshots = moved.map_err(|error| told(&error))?;
        task.log(&format!("moved {snapshots} snapshots"));
        Ok(())
    };
    let upid = call
        .ctx
        .tasks()
        .spawn("move-group", Some(&id), caller, work)?;
    Answer::data(&upid)
}

/// How a task ends that did not move everything.
pub fn told(error: &MoveError) -> String {
    match error {
        MoveError::Stopped => "task aborted".to_owned(),
        error => with_causes(error),
    }
}

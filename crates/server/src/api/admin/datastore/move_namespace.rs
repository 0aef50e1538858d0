//! `POST /admin/datastore/{store}/move-namespace`: gives a namespace, with what is in it, another name or parent (server.md 2.5, 6.4).

use api::rest::namespace::NamespaceMove as Request;
use store::{NamespaceMove, StoreError};

use crate::api::admin::datastore::move_group::told;
use crate::api::admin::datastore::namespace::check_modify;
use crate::api::admin::datastore::store_name;
use crate::context::Access;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;
use crate::tasks::Task;

/// `POST`: the answer is the task's id. It needs the right to change what is above both names.
pub fn start(call: &Call) -> Result<Answer, Fault> {
    let request: Request = call.params.read()?;
    let (name, caller) = (store_name(request.store)?, call.caller()?);
    for ns in [&request.ns, &request.target_ns] {
        check_modify(call, &name, &ns.parent().unwrap_or_default())?;
    }
    let wish = NamespaceMove {
        ns: request.ns,
        target: request.target_ns,
        max_depth: request.max_depth,
        delete_source: request.delete_source.unwrap_or(true),
        merge_groups: request.merge_groups.unwrap_or(true),
    };
    wish.check()?;
    let store = call.ctx.datastore(&name, Access::Write)?;
    if !store.namespace_exists(&wish.ns) {
        return Err(StoreError::NoNamespace { ns: wish.ns }.into());
    }
    let parent = wish.target.parent().unwrap_or_default();
    if !store.namespace_exists(&parent) {
        return Err(StoreError::NoParentNamespace { parent }.into());
    }
    let id = format!("{name}:{}:{}", wish.ns, wish.target);
    let work = move |task: &Task| {
        task.log(&format!(
            "move namespace '{}' to '{}'",
            wish.ns, wish.target
        ));
        let moved = store.move_namespace(&wish, task);
        let moved = moved.map_err(|error| told(&error))?;
        task.log(&format!(
            "moved {} groups with {} snapshots",
            moved.groups, moved.snapshots
        ));
        Ok(())
    };
    let upid = call
        .ctx
        .tasks()
        .spawn("move-namespace", Some(&id), caller, work)?;
    Answer::data(&upid)
}

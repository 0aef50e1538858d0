//! `POST /admin/datastore/{store}/prune-datastore`: prunes all groups of a namespace and of those below it (protocol.md 6.5).

use std::sync::Arc;

use api::rest::snapshot::PruneStore;

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::jobs::{self, prune::Scope};
use crate::reply::Answer;
use crate::route::Call;

/// `POST`: the answer is the task's id, also for a dry run, whose result stands in the log.
pub fn start(call: &Call) -> Result<Answer, Fault> {
    let request: PruneStore = call.params.read()?;
    let caller = call.caller()?;
    let store = parent::open(call, &request.place, Access::Write)?;
    let ns = request.place.ns;
    if !store.namespace_exists(&ns) {
        return Err(store::StoreError::NoNamespace { ns }.into());
    }
    let id = format!("{}:{ns}", store.name());
    let scope = Scope {
        ns,
        max_depth: request.max_depth,
        keep: jobs::prune::keep(&request.keep),
        dry_run: request.dry_run,
        auth_id: caller.clone(),
    };
    let ctx = Arc::clone(&call.ctx);
    let work = move |task: &_| jobs::prune::of_identity(&ctx, &store, &scope, task);
    let upid = call.ctx.tasks().spawn("prune", Some(&id), caller, work)?;
    Answer::data(&upid)
}

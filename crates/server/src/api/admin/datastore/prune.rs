//! `POST /admin/datastore/{store}/prune`: removes the snapshots of a group that no rule keeps (protocol.md 6.5).

use api::rest::snapshot::{Prune, PruneItem};
use format::Namespace;
use store::Pruned;

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::jobs;
use crate::permission;
use crate::reply::Answer;
use crate::route::Call;

/// `POST`: the answer is what was decided about each snapshot, the oldest first; with `use-task` the id of the task that carries it out.
/// A dry run only answers and leaves no task.
pub fn prune(call: &Call) -> Result<Answer, Fault> {
    let request: Prune = call.params.read()?;
    let caller = call.caller()?;
    let store = parent::open(call, &request.place, Access::Write)?;
    let (ns, group) = (request.place.ns, request.group.into());
    permission::check_owner(call, &store, &ns, &group)?;
    let keep = jobs::prune::keep(&request.keep);
    let plan = store.prune_plan(&ns, &group, &keep, &call.ctx.settings().zone)?;
    if request.dry_run {
        return answer(&plan, &ns);
    }
    let id = format!("{}:{ns}:{group}", store.name());
    if request.use_task {
        let work = move |task: &_| jobs::prune::group(&store, &ns, &group, &keep, &plan, task);
        let upid = call.ctx.tasks().spawn("prune", Some(&id), caller, work)?;
        return Answer::data(&upid);
    }
    let worker = call.ctx.tasks().start("prune", Some(&id), caller)?;
    let outcome = jobs::prune::group(&store, &ns, &group, &keep, &plan, &worker);
    worker.finish(outcome);
    answer(&plan, &Namespace::root())
}

fn answer(plan: &[Pruned], ns: &Namespace) -> Result<Answer, Fault> {
    let item = |Pruned { info, mark }: &Pruned| PruneItem {
        backup_id: info.snapshot.group.id.clone(),
        backup_time: info.snapshot.time,
        backup_type: info.snapshot.group.ty,
        keep: mark.keeps(),
        ns: (!ns.is_root()).then(|| ns.clone()),
        protected: info.protected,
    };
    Answer::data(&plan.iter().map(item).collect::<Vec<_>>())
}

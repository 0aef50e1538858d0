//! `/admin/gc`: garbage collection of all datastores (server.md 3.4).

use api::Privileges as P;
use format::StoreName;
use serde::Deserialize;
use serde_json::Value;

use crate::fault::Fault;
use crate::jobs;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
struct Query {
    store: Option<StoreName>,
}

/// `GET`: those of the datastores that the caller may look at or change. A datastore in maintenance, or one that is gone, is left out.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let Query { store } = call.params.read()?;
    let (caller, ctx) = (call.caller()?, &call.ctx);
    let mut items: Vec<Value> = Vec::new();
    for found in ctx.configuration().datastores()?.value.list()? {
        let wanted = store.as_ref().is_none_or(|store| *store == found.name);
        let held = ctx.privileges(caller, &["datastore", found.name.as_str()])?;
        if !wanted || !held.intersects(P::DatastoreAudit | P::DatastoreModify) {
            continue;
        }
        match jobs::gc::job(ctx, &found.name) {
            Ok(job) => items.push(serde_json::to_value(job)?),
            Err(Fault::Maintenance { .. } | Fault::NotMounted(_) | Fault::Store(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Answer::data(&items)
}

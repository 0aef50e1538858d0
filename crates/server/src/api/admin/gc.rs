//! `/admin/gc`: garbage collection of all datastores (server.md 3.4).

use std::sync::Arc;

use api::Privileges as P;
use config::files::Datastore;
use format::StoreName;
use serde::Deserialize;

use crate::fault::Fault;
use crate::jobs;
use crate::looks::Look;
use crate::reply::Answer;
use crate::route::{AnswerFuture, Call};
use crate::survey;

#[derive(Deserialize)]
struct Query {
    store: Option<StoreName>,
}

/// `GET`: those of the datastores that the caller may look at or change. A datastore in maintenance, or one that is gone, is left out.
pub fn list(call: Call) -> AnswerFuture {
    Box::pin(async move {
        let ctx = Arc::clone(&call.ctx);
        let stores = ctx.blocking().run(move || stores(&call)).await??;
        let names = stores.iter().map(|store| store.name.clone()).collect();
        let mut survey = survey::contents(&ctx, names).await;
        let mut seen = Vec::new();
        for store in stores {
            match survey.take(&store.name) {
                Look::Now(Ok(found)) | Look::Late(Some(found)) => seen.push((store, found.gc)),
                Look::Late(None) => {}
                Look::Now(Err(fault)) => match *fault {
                    Fault::Maintenance { .. } | Fault::NotMounted(_) | Fault::Store(_) => {}
                    _ => return Err(Fault::Seen(fault)),
                },
            }
        }
        let inner = Arc::clone(&ctx);
        let jobs = move || -> Vec<_> {
            let job = |(store, status)| jobs::gc::together(&inner, &store, status);
            seen.into_iter().map(job).collect()
        };
        Answer::data(&ctx.blocking().run(jobs).await?)
    })
}

fn stores(call: &Call) -> Result<Vec<Datastore>, Fault> {
    let Query { store } = call.params.read()?;
    let (caller, ctx) = (call.caller()?, &call.ctx);
    let mut stores = Vec::new();
    for found in ctx.configuration().datastores()?.value.list()? {
        let wanted = store.as_ref().is_none_or(|store| *store == found.name);
        let held = ctx.privileges(caller, &["datastore", found.name.as_str()])?;
        if wanted && held.intersects(P::DatastoreAudit | P::DatastoreModify) {
            stores.push(found);
        }
    }
    Ok(stores)
}

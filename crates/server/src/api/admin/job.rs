//! `/admin/prune`, `/admin/sync` and `/admin/verify`: jobs with their last and next runs, and running one now (server.md 3.4).

use std::sync::Arc;

use api::kinds;
use api::rest::snapshot::returns::TASK;
use api::schema::{Field, Param, Returns, Schema};
use config::edit;
use config::files::{PRUNE_JOB, PruneJob, SYNC_JOB, SyncJob, VERIFY_JOB, VerifyJob};
use format::StoreName;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::api::config::jobs::DIRECTION;
use crate::fault::Fault;
use crate::jobs::{self, Patience};
use crate::reply::Answer;
use crate::rights::{Rights, Wanted};
use crate::route::{AnswerFuture, Call, Handler, Needs, Route};

const ID: Schema = Schema(&[&[Param::required("id", kinds::JOB_ID).about("Job ID.")]]);
const STORE: &[Param] =
    &[Param::optional("store", kinds::STORE).about("Only jobs of this datastore.")];
/// What lists of jobs say beside the configuration.
const RUNS: &[Field] = &[
    Field::new("id", Returns::Value(kinds::JOB_ID)),
    Field::optional("last-run-endtime", Returns::INTEGER),
    Field::optional("last-run-state", Returns::TEXT),
    Field::optional("last-run-upid", TASK),
    Field::optional("next-run", Returns::INTEGER),
];
const PRUNE_ITEM: Returns = Returns::item(PRUNE_JOB.schema.0, RUNS);
const SYNC_ITEM: Returns = Returns::item(SYNC_JOB.schema.0, RUNS);
const VERIFY_ITEM: Returns = Returns::item(VERIFY_JOB.schema.0, RUNS);
const ANY: Needs = Needs::Anybody;

/// Who may see and run which job depends on where it works; the handlers look.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "admin/prune", ANY, Schema(&[STORE]), Handler::Call(list::<PruneJob>)).returns(Returns::List(&PRUNE_ITEM)),
    Route::new(Method::POST, "admin/prune/{id}/run", ANY, ID, Handler::Async(run::<PruneJob>)).returns(TASK),
    Route::new(Method::GET, "admin/sync", ANY, Schema(&[STORE, DIRECTION]), Handler::Call(list::<SyncJob>)).returns(Returns::List(&SYNC_ITEM)),
    Route::new(Method::POST, "admin/sync/{id}/run", ANY, ID, Handler::Async(run::<SyncJob>)).returns(TASK).not_all(),
    Route::new(Method::GET, "admin/verify", ANY, Schema(&[STORE]), Handler::Call(list::<VerifyJob>)).returns(Returns::List(&VERIFY_ITEM)),
    Route::new(Method::POST, "admin/verify/{id}/run", ANY, ID, Handler::Async(run::<VerifyJob>)).returns(TASK),
];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Query {
    store: Option<StoreName>,
    #[serde(default)]
    sync_direction: Wanted,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// `GET`: those that the caller may see.
pub fn list<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Query {
        store,
        sync_direction,
    } = call.params.read()?;
    let (jobs, digest) = edit::entries::<J>(call.ctx.configuration().dir())?;
    let mut items = Vec::new();
    for job in jobs {
        let wanted = store
            .as_ref()
            .is_none_or(|store| store.as_str() == job.store());
        if !wanted || !job.is_wanted(sync_direction) || !job.is_listed(call)? {
            continue;
        }
        let schedule = job.schedule().filter(|_| job.is_enabled());
        let shown = jobs::shown(&call.ctx, J::TYPE, job.id(), schedule);
        let mut item = serde_json::to_value(&job)?;
        if let (Value::Object(item), Value::Object(shown)) =
            (&mut item, serde_json::to_value(&shown)?)
        {
            item.extend(shown);
        }
        items.push(item);
    }
    Ok(Answer::data(&items)?.beside("digest", digest.to_string()))
}

/// `POST {id}/run`: the answer is the task's id.
pub fn run<J: Rights + Send + 'static>(call: Call) -> AnswerFuture {
    Box::pin(async move {
        let ctx = Arc::clone(&call.ctx);
        let caller = call.caller()?.clone();
        let find = move || -> Result<J, Fault> {
            let Named { id } = call.params.read()?;
            let (job, _) = edit::find_entry::<J>(call.ctx.configuration().dir(), &id)?;
            job.check_change(&call)?;
            Ok(job)
        };
        let job = ctx.blocking().run(find).await??;
        let (inner, store): (_, StoreName) = (Arc::clone(&ctx), job.store().parse()?);
        let start = move || job.start(&inner, &caller, Patience::Some);
        Answer::data(&ctx.at_disk(&store, start).await?)
    })
}

//! `/config/prune`, `/config/sync` and `/config/verify`: the jobs, one by one and together (server.md 1.9, 1.10, 2.6).

use api::kinds;
use api::schema::{Field, Kind, Param, Returns, Schema};
use config::edit::{
    self, EditError, JOB_DELETE, PRUNE_JOB_CREATE, PRUNE_JOB_UPDATE, SYNC_JOB_CREATE,
    SYNC_JOB_UPDATE, VERIFY_JOB_CREATE, VERIFY_JOB_UPDATE,
};
use config::files::{PRUNE_JOB, PruneJob, SYNC_JOB, SyncJob, VERIFY_JOB, VerifyJob};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::jobs;
use crate::reply::Answer;
use crate::rights::{Rights, Wanted};
use crate::route::{Call, Handler, Needs, Route};

const ID: &[Param] = &[Param::required("id", kinds::JOB_ID).about("Job ID.")];
/// Which way the sync jobs of a list go.
pub const DIRECTION: &[Param] =
    &[
        Param::optional("sync-direction", Kind::Enum(&["all", "push", "pull"]))
            .or("pull")
            .about("Only jobs of this direction, or all."),
    ];

const JOB: &[Field] = &[Field::new("id", Returns::Value(kinds::JOB_ID))];
const PRUNE_ITEM: Returns = Returns::item(PRUNE_JOB.schema.0, JOB);
const SYNC_ITEM: Returns = Returns::item(SYNC_JOB.schema.0, JOB);
const VERIFY_ITEM: Returns = Returns::item(VERIFY_JOB.schema.0, JOB);
const PRUNE: &str = "config/prune";
const ONE_PRUNE: &str = "config/prune/{id}";
const SYNC: &str = "config/sync";
const ONE_SYNC: &str = "config/sync/{id}";
const VERIFY: &str = "config/verify";
const ONE_VERIFY: &str = "config/verify/{id}";
const ANY: Needs = Needs::Anybody;

/// Which rights count depends on where a job works; the handlers look.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, PRUNE, ANY, Schema(&[]), Handler::Call(list::<PruneJob>)).returns(Returns::List(&PRUNE_ITEM)),
    Route::new(Method::POST, PRUNE, ANY, PRUNE_JOB_CREATE, Handler::Call(create::<PruneJob>)),
    Route::new(Method::GET, ONE_PRUNE, ANY, Schema(&[ID]), Handler::Call(read::<PruneJob>)).returns(PRUNE_ITEM),
    Route::new(Method::PUT, ONE_PRUNE, ANY, PRUNE_JOB_UPDATE, Handler::Call(update::<PruneJob>)),
    Route::new(Method::DELETE, ONE_PRUNE, ANY, JOB_DELETE, Handler::Call(delete::<PruneJob>)),
    Route::new(Method::GET, SYNC, ANY, Schema(&[DIRECTION]), Handler::Call(list::<SyncJob>)).returns(Returns::List(&SYNC_ITEM)),
    Route::new(Method::POST, SYNC, ANY, SYNC_JOB_CREATE, Handler::Call(create::<SyncJob>)),
    Route::new(Method::GET, ONE_SYNC, ANY, Schema(&[ID]), Handler::Call(read::<SyncJob>)).returns(SYNC_ITEM),
    Route::new(Method::PUT, ONE_SYNC, ANY, SYNC_JOB_UPDATE, Handler::Call(update::<SyncJob>)),
    Route::new(Method::DELETE, ONE_SYNC, ANY, JOB_DELETE, Handler::Call(delete::<SyncJob>)),
    Route::new(Method::GET, VERIFY, ANY, Schema(&[]), Handler::Call(list::<VerifyJob>)).returns(Returns::List(&VERIFY_ITEM)),
    Route::new(Method::POST, VERIFY, ANY, VERIFY_JOB_CREATE, Handler::Call(create::<VerifyJob>)),
    Route::new(Method::GET, ONE_VERIFY, ANY, Schema(&[ID]), Handler::Call(read::<VerifyJob>)).returns(VERIFY_ITEM),
    Route::new(Method::PUT, ONE_VERIFY, ANY, VERIFY_JOB_UPDATE, Handler::Call(update::<VerifyJob>)),
    Route::new(Method::DELETE, ONE_VERIFY, ANY, JOB_DELETE, Handler::Call(delete::<VerifyJob>)),
];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Query {
    #[serde(default)]
    sync_direction: Wanted,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    digest: Option<String>,
}

/// `GET`: those that the caller may see.
pub fn list<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Query { sync_direction } = call.params.read()?;
    let (jobs, digest) = edit::entries::<J>(call.ctx.configuration().dir())?;
    let mut items = Vec::new();
    for job in jobs {
        if job.is_wanted(sync_direction) && job.is_listed(call)? {
            items.push(serde_json::to_value(&job)?);
        }
    }
    Ok(Answer::data(&items)?.beside("digest", digest.to_string()))
}

/// `GET {id}`
pub fn read<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    let (job, digest) = edit::find_entry::<J>(call.ctx.configuration().dir(), &id)?;
    job.check_read(call)?;
    let job = serde_json::to_value(&job)?;
    Ok(Answer::data(&job)?.beside("digest", digest.to_string()))
}

/// `POST`: its schedule counts from now.
pub fn create<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    let job: J = call.params.read()?;
    job.check_change(call)?;
    J::create(call.ctx.configuration().dir(), members)?;
    jobs::states(&call.ctx).create(J::TYPE, job.id(), call.ctx.now())?;
    Ok(Answer::null())
}

/// `PUT {id}`: both where it worked and where it will work must be the caller's to change.
pub fn update<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    let allowed = |before: &J, after: &J| {
        before.check_change(call)?;
        after.check_change(call)
    };
    let (before, after) = J::update(call.ctx.configuration().dir(), members, allowed)?;
    if before.schedule() != after.schedule() {
        jobs::states(&call.ctx).reschedule(J::TYPE, after.id(), call.ctx.now())?;
    }
    Ok(Answer::null())
}

/// `DELETE {id}`
pub fn delete<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Named { id, digest } = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    let job = match edit::find_entry::<J>(dir, &id) {
        Err(EditError::NoSuchEntry(..)) => Err(EditError::EntryMissing(J::NOUN, id.clone())),
        found => found,
    };
    job?.0.check_change(call)?;
    edit::remove_entry::<J>(dir, &id, &digest)?;
    jobs::states(&call.ctx).remove(J::TYPE, &id)?;
    Ok(Answer::null())
}

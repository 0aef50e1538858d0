//! `/config/prune` and `/config/verify`: the jobs, one by one and together (server.md 1.10, 2.6).

use config::edit::{self, EditError};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::jobs;
use crate::reply::Answer;
use crate::rights::{self, Rights};
use crate::route::Call;

#[derive(Deserialize)]
struct Named {
    id: String,
    digest: Option<String>,
}

/// `GET`: those that the caller may see.
pub fn list<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let (jobs, digest) = edit::entries::<J>(call.ctx.configuration().dir())?;
    let mut items = Vec::new();
    for job in jobs {
        if rights::holds(call, &job, J::LISTS)? {
            items.push(serde_json::to_value(&job)?);
        }
    }
    Ok(Answer::data(&items)?.beside("digest", digest.to_string()))
}

/// `GET {id}`
pub fn read<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    let (job, digest) = edit::find_entry::<J>(call.ctx.configuration().dir(), &id)?;
    rights::check(call, &job, J::READS)?;
    let job = serde_json::to_value(&job)?;
    Ok(Answer::data(&job)?.beside("digest", digest.to_string()))
}

/// `POST`: its schedule counts from now.
pub fn create<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    let job: J = serde_json::from_value(Value::Object(members.clone()))?;
    rights::check(call, &job, J::CHANGES)?;
    edit::create_entry::<J>(call.ctx.configuration().dir(), members)?;
    jobs::states(&call.ctx).create(J::TYPE, job.id(), call.ctx.now())?;
    Ok(Answer::null())
}

/// `PUT {id}`: both where it worked and where it will work must be the caller's to change.
pub fn update<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    let allowed = |before: &J, after: &J| {
        rights::check(call, before, J::CHANGES)?;
        rights::check(call, after, J::CHANGES)
    };
    let (before, after) =
        edit::update_entry::<J, Fault>(call.ctx.configuration().dir(), members, allowed)?;
    if before.schedule() != after.schedule() {
        jobs::states(&call.ctx).reschedule(J::TYPE, after.id(), call.ctx.now())?;
    }
    Ok(Answer::null())
}

/// `DELETE {id}`
pub fn delete<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Named { id, digest } = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    let (job, _) = edit::find_entry::<J>(dir, &id)?;
    rights::check(call, &job, J::CHANGES)?;
    match edit::remove_entry::<J>(dir, &id, &digest) {
        // Somebody else was faster.
        Err(EditError::NoSuchEntry(..)) => {}
        removed => removed?,
    }
    jobs::states(&call.ctx).remove(J::TYPE, &id)?;
    Ok(Answer::null())
}

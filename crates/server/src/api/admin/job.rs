//! `/admin/prune` and `/admin/verify`: jobs with their last and next runs, and running one now (server.md 3.4).

use config::edit;
use format::StoreName;
use serde::Deserialize;
use serde_json::Value;

use crate::fault::Fault;
use crate::jobs::{self, Patience};
use crate::reply::Answer;
use crate::rights::{self, Rights};
use crate::route::Call;

#[derive(Deserialize)]
struct Query {
    store: Option<StoreName>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// `GET`: those that the caller may see.
pub fn list<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Query { store } = call.params.read()?;
    let (jobs, digest) = edit::entries::<J>(call.ctx.configuration().dir())?;
    let mut items = Vec::new();
    for job in jobs {
        let wanted = store
            .as_ref()
            .is_none_or(|store| store.as_str() == job.store());
        if !wanted || !rights::holds(call, &job, J::LISTS)? {
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
pub fn run<J: Rights>(call: &Call) -> Result<Answer, Fault> {
    let Named { id } = call.params.read()?;
    let (job, _) = edit::find_entry::<J>(call.ctx.configuration().dir(), &id)?;
    rights::check(call, &job, J::CHANGES)?;
    let upid = job.start(&call.ctx, call.caller()?, Patience::Some)?;
    Answer::data(&upid)
}

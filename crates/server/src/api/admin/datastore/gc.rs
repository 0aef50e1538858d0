//! `/admin/datastore/{store}/gc`: garbage collection of a datastore (protocol.md 6.5).

use format::StoreName;
use serde::Deserialize;

use crate::fault::Fault;
use crate::jobs::{self, Patience};
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
struct OfStore {
    store: StoreName,
}

/// `GET`: what the last collection came to, and when the next one is.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let OfStore { store } = call.params.read()?;
    Answer::data(&serde_json::to_value(jobs::gc::job(&call.ctx, &store)?)?)
}

/// `POST`: the answer is the task's id.
pub fn start(call: &Call) -> Result<Answer, Fault> {
    let OfStore { store } = call.params.read()?;
    Answer::data(&jobs::gc::start(
        &call.ctx,
        &store,
        call.caller()?,
        Patience::Some,
    )?)
}

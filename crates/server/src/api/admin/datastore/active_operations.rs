//! `GET /admin/datastore/{store}/active-operations`: how many operations run on a datastore, in all processes (formats.md 1.9).

use format::StoreName;
use serde::Deserialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
struct OfStore {
    store: StoreName,
}

/// `GET`: also of a datastore that is in maintenance; that is when one asks.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let OfStore { store } = call.params.read()?;
    call.ctx.store_config(&store)?;
    let active = call.ctx.operations().all(&store).map_err(Fault::Read)?;
    Answer::data(&active)
}

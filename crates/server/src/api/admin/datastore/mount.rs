//! `/admin/datastore/{store}/mount` and `unmount`: the device of a removable datastore (server.md 5.4).

use std::sync::Arc;

use format::StoreName;
use serde::Deserialize;

use crate::fault::Fault;
use crate::lifecycle::device;
use crate::reply::Answer;
use crate::route::Call;
use crate::tasks::Task;

#[derive(Deserialize)]
struct OfStore {
    store: StoreName,
}

/// `POST mount`: the answer is the task's id.
pub fn mount(call: &Call) -> Result<Answer, Fault> {
    let OfStore { store } = call.params.read()?;
    let datastore = device::removable(&call.ctx, &store)?;
    let ctx = Arc::clone(&call.ctx);
    let work = move |task: &Task| device::mount(&ctx, &datastore, task);
    start(call, "mount-device", &store, work)
}

/// `POST unmount`: the answer is the task's id. It waits until nobody uses the datastore.
pub fn unmount(call: &Call) -> Result<Answer, Fault> {
    let OfStore { store } = call.params.read()?;
    let datastore = device::removable(&call.ctx, &store)?;
    let ctx = Arc::clone(&call.ctx);
    let work = move |task: &Task| device::unmount(&ctx, &datastore, task);
    start(call, "unmount-device", &store, work)
}

fn start(
    call: &Call,
    kind: &str,
    store: &StoreName,
    work: impl FnOnce(&Task) -> Result<(), String> + Send + 'static,
) -> Result<Answer, Fault> {
    let tasks = call.ctx.tasks();
    Answer::data(&tasks.spawn(kind, Some(store.as_str()), call.caller()?, work)?)
}

/// `PUT s3-refresh`
pub fn s3_refresh(call: &Call) -> Result<Answer, Fault> {
    let OfStore { store } = call.params.read()?;
    call.ctx.store_config(&store)?;
    Err(Fault::NotYet("keep datastores in object stores"))
}

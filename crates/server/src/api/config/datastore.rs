//! `/config/datastore`: settings of datastores, list, one, change.

use api::Privileges;
use config::edit::{self, EditError};
use format::StoreName;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::jobs::{self, state::JobType};
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
struct Named {
    name: StoreName,
}

/// `GET`: those that the caller may look at.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let caller = call.caller()?;
    let datastores = call.ctx.configuration().datastores()?;
    let mut shown = Vec::new();
    for datastore in datastores.value.list()? {
        let held = call
            .ctx
            .privileges(caller, &["datastore", datastore.name.as_str()])?;
        if held.intersects(Privileges::DatastoreAudit) {
            shown.push(datastore);
        }
    }
    Ok(Answer::data(&shown)?.beside("digest", datastores.digest.to_string()))
}

/// `GET {name}`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let Named { name } = call.params.read()?;
    let datastores = call.ctx.configuration().datastores()?;
    let datastore = datastores
        .value
        .get(&name)?
        .ok_or(EditError::NoSuchDatastore(name))?;
    Ok(Answer::data(&datastore)?.beside("digest", datastores.digest.to_string()))
}

/// `PUT {name}`
pub fn update(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    let Named { name } = call.params.read()?;
    let before = call.ctx.configuration().datastores()?.value.get(&name)?;
    let after = edit::update_datastore(call.ctx.configuration().dir(), members)?;
    if before.and_then(|before| before.gc_schedule) != after.gc_schedule {
        let ty = JobType::GarbageCollection;
        jobs::states(&call.ctx).reschedule(ty, name.as_str(), call.ctx.now())?;
    }
    Ok(Answer::null())
}

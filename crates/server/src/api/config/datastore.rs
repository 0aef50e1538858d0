//! `/config/datastore`: datastores and their settings: list, one, create, change, remove.

mod system_places;

use std::sync::Arc;

use api::Privileges;
use config::edit::{self, DatastoreRemoval, EditError};
use config::files::Datastore;
use format::StoreName;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::fault::{Fault, Missing, with_causes};
use crate::jobs::{self, state::JobType};
use crate::lifecycle::{Creation, House, Removal};
use crate::reply::Answer;
use crate::route::Call;
use crate::tasks::Task;

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

/// `POST`: the answer is the task's id; what can be refused is refused at once.
pub fn create(call: &Call) -> Result<Answer, Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Request {
        #[serde(flatten)]
        datastore: Datastore,
        #[serde(default)]
        reuse_datastore: bool,
    }
    let request: Request = call.params.read()?;
    let creation = Creation {
        datastore: request.datastore,
        reuse: request.reuse_datastore,
    };
    check_device(call, &creation.datastore)?;
    system_places::check(&creation.datastore)?;
    let house = house(call);
    creation.check(&house)?;
    let (name, now) = (creation.datastore.name.clone(), call.ctx.now());
    let work = move |task: &Task| {
        let made = creation.run(&house, now, task);
        made.map_err(|error| with_causes(&error))
    };
    let tasks = call.ctx.tasks();
    let id = Some(name.as_str());
    Answer::data(&tasks.spawn("create-datastore", id, call.caller()?, work)?)
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Delete {
    name: StoreName,
    #[serde(default)]
    keep_job_configs: bool,
    #[serde(default)]
    destroy_data: bool,
    digest: Option<String>,
}

/// `DELETE {name}`: the answer is the task's id.
pub fn delete(call: &Call) -> Result<Answer, Fault> {
    let request: Delete = call.params.read()?;
    let name = request.name.clone();
    let datastore = call.ctx.configuration().datastores()?.value.get(&name)?;
    let datastore = datastore.ok_or_else(|| EditError::DatastoreMissing(name.clone()))?;
    check_device(call, &datastore)?;
    let (house, ctx) = (house(call), Arc::clone(&call.ctx));
    removal(&ctx, &request).check(&house, &datastore)?;
    let work = move |task: &Task| {
        let removed = removal(&ctx, &request).run(&house, task);
        removed.map_err(|error| with_causes(&error))
    };
    let tasks = call.ctx.tasks();
    let id = Some(name.as_str());
    Answer::data(&tasks.spawn("delete-datastore", id, call.caller()?, work)?)
}

fn removal<'a>(ctx: &'a Context, request: &Delete) -> Removal<'a> {
    Removal {
        name: request.name.clone(),
        settings: DatastoreRemoval {
            keep_job_configs: request.keep_job_configs,
            digest: request.digest.clone(),
        },
        destroy_data: request.destroy_data,
        operations: Box::new(|name| ctx.operations().all(name)),
        left: Box::new(|name| ctx.tasks().left_at(name)),
        close: Box::new(|name| ctx.close_store(name)),
    }
}

/// Whoever mounts devices must be allowed to change disks.
fn check_device(call: &Call, datastore: &Datastore) -> Result<(), Fault> {
    let needed = Privileges::SysModify;
    let path = ["system", "disks"];
    if datastore.backing_device.is_none()
        || call
            .ctx
            .privileges(call.caller()?, &path)?
            .intersects(needed)
    {
        return Ok(());
    }
    let path = "/system/disks".to_owned();
    Err(Fault::Forbidden(Missing::AnyOf(needed, path)))
}

fn house(call: &Call) -> House {
    House {
        config: call.ctx.configuration().dir().clone(),
        state_dir: call.ctx.settings().state_dir.clone(),
    }
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

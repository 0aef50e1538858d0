//! `/admin/datastore/{store}/usage`: what each snapshot, group and namespace costs on disk, and what would be freed if it went. Ours alone.

use api::rest::datastore::{SpaceItem, SpaceLevel};
use format::{Namespace, StoreName};
use serde::Deserialize;
use store::{Space, SpaceError, SpaceOptions};

use crate::context::Access;
use crate::fault::{Fault, with_causes};
use crate::reply::Answer;
use crate::route::Call;
use crate::tasks::Task;

#[derive(Deserialize)]
struct Read {
    store: StoreName,
    level: Option<SpaceLevel>,
}

/// `GET`: as the last update found it; `updated` beside the data is its time, or `null` before the first.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let request: Read = call.params.read()?;
    let store = call.ctx.datastore(&request.store, Access::Read)?;
    let Some(report) = store.space() else {
        let nothing: [SpaceItem; 0] = [];
        return Ok(Answer::data(&nothing)?.beside("updated", serde_json::Value::Null));
    };
    let mut items = Vec::new();
    let mut add = |level, name: String, ns: Namespace, space: Space| {
        if request.level.is_none_or(|wanted| wanted == level) {
            items.push(SpaceItem {
                files: space.files,
                level,
                name,
                ns,
                shared: space.shared,
                unique: space.unique,
            });
        }
    };
    let root = report.namespaces.iter().find(|entry| entry.ns.is_root());
    let whole = root.map(|entry| entry.space).unwrap_or_default();
    let name = store.name().to_string();
    add(SpaceLevel::Store, name, Namespace::root(), whole);
    for entry in report.namespaces {
        let name = entry.ns.to_string();
        add(SpaceLevel::Namespace, name, entry.ns, entry.space);
    }
    for entry in report.groups {
        let name = entry.group.to_string();
        add(SpaceLevel::Group, name, entry.ns, entry.space);
    }
    for entry in report.snapshots {
        let name = entry.snapshot.to_string();
        add(SpaceLevel::Snapshot, name, entry.ns, entry.space);
    }
    Ok(Answer::data(&items)?
        .beside("updated", report.updated)
        .beside("chunks", report.chunks)
        .beside("missing-chunks", report.missing))
}

#[derive(Deserialize)]
struct Update {
    store: StoreName,
    #[serde(default)]
    anew: bool,
}

/// `POST`: counts what has changed since the last time; the answer is the task's id.
pub fn update(call: &Call) -> Result<Answer, Fault> {
    let request: Update = call.params.read()?;
    let store = call.ctx.datastore(&request.store, Access::Write)?;
    let options = SpaceOptions {
        anew: request.anew,
        ..SpaceOptions::default()
    };
    let now = call.ctx.now();
    let work = move |task: &Task| {
        let report = store
            .update_space(&options, now, task)
            .map_err(|error| match error {
                SpaceError::Stopped => "task aborted".to_owned(),
                error => with_causes(&error),
            })?;
        task.log(&format!(
            "{} snapshots need {} chunks of {} bytes",
            report.snapshots.len(),
            report.chunks,
            report.bytes
        ));
        if report.missing > 0 {
            task.warn(&format!("{} chunks are missing", report.missing));
        }
        Ok(())
    };
    let id = Some(request.store.as_str());
    let tasks = call.ctx.tasks();
    Answer::data(&tasks.spawn("datastore-usage", id, call.caller()?, work)?)
}

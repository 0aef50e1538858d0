//! `garbage-collection list`

use std::path::Path;

use anyhow::Result;
use api::rest::datastore::GcJob;
use config::Places;
use config::files::Datastore;
use console::human;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::{Value, json};
use server::jobs::state::{JobStates, JobType};
use server::jobs::{self, Shown};
use server::tasks::Tasks;

use crate::context::{Context, TaskServerArgs, node, now};
use crate::stores::{self, Access};

/// List garbage collection job status for all datastores.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    task: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// A datastore in maintenance is left out.
pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let places = args.task.server.places(context)?;
    let tasks_dir = args.task.tasks_dir(&places);
    let found = stores::all(&args.task.server.config(context)?)?;
    let items: Vec<GcJob> = found
        .iter()
        .filter_map(|datastore| job(datastore, &places, &tasks_dir, context).ok())
        .collect();
    let time = |value: &Value, _: &Value| {
        value
            .as_i64()
            .map_or_else(String::new, |s| context.ctime(s))
    };
    let bytes = |value: &Value, _: &Value| value.as_u64().map_or_else(String::new, human::bytes);
    let length =
        |value: &Value, _: &Value| value.as_f64().map_or_else(String::new, human::duration);
    let columns = [
        Column::text("store"),
        Column::number("last-run-endtime").render(time).left(),
        Column::number("duration").render(length).left(),
        Column::number("removed-bytes").render(bytes).left(),
        Column::number("pending-bytes").render(bytes).left(),
        Column::text("last-run-state"),
        Column::text("schedule"),
        Column::number("next-run").render(time).left(),
    ];
    Ok(output.list(&json!(items), &columns, &[])?)
}

/// What the server would say of a datastore's collections.
pub fn job(
    datastore: &Datastore,
    places: &Places,
    tasks_dir: &Path,
    context: &Context,
) -> Result<GcJob> {
    let store = stores::open(datastore, places, Access::Read)?;
    let (states, now) = (JobStates::new(&places.state_dir), now());
    let tasks = Tasks::open(tasks_dir, &node(), 1)?;
    let ty = JobType::GarbageCollection;
    let state = jobs::state(&states, &tasks, ty, datastore.name.as_str(), now);
    let schedule = datastore.gc_schedule.clone();
    let shown = Shown::of(state, schedule.as_deref(), now, &context.zone);
    Ok(jobs::gc::together(&store, schedule, shown))
}

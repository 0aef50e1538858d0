//! `garbage-collection status`

use anyhow::Result;
use api::kinds;
use console::output::OutputArgs;
use console::table::Column;
use format::StoreName;
use serde_json::json;

use super::list::job;
use crate::context::{Context, TaskServerArgs};
use crate::{stores, values};

/// Show garbage collection status for a specific datastore.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Datastore name.
    #[arg(value_parser = values::of(kinds::STORE))]
    store: String,

    #[command(flatten)]
    task: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Those that are always there, then those that may be.
const ALWAYS: [&str; 10] = [
    "disk-bytes",
    "disk-chunks",
    "index-data-bytes",
    "index-file-count",
    "pending-bytes",
    "pending-chunks",
    "removed-bad",
    "removed-bytes",
    "removed-chunks",
    "still-bad",
];
const NUMBERS: [&str; 3] = ["duration", "last-run-endtime", "next-run"];
const TEXTS: [&str; 4] = ["cache-stats", "last-run-state", "schedule", "upid"];

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let places = args.task.server.places(context)?;
    let config = args.task.server.config(context)?;
    let name: StoreName = args.store.parse()?;
    let tasks_dir = args.task.tasks_dir(&places);
    let datastore = stores::find(&config, &name)?;
    let mut status = json!(job(&datastore, &places, &tasks_dir, context)?);
    if let Some(members) = status.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    let mut optional: Vec<(&str, Column<'_>)> = Vec::new();
    optional.extend(NUMBERS.map(|key| (key, Column::number(key).optional())));
    optional.extend(TEXTS.map(|key| (key, Column::text(key).optional())));
    optional.sort_by_key(|(key, _)| *key);
    let columns: Vec<Column<'_>> = std::iter::once(Column::text("store"))
        .chain(ALWAYS.map(Column::number))
        .chain(optional.into_iter().map(|(_, column)| column))
        .collect();
    Ok(output.object(&status, &columns)?)
}

//! `prune-job create`

use anyhow::Result;
use api::kinds;
use config::edit::PRUNE_JOB_CREATE;
use config::files::PruneJob;
use serde_json::Map;

use super::settings::SettingsArgs;
use crate::commands::job;
use crate::context::{Context, ServerArgs};
use crate::members::add;
use crate::values;

/// Create a new prune job.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Job ID.
    #[arg(value_parser = values::of(kinds::JOB_ID))]
    id: String,

    /// Datastore name.
    #[arg(long, value_parser = values::of(kinds::STORE))]
    store: String,

    /// Run the job at specified schedule.
    #[arg(long, value_parser = values::of(kinds::CALENDAR_EVENT), value_name = "<calendar-event>")]
    schedule: String,

    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mut members = Map::new();
    add(&mut members, "id", Some(args.id));
    add(&mut members, "store", Some(args.store));
    add(&mut members, "schedule", Some(args.schedule));
    args.settings.add_to(&mut members);
    job::create::<PruneJob>(&args.server, context, PRUNE_JOB_CREATE, members)
}

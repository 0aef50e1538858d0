//! `verify-job create`

use anyhow::Result;
use api::kinds;
use config::edit::VERIFY_JOB_CREATE;
use config::files::VerifyJob;
use serde_json::Map;

use super::settings::SettingsArgs;
use crate::commands::job;
use crate::context::{Context, ServerArgs};
use crate::members::add;
use crate::values;

/// Create a new verification job.
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
    schedule: Option<String>,

    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mut members = Map::new();
    add(&mut members, "id", Some(args.id));
    add(&mut members, "store", Some(args.store));
    add(&mut members, "schedule", args.schedule);
    args.settings.add_to(&mut members);
    job::create::<VerifyJob>(&args.server, context, VERIFY_JOB_CREATE, members)
}

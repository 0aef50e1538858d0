//! `verify-job update`

use anyhow::Result;
use api::kinds;
use api::schema::Kind;
use config::edit::VERIFY_JOB_UPDATE;
use config::files::{VERIFY_DELETABLE, VerifyJob};
use serde_json::Map;

use super::settings::SettingsArgs;
use crate::commands::job;
use crate::context::{Context, ServerArgs};
use crate::members::{add, add_list};
use crate::values;

/// Update verification job configuration.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Job ID.
    #[arg(value_parser = values::of(kinds::JOB_ID))]
    id: String,

    /// Datastore name.
    #[arg(long, value_parser = values::of(kinds::STORE))]
    store: Option<String>,

    /// Run the job at specified schedule.
    #[arg(long, value_parser = values::of(kinds::CALENDAR_EVENT), value_name = "<calendar-event>")]
    schedule: Option<String>,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Properties to remove, before others are set.
    #[arg(long, value_parser = values::of(Kind::Enum(VERIFY_DELETABLE)))]
    delete: Vec<String>,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let mut members = Map::new();
    add(&mut members, "id", Some(args.id));
    add(&mut members, "store", args.store);
    add(&mut members, "schedule", args.schedule);
    args.settings.add_to(&mut members);
    add_list(&mut members, "delete", args.delete);
    add(&mut members, "digest", args.digest);
    job::update::<VerifyJob>(&args.server, context, VERIFY_JOB_UPDATE, members)
}

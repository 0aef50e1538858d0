//! `datastore update`

use anyhow::Result;
use api::kinds;
use api::schema::Kind;
use config::edit::{self, DATASTORE_UPDATE};
use config::files::DELETABLE;
use console::output::OutputArgs;
use serde_json::Map;
use server::jobs::state::{JobStates, JobType};

use super::settings::SettingsArgs;
use crate::context::{Context, ServerArgs, now};
use crate::members::{add, add_list};
use crate::{stores, values};

/// Update datastore config.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Datastore name.
    #[arg(value_parser = values::of(kinds::STORE))]
    name: String,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Settings to remove, before others are set.
    #[arg(long, value_parser = values::of(Kind::Enum(DELETABLE)))]
    delete: Vec<String>,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    context.output(&args.output)?;
    let mut members = Map::new();
    add(&mut members, "name", Some(args.name));
    args.settings.add_to(&mut members);
    add_list(&mut members, "delete", args.delete);
    add(&mut members, "digest", args.digest);
    let config = args.server.config(context)?;
    let members = DATASTORE_UPDATE.check(members)?;
    let before = stores::all(&config)?;
    let after = edit::update_datastore(&config, members)?;
    let before = before.into_iter().find(|before| before.name == after.name);
    if before.and_then(|before| before.gc_schedule) != after.gc_schedule {
        // What the new schedule asks for before now is not caught up.
        let states = JobStates::new(&args.server.places(context)?.state_dir);
        states.reschedule(JobType::GarbageCollection, after.name.as_str(), now())?;
    }
    Ok(())
}

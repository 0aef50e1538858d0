//! `datastore create`

use std::error::Error;

use anyhow::Result;
use api::kinds;
use api::schema::decode;
use config::edit::DATASTORE_CREATE;
use config::files::Datastore;
use console::output::OutputArgs;
use console::report::Failure;
use serde_json::Map;
use server::lifecycle::{Creation, House, LifecycleError};
use store::StoreError;

use super::settings::SettingsArgs;
use crate::context::{Context, TaskServerArgs, now};
use crate::members::add;
use crate::{task, values};

/// Create new datastore config.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Datastore name.
    #[arg(value_parser = values::of(kinds::STORE))]
    name: String,

    /// Either the absolute path to the datastore directory, or a relative on-device path for removable datastores.
    path: String,

    #[command(flatten)]
    settings: SettingsArgs,

    /// The UUID of the filesystem partition for removable datastores.
    #[arg(long, value_parser = values::of(kinds::UUID))]
    backing_device: Option<String>,

    /// Where the chunks lie.
    #[arg(long, value_name = "<string>")]
    backend: Option<String>,

    /// Re-use existing datastore directory.
    #[arg(long)]
    reuse_datastore: Option<bool>,

    /// Overwrite in use marker (S3 backed datastores only).
    #[arg(long)]
    overwrite_in_use: Option<bool>,

    #[command(flatten)]
    task: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let mut members = Map::new();
    add(&mut members, "name", Some(args.name));
    add(&mut members, "path", Some(args.path));
    args.settings.add_to(&mut members);
    add(&mut members, "backing-device", args.backing_device);
    add(&mut members, "backend", args.backend);
    add(&mut members, "overwrite-in-use", args.overwrite_in_use);
    let datastore: Datastore = decode(DATASTORE_CREATE.check(members)?)?;
    let places = args.task.server.places(context)?;
    let house = House {
        config: args.task.server.config(context)?,
        state_dir: places.state_dir.clone(),
    };
    let creation = Creation {
        datastore,
        reuse: args.reuse_datastore.unwrap_or(false),
    };
    // Refusals are errors of the command; only the work itself is a task, as in the original.
    creation.check(&house)?;
    let (dir, name) = (
        args.task.tasks_dir(&places),
        creation.datastore.name.as_str(),
    );
    let mut is_there = false;
    let ended = task::run(&dir, output.format, "create-datastore", name, |watch| {
        let made = creation.run(&house, now(), watch);
        is_there = made.as_ref().is_err_and(|error| is_there_already(error));
        Ok(made?)
    });
    match ended {
        Err(error) if is_there => Err(Failure::new(error.to_string())
            .hint("`--reuse-datastore true` takes it over with all the backups that it holds")
            .into()),
        ended => ended,
    }
}

/// Whether it failed because a datastore lies there; the error may stand inside that of the configuration's change.
fn is_there_already(error: &(dyn Error + 'static)) -> bool {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(LifecycleError::Store(StoreError::DatastoreAlready { .. })) =
            error.downcast_ref()
        {
            return true;
        }
        at = error.source();
    }
    false
}

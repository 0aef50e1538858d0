//! `datastore create`

use anyhow::{Result, bail};
use api::kinds;
use api::schema::decode;
use config::Places;
use config::edit::{self, DATASTORE_CREATE};
use config::files::Datastore;
use console::output::OutputArgs;
use serde_json::Map;
use store::{Options, Watch};

use super::settings::SettingsArgs;
use crate::context::{Context, TaskServerArgs};
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
    let datastore: Datastore = decode(DATASTORE_CREATE.check(members)?)?;
    let on_filesystem = datastore
        .backend
        .as_deref()
        .is_none_or(|backend| matches!(backend, "filesystem" | "type=filesystem"));
    if datastore.backing_device.is_some() || !on_filesystem || args.overwrite_in_use == Some(true) {
        bail!(
            "removable datastores and object stores are not supported yet; create the datastore on a mounted file system"
        );
    }
    let reuse = args.reuse_datastore.unwrap_or(false);
    let places = args.task.server.places(context)?;
    let config = args.task.server.config(context)?;
    let tasks_dir = args.task.tasks_dir(&places);
    // Refusals are errors of the command; only the work itself is a task, as in the original.
    edit::create_datastore(&config, &datastore, |datastore| {
        let work = |watch: &task::Printed| make(datastore, &places, reuse, watch);
        task::run(
            &tasks_dir,
            output.format,
            "create-datastore",
            datastore.name.as_str(),
            work,
        )
        .map_err(Into::into)
    })?;
    Ok(())
}

fn make(datastore: &Datastore, places: &Places, reuse: bool, watch: &dyn Watch) -> Result<()> {
    let path = datastore.directory();
    if reuse {
        watch.log(&format!("Using existing datastore at {}", path.display()));
    } else {
        store::Datastore::create(&path)?;
        watch.log(&format!("Chunkstore created at {}", path.display()));
    }
    let made = store::Datastore::open(&datastore.name, &path, Options::new(places.locks_dir()))?;
    if watch.stopped() {
        if !reuse {
            made.destroy(watch)?;
        }
        bail!("task aborted");
    }
    Ok(())
}

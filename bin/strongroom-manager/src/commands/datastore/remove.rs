//! `datastore remove`

use anyhow::Result;
use api::kinds;
use config::FileSpec;
use config::edit::{DatastoreRemoval, EditError};
use config::files::Datastores;
use console::json::Format;
use format::StoreName;
use server::lifecycle::{House, Removal};
use server::operations;

use crate::context::{Context, TaskServerArgs};
use crate::{task, values};

/// Remove a datastore configuration and optionally delete all its contents.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Datastore name.
    #[arg(value_parser = values::of(kinds::STORE))]
    name: String,

    /// Delete the datastore's underlying contents.
    #[arg(long)]
    destroy_data: Option<bool>,

    /// If enabled, the job configurations related to this datastore will be kept.
    #[arg(long)]
    keep_job_configs: Option<bool>,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    task: TaskServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let places = args.task.server.places(context)?;
    let config = args.task.server.config(context)?;
    let name: StoreName = args.name.parse()?;
    let datastore = Datastores::parse(&config.read(FileSpec::DATASTORE)?.0)?.get(&name)?;
    let datastore = datastore.ok_or_else(|| EditError::DatastoreMissing(name.clone()))?;
    let house = House {
        config,
        state_dir: places.state_dir.clone(),
    };
    let removal = Removal {
        name: name.clone(),
        settings: DatastoreRemoval {
            keep_job_configs: args.keep_job_configs.unwrap_or(false),
            digest: args.digest,
        },
        destroy_data: args.destroy_data.unwrap_or(false),
        operations: Box::new(|name| operations::of_others(&places.state_dir, name)),
        // Who these are knows the server.
        left: Box::new(|_| Vec::new()),
        // The server lets go by itself when it sees the mark.
        close: Box::new(|_| ()),
    };
    removal.check(&house, &datastore)?;
    let (dir, id) = (args.task.tasks_dir(&places), name.as_str());
    task::run(&dir, Format::Text, "delete-datastore", id, |watch| {
        Ok(removal.run(&house, watch)?)
    })
}

//! `datastore remove`

use anyhow::{Context as _, Result};
use api::kinds;
use config::edit::{self, DatastoreRemoval, EditError};
use config::files::{Datastore, Datastores, Job, PruneJob, VerifyJob};
use config::{ConfigDir, FileSpec, Places};
use console::json::Format;
use format::StoreName;
use server::jobs::state::{JobStates, JobType};
use store::{Options, Watch};

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
    let tasks_dir = args.task.tasks_dir(&places);
    let name: StoreName = args.name.parse()?;
    if Datastores::parse(&config.read(FileSpec::DATASTORE)?.0)?
        .get(&name)?
        .is_none()
    {
        return Err(EditError::DatastoreMissing(name).into());
    }
    let removal = DatastoreRemoval {
        keep_job_configs: args.keep_job_configs.unwrap_or(false),
        digest: args.digest,
    };
    let destroys = args.destroy_data.unwrap_or(false);
    let mut jobs = vec![(JobType::GarbageCollection, name.to_string())];
    if !removal.keep_job_configs {
        jobs.extend(jobs_of::<PruneJob>(&config, &name, JobType::Prune)?);
        jobs.extend(jobs_of::<VerifyJob>(&config, &name, JobType::Verify)?);
    }
    task::run(
        &tasks_dir,
        Format::Text,
        "delete-datastore",
        name.as_str(),
        |watch| {
            let release = |datastore: &Datastore| {
                release(datastore, &places, destroys, watch).map_err(Into::into)
            };
            edit::remove_datastore(&config, &name, &removal, release)?;
            watch.log("Removing datastore from config...");
            // A later datastore of this name starts anew.
            let states = JobStates::new(&places.state_dir);
            for (ty, job) in &jobs {
                states.remove(*ty, job)?;
            }
            Ok(())
        },
    )
}

/// The jobs that go with a datastore.
fn jobs_of<J: Job>(
    config: &ConfigDir,
    store: &StoreName,
    ty: JobType,
) -> Result<Vec<(JobType, String)>> {
    let (jobs, _) = edit::entries::<J>(config)?;
    let of_store = jobs.iter().filter(|job| job.store() == store.as_str());
    Ok(of_store.map(|job| (ty, job.id().to_owned())).collect())
}

/// Makes sure that nobody writes there, and removes the data if that is wanted. Data that cannot be opened are nobody's any more,
/// but they are not destroyed either.
fn release(
    datastore: &Datastore,
    places: &Places,
    destroys: bool,
    watch: &dyn Watch,
) -> Result<()> {
    let opened = store::Datastore::open(
        &datastore.name,
        &datastore.directory(),
        Options::new(places.locks_dir()),
    );
    match opened {
        Ok(opened) if destroys => {
            watch.log("Destroying datastore data...");
            opened
                .destroy(watch)
                .context("datastore is currently in use, or its data cannot be removed")
        }
        Ok(opened) => opened
            .lock_exclusive()
            .map(drop)
            .context("datastore is currently in use"),
        Err(error) if destroys => Err(error.into()),
        Err(error) => {
            watch.warn(&format!("left the data alone: {error}"));
            Ok(())
        }
    }
}

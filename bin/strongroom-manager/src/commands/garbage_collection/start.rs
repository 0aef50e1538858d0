//! `garbage-collection start`: has the server collect, or collects in this process if no server runs. Then no server that starts meanwhile begins
//! backups to this datastore until it is done.

use anyhow::{Result, anyhow};
use api::kinds;
use console::output::OutputArgs;
use format::StoreName;
use server::jobs::gc;
use server::jobs::state::JobType;

use crate::context::{Context, TaskServerArgs};
use crate::stores::{self, Access};
use crate::{task, through_server, values};

/// Start garbage collection for a specific datastore.
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

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let places = args.task.server.places(context)?;
    let config = args.task.server.config(context)?;
    let name: StoreName = args.store.parse()?;
    let datastore = stores::find(&config, &name)?;
    if through_server::run(
        &places,
        &config,
        output.format,
        &format!("admin/datastore/{name}/gc"),
    )? {
        return Ok(());
    }
    let store = stores::open(&datastore, &places, Access::Write)?;
    let options = gc::options(&datastore.tuning()?);
    let job = task::Job {
        ty: JobType::GarbageCollection,
        name: name.as_str(),
        worker_id: name.as_str(),
    };
    let tasks_dir = args.task.tasks_dir(&places);
    task::run_job(&places, &tasks_dir, output.format, &job, |watch| {
        gc::collect(&store, &options, &watch.upid(), watch).map_err(|error| anyhow!(error))
    })
}

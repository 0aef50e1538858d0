//! `prune-job run`: has the server run a job now, or runs it in this process if no server runs.

use anyhow::{Result, anyhow};
use api::{Privileges, kinds};
use config::edit;
use config::files::PruneJob;
use console::output::OutputArgs;
use format::{AuthId, Namespace, StoreName};
use server::jobs::prune;
use server::jobs::state::JobType;

use crate::context::{Context, TaskServerArgs};
use crate::stores::{self, Access};
use crate::{task, through_server, values};

/// Run a prune job now.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Job ID.
    #[arg(value_parser = values::of(kinds::JOB_ID))]
    id: String,

    #[command(flatten)]
    task: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let places = args.task.server.places(context)?;
    let config = args.task.server.config(context)?;
    let (job, _) = edit::find_entry::<PruneJob>(&config, &args.id)?;
    if through_server::run(
        &places,
        &config,
        output.format,
        &format!("admin/prune/{}/run", job.id),
    )? {
        return Ok(());
    }
    let name: StoreName = job.store.parse()?;
    let store = stores::open(&stores::find(&config, &name)?, &places, Access::Write)?;
    let tasks_dir = args.task.tasks_dir(&places);
    let worker_id = prune::worker_id(&job);
    let run = task::Job {
        ty: JobType::Prune,
        name: &job.id,
        worker_id: &worker_id,
    };
    let scope = prune::scope(&job, AuthId::root());
    task::run_job(&places, &tasks_dir, output.format, &run, |watch| {
        // root@pam may do anything.
        let held = |_: &Namespace| Ok(Privileges::ALL);
        prune::datastore(&store, &scope, &context.zone, &held, watch)
            .map_err(|error| anyhow!(error))
    })
}

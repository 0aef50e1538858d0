//! `verify-job run`: has the server run a job now, or runs it in this process if no server runs.

use anyhow::{Result, anyhow};
use api::kinds;
use config::edit;
use config::files::VerifyJob;
use console::output::OutputArgs;
use format::StoreName;
use server::jobs::state::JobType;
use server::jobs::verify;

use crate::context::{Context, TaskServerArgs, now};
use crate::stores::{self, Access};
use crate::{task, through_server, values};

/// Run a verification job now.
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
    let (job, _) = edit::find_entry::<VerifyJob>(&config, &args.id)?;
    if through_server::run(
        &places,
        &config,
        output.format,
        &format!("admin/verify/{}/run", job.id),
    )? {
        return Ok(());
    }
    let name: StoreName = job.store.parse()?;
    let store = stores::open(&stores::find(&config, &name)?, &places, Access::Read)?;
    let store = verify::with_threads(store, &job);
    let tasks_dir = args.task.tasks_dir(&places);
    let run = task::Job {
        ty: JobType::Verify,
        name: &job.id,
        worker_id: &format!("{}:{}", job.store, job.id),
    };
    let filter = verify::filter(job.ignore_verified, job.outdated_after, now());
    let what = verify::what(&job);
    task::run_job(&places, &tasks_dir, output.format, &run, |watch| {
        verify::verify(&store, &what, filter, &watch.upid(), watch).map_err(|error| anyhow!(error))
    })
}

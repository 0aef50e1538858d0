//! `task log`: the log of a task, followed while it runs.

use anyhow::Result;
use api::Upid;
use console::output::OutputArgs;

use super::task_id;
use crate::connection::connect;
use crate::context::Context;
use crate::repository::RepositoryArgs;
use crate::task_log::{self, Started};

/// Show the log of a task. The exit status tells whether the task ended well.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom task log UPID:vault:0000604A:00090D53:00000002:6B032D57:garbage_collection:tank:ann@pbs:")]
pub struct Args {
    /// The task's id.
    #[arg(value_parser = task_id)]
    upid: Upid,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let lines = task_log::Lines::open(args.output.chosen())?;
    task_log::follow(&at.client, &args.upid, Started::Elsewhere, lines).await
}

//! `garbage-collect`: remove from the datastore what no snapshot needs any more (cli.md 3.5).

use anyhow::Result;
use console::output::OutputArgs;
use remote::Query;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::RepositoryArgs;
use crate::task_log;

/// Start the garbage collection of the datastore and show its log.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom garbage-collect")]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let upid: Value = at.client.post(&at.path("gc"), &Query::new()).await?;
    task_log::report(&at.client, &upid, &output).await
}

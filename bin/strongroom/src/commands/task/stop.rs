//! `task stop`: ask a task to end.

use anyhow::Result;
use api::Upid;
use client::admin;

use super::task_id;
use crate::connection::connect;
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// Ask a task to stop; it ends when it next looks.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom task stop UPID:vault:0000604A:00090D53:00000002:6B032D57:garbage_collection:tank:ann@pbs:")]
pub struct Args {
    /// The task's id.
    #[arg(value_parser = task_id)]
    upid: Upid,

    #[command(flatten)]
    repository: RepositoryArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    Ok(admin::stop_task(&at.client, &args.upid).await?)
}

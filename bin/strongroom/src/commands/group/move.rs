//! `group move`: put a group into another namespace of its datastore.

use anyhow::Result;
use console::output::OutputArgs;
use format::{Group, Namespace};
use serde_json::Value;

use crate::commands::snapshot::group_path;
use crate::connection::{connect, in_namespace};
use crate::context::Context;
use crate::nearest::Around;
use crate::repository::{NamespaceArgs, RepositoryArgs};
use crate::task_log;

/// Move a group to another namespace of the same datastore.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom group move host/web1 --target-ns offsite")]
pub struct Args {
    /// The group (type/id).
    #[arg(value_parser = group_path)]
    group: Group,

    /// The namespace to move it to, which must exist; an empty text is the root.
    #[arg(long)]
    target_ns: Namespace,

    /// If the target has a group of that name, add to it what is newer.
    #[arg(long, action = clap::ArgAction::Set, default_value = "true")]
    merge_group: bool,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let query = in_namespace(&namespace)
        .text("backup-type", args.group.ty)
        .text("backup-id", &args.group.id)
        .text("target-ns", &args.target_ns)
        .opt("merge-group", (!args.merge_group).then_some(false));
    let upid: Value = match at.client.post(&at.path("move-group"), &query).await {
        Ok(upid) => upid,
        Err(error) => return Err(Around::of(&at, &namespace).group(&args.group, error).await),
    };
    task_log::report(&at.client, &upid, &output).await
}

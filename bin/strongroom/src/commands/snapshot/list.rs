//! `snapshot list`: all snapshots of a namespace or of one group.

use anyhow::Result;
use console::output::OutputArgs;
use console::table::Column;
use format::Group;
use serde_json::Value;

use super::group_path;
use crate::connection::{connect, in_namespace};
use crate::context::Context;
use crate::nearest::Around;
use crate::records;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// List snapshots.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom snapshot list host/web1")]
pub struct Args {
    /// Only those of this group (type/id).
    #[arg(value_parser = group_path)]
    group: Option<Group>,

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
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = in_namespace(&namespace)
        .opt(
            "backup-type",
            args.group.as_ref().map(|group| group.ty.to_string()),
        )
        .opt(
            "backup-id",
            args.group.as_ref().map(|group| group.id.to_string()),
        );
    let snapshots: Value = match at.client.get(&at.path("snapshots"), &query).await {
        Ok(snapshots) => snapshots,
        Err(error) => return Err(Around::of(&at, &namespace).place(error).await),
    };
    let columns = [
        Column::text("backup-id")
            .header("snapshot")
            .render(|_, record| records::snapshot(record, "backup-time")),
        Column::number("size").render(records::size),
        Column::text("files").render(records::files),
    ];
    Ok(output.list(&snapshots, &columns, &records::BY_SNAPSHOT)?)
}

//! `list`: the groups of a namespace.

use anyhow::Result;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::Value;

use crate::connection::{connect, in_namespace};
use crate::context::Context;
use crate::records;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// List backup groups.
#[derive(clap::Args, Debug)]
pub struct Args {
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
    let groups: Value = at
        .client
        .get(&at.path("groups"), &in_namespace(&namespace))
        .await?;
    let columns = [
        Column::text("backup-id")
            .header("group")
            .render(|_, record| records::group(record)),
        Column::number("last-backup")
            .header("last snapshot")
            .left()
            .render(|_, record| records::snapshot(record, "last-backup")),
        Column::number("backup-count"),
        Column::text("files").render(records::files),
    ];
    Ok(output.list(&groups, &columns, &records::BY_GROUP)?)
}

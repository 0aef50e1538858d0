//! `snapshot files`: the archives of a snapshot.

use anyhow::Result;
use console::output::OutputArgs;
use console::table::Column;
use format::Snapshot;
use serde_json::Value;

use super::{of_snapshot, snapshot_path};
use crate::connection::connect;
use crate::context::Context;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// List the files of a snapshot.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

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
    let files: Value = at
        .client
        .get(&at.path("files"), &of_snapshot(&namespace, &args.snapshot))
        .await?;
    let columns = [
        Column::text("filename"),
        Column::text("crypt-mode"),
        Column::number("size"),
    ];
    Ok(output.list(&files, &columns, &[])?)
}

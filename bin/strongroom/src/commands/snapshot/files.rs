//! `snapshot files`: the archives of a snapshot.

use anyhow::Result;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::Value;

use super::SnapshotArgs;
use crate::context::Context;

/// List the files of a snapshot.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom snapshot files host/web1/2026-01-05T02:00:00Z")]
pub struct Args {
    #[command(flatten)]
    snapshot: SnapshotArgs,

    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let (at, query) = args.snapshot.open(context).await?;
    let files: Value = at.told(at.client().get(&at.path("files"), &query)).await?;
    let columns = [
        Column::text("filename"),
        Column::text("crypt-mode"),
        Column::number("size"),
    ];
    Ok(output.list(&files, &columns, &[])?)
}

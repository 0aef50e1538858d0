//! `snapshot forget`: remove a snapshot; its chunks go with the next garbage collection.

use anyhow::Result;
use serde_json::Value;

use super::SnapshotArgs;
use crate::context::Context;

/// Remove a snapshot.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom snapshot forget host/web1/2026-01-05T02:00:00Z")]
pub struct Args {
    #[command(flatten)]
    snapshot: SnapshotArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let (at, query) = args.snapshot.open(context).await?;
    at.told(at.client().delete::<Value>(&at.path("snapshots"), &query))
        .await?;
    Ok(())
}

//! `snapshot forget`: remove a snapshot; its chunks go with the next garbage collection.

use anyhow::Result;
use serde_json::Value;

use super::SnapshotArgs;
use crate::context::Context;

/// Remove a snapshot.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    snapshot: SnapshotArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let (at, query) = args.snapshot.open(context).await?;
    at.client
        .delete::<Value>(&at.path("snapshots"), &query)
        .await?;
    Ok(())
}

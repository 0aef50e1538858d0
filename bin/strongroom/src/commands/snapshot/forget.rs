//! `snapshot forget`: remove a snapshot; its chunks go with the next garbage collection.

use anyhow::Result;
use format::Snapshot;
use serde_json::Value;

use super::{of_snapshot, snapshot_path};
use crate::connection::connect;
use crate::context::Context;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// Remove a snapshot.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let namespace = args.namespace.resolve(&context.environment)?;
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = of_snapshot(&namespace, &args.snapshot);
    at.client
        .delete::<Value>(&at.path("snapshots"), &query)
        .await?;
    Ok(())
}

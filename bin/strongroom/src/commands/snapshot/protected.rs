//! `snapshot protected show|update`: a protected snapshot is neither pruned nor forgotten.

use anyhow::Result;
use clap::{ArgAction, Subcommand};
use console::output::OutputArgs;
use format::Snapshot;
use serde_json::{Value, json};

use super::{of_snapshot, snapshot_path};
use crate::connection::connect;
use crate::context::Context;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// Protection of a snapshot.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show whether the snapshot is protected.
    Show(ShowArgs),
    /// Protect the snapshot or end its protection.
    Update(UpdateArgs),
}

#[derive(clap::Args, Debug)]
pub struct ShowArgs {
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

#[derive(clap::Args, Debug)]
pub struct UpdateArgs {
    /// The snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

    /// Whether it shall be protected.
    #[arg(action = ArgAction::Set)]
    protected: bool,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Show(args) => show(args, context).await,
            Command::Update(args) => update(args, context).await,
        }
    }
}

async fn show(args: ShowArgs, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = of_snapshot(&namespace, &args.snapshot);
    let protected: bool = at.client.get(&at.path("protected"), &query).await?;
    Ok(output.value(&json!({ "protected": protected }), || {
        format!("{protected}\n")
    })?)
}

async fn update(args: UpdateArgs, context: &Context) -> Result<()> {
    let namespace = args.namespace.resolve(&context.environment)?;
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = of_snapshot(&namespace, &args.snapshot).set("protected", args.protected);
    at.client
        .put::<Value>(&at.path("protected"), &query)
        .await?;
    Ok(())
}

//! `snapshot notes show|update`: free text kept with a snapshot.

use anyhow::Result;
use clap::Subcommand;
use console::output::OutputArgs;
use format::Snapshot;
use serde_json::{Value, json};

use super::{of_snapshot, snapshot_path};
use crate::connection::connect;
use crate::context::Context;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// Notes of a snapshot.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show the notes.
    Show(ShowArgs),
    /// Replace the notes; an empty text removes them.
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

    /// The new text.
    notes: String,

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
    let notes: String = at
        .client
        .get(&at.path("notes"), &of_snapshot(&namespace, &args.snapshot))
        .await?;
    Ok(output.value(&json!({ "notes": notes }), || format!("{notes}\n"))?)
}

async fn update(args: UpdateArgs, context: &Context) -> Result<()> {
    let namespace = args.namespace.resolve(&context.environment)?;
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = of_snapshot(&namespace, &args.snapshot).set("notes", args.notes);
    at.client.put::<Value>(&at.path("notes"), &query).await?;
    Ok(())
}

//! `snapshot protected show|update`: a protected snapshot is neither pruned nor forgotten.

use anyhow::Result;
use clap::{ArgAction, Subcommand};
use console::output::OutputArgs;
use serde_json::{Value, json};

use super::SnapshotArgs;
use crate::context::Context;

/// Protection of a snapshot.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show whether the snapshot is protected.
    Show(ShowArgs),
    /// Protect the snapshot or end its protection.
    Update(UpdateArgs),
}

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom snapshot protected show host/web1/2026-01-05T02:00:00Z")]
pub struct ShowArgs {
    #[command(flatten)]
    snapshot: SnapshotArgs,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(clap::Args, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    snapshot: SnapshotArgs,

    /// Whether it shall be protected.
    #[arg(action = ArgAction::Set)]
    protected: bool,
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
    let (at, query) = args.snapshot.open(context).await?;
    let protected: bool = at
        .told(at.client().get(&at.path("protected"), &query))
        .await?;
    Ok(output.value(&json!({ "protected": protected }), || {
        format!("{protected}\n")
    })?)
}

async fn update(args: UpdateArgs, context: &Context) -> Result<()> {
    let (at, query) = args.snapshot.open(context).await?;
    let query = query.set("protected", args.protected);
    at.told(at.client().put::<Value>(&at.path("protected"), &query))
        .await?;
    Ok(())
}

//! `snapshot notes show|update`: free text kept with a snapshot.

use anyhow::Result;
use clap::Subcommand;
use console::output::OutputArgs;
use serde_json::{Value, json};

use super::SnapshotArgs;
use crate::context::Context;

/// Notes of a snapshot.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show the notes.
    Show(ShowArgs),
    /// Replace the notes; an empty text removes them.
    Update(UpdateArgs),
}

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom snapshot notes show host/web1/2026-01-05T02:00:00Z")]
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

    /// The new text.
    notes: String,
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
    let notes: String = at.told(at.client().get(&at.path("notes"), &query)).await?;
    Ok(output.value(&json!({ "notes": notes }), || format!("{notes}\n"))?)
}

async fn update(args: UpdateArgs, context: &Context) -> Result<()> {
    let (at, query) = args.snapshot.open(context).await?;
    let query = query.set("notes", args.notes);
    at.told(at.client().put::<Value>(&at.path("notes"), &query))
        .await?;
    Ok(())
}

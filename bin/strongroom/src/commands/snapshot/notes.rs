//! `snapshot notes show|update`: free text kept with a snapshot.

use anyhow::Result;
use api::defaults::PATH_BYTES_MAX;
use clap::Subcommand;
use console::output::OutputArgs;
use console::report::Failure;
use remote::Query;
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
    let (path, room) = (at.path("notes"), room(&at.path("notes"), &query));
    let query = query.set("notes", args.notes);
    let is_long = query_bytes(&path, &query) > PATH_BYTES_MAX;
    let answer = at.client().put::<Value>(&path, &query).await;
    match answer {
        Err(error) if is_long => Err(Failure::new(error.to_string())
            .cause(error)
            .hint(format!(
                "notes of this snapshot may have {room} bytes; a blank, a line end or any sign but letters, digits and `-._~` counts as three"
            ))
            .into()),
        answer => at.told(std::future::ready(answer)).await.map(drop),
    }
}

/// Bytes that are left for notes: they travel in the request's line, which servers limit.
fn room(path: &str, query: &Query) -> usize {
    let empty = query_bytes(path, query) + "&notes=".len();
    PATH_BYTES_MAX.saturating_sub(empty)
}

fn query_bytes(path: &str, query: &Query) -> usize {
    format!("/api2/json{path}?{query}").len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_fill_the_request() {
        let path = "/admin/datastore/main/notes";
        let query = Query::new().text("backup-id", "x");
        let room = room(path, &query);
        for (len, fits) in [(room, true), (room + 1, false)] {
            let query = Query::new()
                .text("backup-id", "x")
                .set("notes", "n".repeat(len));
            assert_eq!(query_bytes(path, &query) <= PATH_BYTES_MAX, fits);
        }
    }
}

//! `catalog ...`: the names inside archives.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod dump;
mod shell;

/// Catalog of a snapshot.
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  strongroom catalog dump host/web1")]
pub enum Command {
    Dump(dump::Args),
    Shell(shell::Args),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Dump(args) => dump::run(args, context).await,
            Command::Shell(args) => shell::run(args, context).await,
        }
    }
}

//! `group ...`: what is done to a group as a whole.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod forget;
mod r#move;

/// Groups of snapshots.
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  strongroom group forget host/old")]
pub enum Command {
    Forget(forget::Args),
    Move(r#move::Args),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Forget(args) => forget::run(args, context).await,
            Command::Move(args) => r#move::run(args, context).await,
        }
    }
}

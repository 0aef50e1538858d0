//! `namespace ...`: folders of groups.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod create;
mod delete;
mod list;
mod r#move;

/// Namespaces of a datastore.
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  strongroom namespace create offsite
  strongroom namespace list")]
pub enum Command {
    Create(create::Args),
    Delete(delete::Args),
    List(list::Args),
    Move(r#move::Args),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Create(args) => create::run(args, context).await,
            Command::Delete(args) => delete::run(args, context).await,
            Command::List(args) => list::run(args, context).await,
            Command::Move(args) => r#move::run(args, context).await,
        }
    }
}

//! `acl ...`: access control entries.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod list;
mod update;

/// Access control entries.
#[derive(Subcommand, Debug)]
pub enum Command {
    List(list::Args),
    Update(update::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::List(args) => list::run(args, context),
            Command::Update(args) => update::run(args, context),
        }
    }
}

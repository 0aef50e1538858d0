//! `garbage-collection ...`: freeing the space of chunks that no snapshot needs.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod list;
mod start;
mod status;

/// Garbage collection of datastores.
#[derive(Subcommand, Debug)]
pub enum Command {
    List(list::Args),
    Start(start::Args),
    Status(status::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::List(args) => list::run(args, context),
            Command::Start(args) => start::run(args, context),
            Command::Status(args) => status::run(args, context),
        }
    }
}

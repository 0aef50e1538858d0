//! `task ...`: what the server, or another manager, does and did. `task stop` is a row.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod list;
mod log;

/// Tasks: running and finished work.
#[derive(Subcommand, Debug)]
pub enum Command {
    List(list::Args),
    Log(log::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::List(args) => list::run(args, context),
            Command::Log(args) => log::run(args, context),
        }
    }
}

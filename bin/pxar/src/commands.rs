//! The command tree; each verb has a file of its own below.

use anyhow::Result;
use clap::Parser;

use crate::log::Log;

mod create;
mod extract;
mod list;

/// Makes, lists and unpacks archives.
#[derive(Parser, Debug)]
#[command(name = "pxar")]
pub enum Command {
    Create(create::Args),
    Extract(extract::Args),
    List(list::Args),
}

impl Command {
    pub fn run(self, log: &Log) -> Result<()> {
        match self {
            Command::Create(args) => create::run(args, log),
            Command::Extract(args) => extract::run(args, log),
            Command::List(args) => list::run(args, log),
        }
    }
}

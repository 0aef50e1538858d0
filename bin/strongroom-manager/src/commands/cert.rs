//! `cert ...`: the server's certificate.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod info;
mod update;

/// The server's certificate.
#[derive(Subcommand, Debug)]
pub enum Command {
    Info(info::Args),
    Update(update::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Info(args) => info::run(args, context),
            Command::Update(args) => update::run(args, context),
        }
    }
}

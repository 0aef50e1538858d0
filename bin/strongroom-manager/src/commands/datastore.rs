//! `datastore ...`: making and removing datastores, which this build's API does not do.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod create;
mod remove;
mod settings;
mod uuid_mount;

/// Datastores and their settings.
#[derive(Subcommand, Debug)]
pub enum Command {
    Create(Box<create::Args>),
    Remove(remove::Args),
    UuidMount(uuid_mount::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Create(args) => create::run(*args, context),
            Command::Remove(args) => remove::run(args, context),
            Command::UuidMount(args) => uuid_mount::run(args, context),
        }
    }
}

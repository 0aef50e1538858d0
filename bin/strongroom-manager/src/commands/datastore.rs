//! `datastore ...`: datastores and their settings.

use anyhow::Result;
use clap::Subcommand;

use crate::context::Context;

mod create;
mod list;
mod remove;
mod settings;
mod show;
mod update;

/// Datastores and their settings.
#[derive(Subcommand, Debug)]
pub enum Command {
    Create(Box<create::Args>),
    List(list::Args),
    Remove(remove::Args),
    Show(show::Args),
    Update(Box<update::Args>),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Create(args) => create::run(*args, context),
            Command::List(args) => list::run(args, context),
            Command::Remove(args) => remove::run(args, context),
            Command::Show(args) => show::run(args, context),
            Command::Update(args) => update::run(*args, context),
        }
    }
}

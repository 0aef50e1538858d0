//! `debug ...`: look into stored files, rescue data without a server, compare snapshots (cli.md 4.2). Called by the name
//! `proxmox-backup-debug` these are the whole program.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::context::Context;

mod api;
mod diff;
mod inspect;
mod recover;

/// Look into stored files, rescue data, compare snapshots.
#[derive(Parser, Debug)]
#[command(name = "proxmox-backup-debug", version, disable_version_flag = true)]
pub enum Command {
    #[command(subcommand)]
    Api(api::Command),
    #[command(subcommand)]
    Diff(Diff),
    #[command(subcommand)]
    Inspect(inspect::Command),
    #[command(subcommand)]
    Recover(Recover),
}

/// Compare snapshots.
#[derive(Subcommand, Debug)]
pub enum Diff {
    Archive(Box<diff::Args>),
}

/// Rescue data.
#[derive(Subcommand, Debug)]
pub enum Recover {
    Index(recover::Args),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Api(command) => command.run(context).await,
            Command::Diff(Diff::Archive(args)) => diff::run(*args, context).await,
            Command::Inspect(command) => command.run(context),
            Command::Recover(Recover::Index(args)) => recover::run(args, context),
        }
    }
}

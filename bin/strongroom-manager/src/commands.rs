//! The commands that are more than one call of the API; each verb has a file of its own below. All others are rows (`rows.rs`).

use anyhow::Result;
use clap::Parser;

use crate::context::Context;

mod acme;
mod cert;
mod completion;
mod datastore;
mod export;
mod import;
mod man;
mod task;
mod versions;

/// Administers a local backup server.
#[derive(Parser, Debug)]
#[command(name = "strongroom-manager", version, disable_version_flag = true)]
#[command(after_help = "Examples:
  strongroom-manager datastore create tank /srv/tank
  strongroom-manager user create ann@pbs --password ...
  strongroom-manager acl update /datastore/tank DatastoreAdmin --auth-id ann@pbs
  strongroom-manager help prune-job create")]
pub enum Command {
    #[command(subcommand)]
    Acme(acme::Command),
    #[command(subcommand)]
    Cert(cert::Command),
    // Hidden, as they are no part of the original's tree and its unique prefixes.
    #[command(hide = true)]
    Completion(completion::Args),
    #[command(subcommand)]
    Datastore(datastore::Command),
    #[command(next_help_heading = "Additions")]
    Export(export::Args),
    #[command(next_help_heading = "Additions")]
    Import(import::Args),
    #[command(hide = true)]
    Man(man::Args),
    #[command(subcommand)]
    Task(task::Command),
    Versions(versions::Args),
}

impl Command {
    /// `tree` is the whole tree, with the rows.
    pub fn run(self, tree: clap::Command, context: &Context) -> Result<()> {
        match self {
            Command::Acme(command) => command.run(context),
            Command::Cert(command) => command.run(context),
            Command::Completion(args) => completion::run(args, &context.program),
            Command::Datastore(command) => command.run(context),
            Command::Export(args) => export::run(args, context),
            Command::Import(args) => import::run(args, context),
            Command::Man(args) => man::run(args, tree),
            Command::Task(command) => command.run(context),
            Command::Versions(args) => versions::run(args, context),
        }
    }
}

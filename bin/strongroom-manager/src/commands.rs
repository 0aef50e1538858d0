//! The commands that are more than one call of the API; each verb has a file of its own below. All others are rows (`rows.rs`).

use anyhow::Result;
use clap::Parser;

use crate::context::Context;

mod cert;
mod datastore;
mod task;

/// Administers a local backup server.
#[derive(Parser, Debug)]
#[command(name = "strongroom-manager")]
#[command(after_help = "Examples:
  strongroom-manager datastore create tank /srv/tank
  strongroom-manager user create ann@pbs --password ...
  strongroom-manager acl update /datastore/tank DatastoreAdmin --auth-id ann@pbs
  strongroom-manager help prune-job create")]
pub enum Command {
    #[command(subcommand)]
    Cert(cert::Command),
    #[command(subcommand)]
    Datastore(datastore::Command),
    #[command(subcommand)]
    Task(task::Command),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Cert(command) => command.run(context),
            Command::Datastore(command) => command.run(context),
            Command::Task(command) => command.run(context),
        }
    }
}

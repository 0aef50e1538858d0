//! The command tree; each verb has a file of its own below.

use anyhow::Result;
use clap::Parser;

use crate::context::Context;

mod acl;
mod cert;
mod datastore;
mod garbage_collection;
mod job;
mod prune_job;
mod user;
mod verify;
mod verify_job;

/// Administers a local backup server.
#[derive(Parser, Debug)]
#[command(name = "strongroom-manager")]
pub enum Command {
    #[command(subcommand)]
    Acl(acl::Command),
    #[command(subcommand)]
    Cert(cert::Command),
    #[command(subcommand)]
    Datastore(datastore::Command),
    #[command(subcommand)]
    GarbageCollection(garbage_collection::Command),
    #[command(subcommand)]
    PruneJob(prune_job::Command),
    #[command(subcommand)]
    User(user::Command),
    Verify(verify::Args),
    #[command(subcommand)]
    VerifyJob(verify_job::Command),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Acl(command) => command.run(context),
            Command::Cert(command) => command.run(context),
            Command::Datastore(command) => command.run(context),
            Command::GarbageCollection(command) => command.run(context),
            Command::PruneJob(command) => command.run(context),
            Command::User(command) => command.run(context),
            Command::Verify(args) => verify::run(args, context),
            Command::VerifyJob(command) => command.run(context),
        }
    }
}

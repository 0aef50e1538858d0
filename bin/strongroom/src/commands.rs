//! The command tree; each verb has a file of its own below.

use anyhow::Result;
use clap::Parser;

use crate::context::Context;

mod backup;
mod catalog;
mod change_owner;
mod garbage_collect;
mod group;
mod key;
mod list;
mod login;
mod logout;
mod namespace;
mod prune;
mod restore;
mod server_identity;
mod snapshot;
mod status;
mod task;
mod version;

/// Backs up files and images to a backup server, and brings them back.
#[derive(Parser, Debug)]
#[command(name = "strongroom")]
pub enum Command {
    Backup(Box<backup::Args>),
    #[command(subcommand)]
    Catalog(catalog::Command),
    ChangeOwner(change_owner::Args),
    GarbageCollect(garbage_collect::Args),
    #[command(subcommand)]
    Group(group::Command),
    #[command(subcommand)]
    Key(key::Command),
    List(list::Args),
    Login(login::Args),
    Logout(logout::Args),
    #[command(subcommand)]
    Namespace(namespace::Command),
    Prune(Box<prune::Args>),
    Restore(Box<restore::Args>),
    ServerIdentity(server_identity::Args),
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    Status(status::Args),
    #[command(subcommand)]
    Task(task::Command),
    Version(version::Args),
}

/// Old short names, at the top level only.
pub const ALIASES: &[console::args::Alias<'_>] = &[
    ("snapshots", &["snapshot", "list"]),
    ("files", &["snapshot", "files"]),
    ("forget", &["snapshot", "forget"]),
    ("upload-log", &["snapshot", "upload-log"]),
];

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Backup(args) => backup::run(*args, context).await,
            Command::Catalog(command) => command.run(context).await,
            Command::ChangeOwner(args) => change_owner::run(args, context).await,
            Command::GarbageCollect(args) => garbage_collect::run(args, context).await,
            Command::Group(command) => command.run(context).await,
            Command::Key(command) => command.run(context),
            Command::List(args) => list::run(args, context).await,
            Command::Login(args) => login::run(args, context).await,
            Command::Logout(args) => logout::run(args, context),
            Command::Namespace(command) => command.run(context).await,
            Command::Prune(args) => prune::run(*args, context).await,
            Command::Restore(args) => restore::run(*args, context).await,
            Command::ServerIdentity(args) => server_identity::run(args, context).await,
            Command::Snapshot(command) => command.run(context).await,
            Command::Status(args) => status::run(args, context).await,
            Command::Task(command) => command.run(context).await,
            Command::Version(args) => version::run(args, context).await,
        }
    }
}

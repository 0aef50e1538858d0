//! The command tree; each verb has a file of its own below.

use std::process::ExitCode;

use anyhow::Result;
use base64::Engine as _;
use clap::Parser;
use console::report::Failure;

use crate::context::Context;

mod backup;
pub mod bashcomplete;
mod benchmark;
mod catalog;
mod change_owner;
mod completion;
pub mod debug;
pub mod file_restore;
mod garbage_collect;
mod group;
mod key;
mod list;
mod login;
mod logout;
pub mod manual;
mod map;
mod mount;
mod namespace;
mod nbd;
mod prune;
mod restore;
mod search;
mod server_identity;
mod snapshot;
mod status;
#[cfg(test)]
mod table;
mod task;
mod unmap;
mod version;

pub use restore::archive_name;
pub use snapshot::group_or_snapshot_path;

/// A path in an archive as JSON. Of one that is no UTF-8 the bytes are told too, as `file-restore` writes them.
fn put_path(item: &mut serde_json::Value, path: &[u8]) {
    item["path"] = String::from_utf8_lossy(path).into();
    if std::str::from_utf8(path).is_err() {
        item["filepath"] = base64::engine::general_purpose::STANDARD
            .encode(path)
            .into();
    }
}

/// Backs up files and images to a backup server, and brings them back.
#[derive(Parser, Debug)]
#[command(name = "strongroom", version, disable_version_flag = true)]
#[command(after_help = "Examples:
  strongroom backup root.pxar:/ --repository ann@pbs@vault:tank
  strongroom list
  strongroom restore host/web1 root.pxar /tmp/restored
  strongroom help backup")]
pub enum Command {
    Backup(Box<backup::Args>),
    Benchmark(benchmark::Args),
    #[command(subcommand)]
    Catalog(catalog::Command),
    ChangeOwner(change_owner::Args),
    // Hidden, as they are no part of the original's tree and its unique prefixes.
    #[command(hide = true)]
    Completion(completion::Args),
    #[command(subcommand)]
    Debug(debug::Command),
    #[command(subcommand)]
    FileRestore(file_restore::Command),
    GarbageCollect(garbage_collect::Args),
    #[command(subcommand)]
    Group(group::Command),
    #[command(subcommand)]
    Key(key::Command),
    List(list::Args),
    Login(login::Args),
    Logout(logout::Args),
    #[command(hide = true)]
    Man(manual::Args),
    Map(Box<map::Args>),
    Mount(Box<mount::Args>),
    #[command(subcommand)]
    Namespace(namespace::Command),
    // The heading keeps `n` a name for `namespace`, as it is the original's.
    #[command(next_help_heading = "Additions")]
    Nbd(Box<nbd::Args>),
    Prune(Box<prune::Args>),
    Restore(Box<restore::Args>),
    // As above: `se` stays a name for `server-identity`.
    #[command(next_help_heading = "Additions")]
    Search(Box<search::Args>),
    ServerIdentity(server_identity::Args),
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    Status(status::Args),
    #[command(subcommand)]
    Task(task::Command),
    Unmap(unmap::Args),
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
    /// Puts commands that serve to the background, before any thread is started. A status means that this process has
    /// nothing left to do.
    pub fn split(&mut self) -> Result<Option<ExitCode>, Failure> {
        match self {
            Command::Map(args) => args.split(),
            Command::Mount(args) => args.split(),
            _ => Ok(None),
        }
    }

    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Backup(args) => backup::run(*args, context).await,
            Command::Benchmark(args) => benchmark::run(args, context).await,
            Command::Catalog(command) => command.run(context).await,
            Command::ChangeOwner(args) => change_owner::run(args, context).await,
            Command::Completion(args) => completion::run(args, &context.program),
            Command::Debug(command) => command.run(context).await,
            Command::FileRestore(command) => command.run(context).await,
            Command::GarbageCollect(args) => garbage_collect::run(args, context).await,
            Command::Group(command) => command.run(context).await,
            Command::Key(command) => command.run(context),
            Command::List(args) => list::run(args, context).await,
            Command::Login(args) => login::run(args, context).await,
            Command::Man(args) => manual::run(args, <Command as clap::CommandFactory>::command()),
            Command::Logout(args) => logout::run(args, context),
            Command::Map(args) => map::run(*args, context).await,
            Command::Mount(args) => mount::run(*args, context).await,
            Command::Namespace(command) => command.run(context).await,
            Command::Nbd(args) => nbd::run(*args, context).await,
            Command::Prune(args) => prune::run(*args, context).await,
            Command::Restore(args) => restore::run(*args, context).await,
            Command::Search(args) => search::run(*args, context).await,
            Command::ServerIdentity(args) => server_identity::run(args, context).await,
            Command::Snapshot(command) => command.run(context).await,
            Command::Status(args) => status::run(args, context).await,
            Command::Task(command) => command.run(context).await,
            Command::Unmap(args) => unmap::run(args, context),
            Command::Version(args) => version::run(args, context).await,
        }
    }
}

//! `debug api ...`: the server's REST interface by hand (cli.md 4.2).
//!
//! The server is the one of the usual options and variables; without any it is the one on this machine, as `root@pam`. It checks the parameters
//! itself, so nothing is known here of what a call takes; `ls` and `usage` ask the server for its description.

use ::api::Repository;
use anyhow::Result;
use clap::Subcommand;

use crate::connection::{Connection, connect};
use crate::context::Context;
use crate::repository::{RepositoryArgs, Target};

mod call;
mod description;
mod ls;
mod usage;

/// Call the server's API.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Call the API with POST: create something, start something.
    Create(call::Args),
    /// Call the API with DELETE.
    Delete(call::Args),
    /// Call the API with GET.
    Get(call::Args),
    Ls(ls::Args),
    /// Call the API with PUT: change something.
    Set(call::Args),
    Usage(usage::Args),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Create(args) => call::run(call::Verb::Create, args, context).await,
            Command::Delete(args) => call::run(call::Verb::Delete, args, context).await,
            Command::Get(args) => call::run(call::Verb::Get, args, context).await,
            Command::Ls(args) => ls::run(args, context).await,
            Command::Set(args) => call::run(call::Verb::Set, args, context).await,
            Command::Usage(args) => usage::run(args, context).await,
        }
    }
}

/// The server that is meant. A datastore is part of every repository and means nothing here.
async fn open(repository: &RepositoryArgs, context: &Context) -> Result<Connection> {
    let target = match repository.is_absent(&context.environment) {
        false => repository.resolve(&context.environment)?,
        true => Target {
            // `root@pam` at `localhost`, by default.
            repository: Repository {
                auth_id: None,
                host: None,
                port: None,
                store: "none".parse()?,
            },
            ca_file: None,
        },
    };
    connect(context, target, None).await
}

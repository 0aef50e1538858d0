//! `snapshot ...`: what can be asked of and done to one snapshot.

use anyhow::Result;
use clap::Subcommand;
use format::{Group, GroupOrSnapshot, Namespace, Snapshot};
use remote::{Client, Query};

use crate::connection::{Connection, connect, in_namespace};
use crate::context::Context;
use crate::nearest::Around;
use crate::repository::{NamespaceArgs, RepositoryArgs};

mod files;
mod forget;
mod list;
mod notes;
mod protected;
mod upload_log;

/// Snapshots of a group.
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  strongroom snapshot list host/web1
  strongroom snapshot files host/web1/2026-01-05T02:00:00Z")]
pub enum Command {
    Files(files::Args),
    Forget(forget::Args),
    List(list::Args),
    #[command(subcommand)]
    Notes(notes::Command),
    #[command(subcommand)]
    Protected(protected::Command),
    UploadLog(upload_log::Args),
}

impl Command {
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::Files(args) => files::run(args, context).await,
            Command::Forget(args) => forget::run(args, context).await,
            Command::List(args) => list::run(args, context).await,
            Command::Notes(command) => command.run(context).await,
            Command::Protected(command) => command.run(context).await,
            Command::UploadLog(args) => upload_log::run(args, context).await,
        }
    }
}

/// Options of every command about one snapshot.
#[derive(clap::Args, Debug)]
pub struct SnapshotArgs {
    /// The snapshot (type/id/time).
    #[arg(value_parser = snapshot_path)]
    snapshot: Snapshot,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
}

impl SnapshotArgs {
    /// Connects; with the parameters that name the snapshot to the API.
    async fn open(self, context: &Context) -> Result<(OpenSnapshot, Query)> {
        let namespace = self.namespace.resolve(&context.environment)?;
        let repository = self.repository.resolve(&context.environment)?;
        let connection = connect(context, repository, None).await?;
        let query = of_snapshot(&namespace, &self.snapshot);
        let open = OpenSnapshot {
            connection,
            namespace,
            snapshot: self.snapshot,
        };
        Ok((open, query))
    }
}

/// A snapshot that a server is asked about.
struct OpenSnapshot {
    connection: Connection,
    namespace: Namespace,
    snapshot: Snapshot,
}

impl OpenSnapshot {
    fn client(&self) -> &Client {
        &self.connection.client
    }

    fn path(&self, below: &str) -> String {
        self.connection.path(below)
    }

    /// The answer, or the error with what is near if the snapshot is not there.
    async fn told<T>(&self, answer: impl Future<Output = Result<T, remote::Error>>) -> Result<T> {
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let around = Around::of(&self.connection, &self.namespace);
                Err(around.snapshot(&self.snapshot, error).await)
            }
        }
    }
}

/// A name on the command line is none; the texts are the original's.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PathError {
    #[error("unable to parse backup group path '{0}'")]
    Group(String),
    #[error("unable to parse backup snapshot path '{0}'")]
    Snapshot(String),
    #[error("unable to parse backup group or snapshot path '{0}'")]
    Either(String),
}

pub fn group_path(text: &str) -> Result<Group, PathError> {
    text.parse().map_err(|_| PathError::Group(text.into()))
}

pub fn snapshot_path(text: &str) -> Result<Snapshot, PathError> {
    text.parse().map_err(|_| PathError::Snapshot(text.into()))
}

pub fn group_or_snapshot_path(text: &str) -> Result<GroupOrSnapshot, PathError> {
    text.parse().map_err(|_| PathError::Either(text.into()))
}

/// The parameters that name one snapshot to the API.
fn of_snapshot(namespace: &Namespace, snapshot: &Snapshot) -> Query {
    in_namespace(namespace)
        .text("backup-type", snapshot.group.ty)
        .text("backup-id", &snapshot.group.id)
        .set("backup-time", snapshot.time.epoch())
}

//! `change-owner`: give a group to another user or API token.

use anyhow::Result;
use client::admin::Store;
use format::{AuthId, Group};

use super::snapshot::group_path;
use crate::connection::connect;
use crate::context::Context;
use crate::nearest::Around;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// Change who owns a group, and so who may add snapshots to it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom change-owner host/web1 ann@pbs!laptop")]
pub struct Args {
    /// The group (type/id).
    #[arg(value_parser = group_path)]
    group: Group,

    /// The new owner: user@realm[!token].
    new_owner: AuthId,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let namespace = args.namespace.resolve(&context.environment)?;
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let store = Store::new(&at.client, &at.repository.store);
    let changed = store.change_owner(&namespace, &args.group, &args.new_owner);
    match changed.await {
        Ok(()) => Ok(()),
        Err(error) => Err(Around::of(&at, &namespace).group(&args.group, error).await),
    }
}

//! `namespace delete`: refused by the server while it holds groups, unless they shall go too.

use anyhow::Result;
use console::report::Failure;
use format::Namespace;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::{RepositoryArgs, namespace_or_default};

/// Remove a namespace. That it does not exist is no error.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom namespace delete offsite --delete-groups true")]
pub struct Args {
    /// The namespace, like `a/b`.
    ns: Option<Namespace>,

    /// Also remove all groups in it.
    #[arg(long)]
    delete_groups: Option<bool>,

    #[command(flatten)]
    repository: RepositoryArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let namespace = namespace_or_default(args.ns, &context.environment)?;
    if namespace.is_root() {
        let hint = "name one: `strongroom namespace delete NAME`";
        return Err(Failure::new("root namespace cannot be deleted")
            .hint(hint)
            .into());
    }
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = remote::Query::new()
        .text("ns", &namespace)
        .opt("delete-groups", args.delete_groups);
    at.client
        .delete::<Value>(&at.path("namespace"), &query)
        .await?;
    Ok(())
}

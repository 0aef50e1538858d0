//! `namespace create`: its parent must exist.

use anyhow::Result;
use console::report::Failure;
use format::Namespace;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::{RepositoryArgs, namespace_or_default};

/// Make a namespace. That it exists already is no error.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom namespace create offsite")]
pub struct Args {
    /// The namespace, like `a/b`.
    ns: Option<Namespace>,

    #[command(flatten)]
    repository: RepositoryArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let namespace = namespace_or_default(args.ns, &context.environment)?;
    let Some(name) = namespace.name() else {
        let hint = "name one: `strongroom namespace create NAME`";
        return Err(Failure::new("root namespace is always present")
            .hint(hint)
            .into());
    };
    let parent = namespace.parent().filter(|parent| !parent.is_root());
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = remote::Query::new()
        .text("name", name)
        .opt("parent", parent.map(|parent| parent.to_string()));
    at.client
        .post::<Value>(&at.path("namespace"), &query)
        .await?;
    Ok(())
}

//! `namespace move`: give a namespace, with all that is in it, another name or parent.

use anyhow::Result;
use console::args::integer;
use console::output::OutputArgs;
use console::report::Failure;
use format::Namespace;
use remote::Query;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::{RepositoryArgs, namespace_or_default};
use crate::task_log;

/// Move a namespace, with its groups and the namespaces below, to another place of the same
/// datastore.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom namespace move offsite --target-ns archive/offsite")]
pub struct Args {
    /// The namespace, like `a/b`.
    ns: Option<Namespace>,

    /// What it shall be called; the parent of that must exist.
    #[arg(long)]
    target_ns: Namespace,

    /// How deep to descend.
    #[arg(long, value_name = "<integer> (0 - 7)", value_parser = integer(0, 7), default_value = "7")]
    max_depth: i64,

    /// Remove the namespaces that are empty afterwards.
    #[arg(long, action = clap::ArgAction::Set, default_value = "true")]
    delete_source: bool,

    /// If the target has a group of the same name, add to it what is newer.
    #[arg(long, action = clap::ArgAction::Set, default_value = "true")]
    merge_groups: bool,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let namespace = namespace_or_default(args.ns, &context.environment)?;
    if namespace.is_root() {
        return Err(Failure::new("root namespace cannot be moved")
            .hint("name one: `strongroom namespace move NAME --target-ns NEW`")
            .into());
    }
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let query = Query::new()
        .text("ns", &namespace)
        .text("target-ns", &args.target_ns)
        .opt("max-depth", (args.max_depth != 7).then_some(args.max_depth))
        .opt("delete-source", (!args.delete_source).then_some(false))
        .opt("merge-groups", (!args.merge_groups).then_some(false));
    let upid: Value = at.client.post(&at.path("move-namespace"), &query).await?;
    task_log::report(&at.client, &upid, &output).await
}

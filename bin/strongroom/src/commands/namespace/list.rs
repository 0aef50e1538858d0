//! `namespace list`: one namespace per line.

use anyhow::Result;
use console::args::integer;
use console::output::OutputArgs;
use format::Namespace;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::{RepositoryArgs, namespace_or_default};

/// List the namespaces below a namespace, or all of them.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom namespace list
  strongroom namespace list offsite --max-depth 1")]
pub struct Args {
    /// The namespace to begin at.
    ns: Option<Namespace>,

    /// How deep to descend.
    #[arg(long, value_name = "<integer> (0 - 7)", value_parser = integer(0, 7))]
    max_depth: Option<i64>,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let parent = namespace_or_default(args.ns, &context.environment)?;
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = remote::Query::new()
        .opt("max-depth", args.max_depth)
        .opt("parent", (!parent.is_root()).then(|| parent.to_string()));
    // The whole envelope, since that is what the original prints as JSON.
    let answer = at.client.envelope(&at.path("namespace"), &query).await?;
    Ok(output.value(&answer, || text(&answer["data"]))?)
}

/// A line for each but the root, with its comment if it has one.
fn text(data: &Value) -> String {
    let mut text = String::new();
    for entry in data.as_array().into_iter().flatten() {
        let name = entry["ns"].as_str().unwrap_or_default();
        match entry["comment"].as_str() {
            _ if name.is_empty() => {}
            Some(comment) => text += &format!("{name} ({comment})\n"),
            None => text += &format!("{name}\n"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn lines() {
        let data = json!([{"ns": ""}, {"ns": "a", "comment": "x"}, {"ns": "a/b"}]);
        assert_eq!(super::text(&data), "a (x)\na/b\n");
    }
}

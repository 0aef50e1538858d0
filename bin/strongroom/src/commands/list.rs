//! `list`: the groups of a namespace.

use anyhow::Result;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::Value;

use crate::connection::{connect, in_namespace};
use crate::context::Context;
use crate::nearest::Around;
use crate::records;
use crate::repository::{NamespaceArgs, RepositoryArgs};

/// List backup groups.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom list
  strongroom list --ns offsite --output-format json")]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    namespace: NamespaceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// A group whose snapshots are all gone has no last one.
fn last_snapshot(_: &Value, record: &Value) -> String {
    match record["backup-count"].as_u64() {
        Some(0) => String::new(),
        _ => records::snapshot(record, "last-backup"),
    }
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let namespace = args.namespace.resolve(&context.environment)?;
    let at = connect(
        context,
        args.repository.resolve(&context.environment)?,
        None,
    )
    .await?;
    let query = in_namespace(&namespace);
    let groups: Value = match at.client.get(&at.path("groups"), &query).await {
        Ok(groups) => groups,
        Err(error) => return Err(Around::of(&at, &namespace).place(error).await),
    };
    let columns = [
        Column::text("backup-id")
            .header("group")
            .render(|_, record| records::group(record)),
        Column::number("last-backup")
            .header("last snapshot")
            .left()
            .render(last_snapshot),
        Column::number("backup-count"),
        Column::text("files").render(records::files),
    ];
    Ok(output.list(&groups, &columns, &records::BY_GROUP)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_group_has_no_last_snapshot() {
        for (count, time, expected) in [
            (0, 0, ""),
            (2, 1_700_000_000, "host/demo/2023-11-14T22:13:20Z"),
        ] {
            let record = json!({"backup-type": "host", "backup-id": "demo", "backup-count": count, "last-backup": time});
            assert_eq!(last_snapshot(&record["last-backup"], &record), expected);
        }
    }
}

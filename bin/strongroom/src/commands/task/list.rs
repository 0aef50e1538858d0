//! `task list`: tasks of the datastore that this user has started.

use anyhow::Result;
use console::args::integer;
use console::output::OutputArgs;
use console::table::{Column, Kind};
use remote::Query;
use serde_json::Value;

use crate::connection::connect;
use crate::context::Context;
use crate::repository::RepositoryArgs;

/// List the tasks that run, or the newest of all with --all.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom task list --all --limit 10")]
pub struct Args {
    /// How many tasks to list.
    #[arg(long, value_name = "<integer> (1 - 1000)", value_parser = integer(1, 1000), default_value = "50")]
    limit: i64,

    /// Also list tasks that have ended.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let query = Query::new()
        .set("limit", args.limit)
        .set("running", !args.all)
        .set("start", 0)
        .text("store", &at.repository.store)
        .text("userfilter", at.repository.auth_id());
    let tasks: Value = at.client.get("/nodes/localhost/tasks", &query).await?;
    let time = |value: &Value, _: &Value| {
        let epoch_s = value.as_i64();
        epoch_s
            .map(|epoch_s| context.ctime(epoch_s))
            .unwrap_or_default()
    };
    let columns = [
        Column::number("starttime").left().render(time),
        Column::number("endtime").left().render(time),
        Column::text("upid"),
        Column::text("status").render(status),
    ];
    Ok(output.list(&tasks, &columns, &[("starttime", Kind::Number)])?)
}

fn status(value: &Value, record: &Value) -> String {
    match (value.as_str(), record["endtime"].is_null()) {
        (Some(text), _) => text,
        (None, true) => "running",
        (None, false) => "unknown",
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::status;

    #[test]
    fn a_task_without_status() {
        for (record, expected) in [
            (json!({"endtime": 5, "status": "OK"}), "OK"),
            (json!({"endtime": 5}), "unknown"),
            (json!({}), "running"),
        ] {
            assert_eq!(status(&record["status"], &record), expected);
        }
    }
}

//! `prune`: which snapshots of a group are kept, and the end of the others (cli.md 3.6).

use anyhow::Result;
use console::args::integer;
use console::output::OutputArgs;
use console::table::{Column, Kind};
use format::{Group, Namespace};
use remote::Query;
use serde_json::Value;

use super::snapshot::group_path;
use crate::connection::{connect, in_namespace};
use crate::context::Context;
use crate::nearest::Around;
use crate::records;
use crate::repository::RepositoryArgs;

/// Remove the snapshots of a group that no rule keeps. Without any rule all are kept.
///
/// The data itself goes with the next garbage collection.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom prune host/web1 --keep-last 3 --keep-daily 14 --keep-monthly 12 --dry-run
  strongroom prune vm/105 --keep-last 7 --output-format json")]
pub struct Args {
    /// The group (type/id).
    #[arg(value_parser = group_path)]
    group: Group,

    #[command(flatten)]
    keep: KeepArgs,

    /// Only show what would be removed.
    #[arg(long)]
    dry_run: Option<bool>,

    /// Show only the snapshots that are removed.
    #[arg(long)]
    quiet: bool,

    /// The namespace; PBS_NAMESPACE does not count here.
    #[arg(long)]
    ns: Option<Namespace>,

    /// Handed to the server, which refuses it for a single group.
    #[arg(long, value_name = "<integer> (0 - 7)", value_parser = integer(0, 7))]
    max_depth: Option<i64>,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What is kept.
#[derive(clap::Args, Debug, Default)]
struct KeepArgs {
    /// Keep the last so many.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    keep_last: Option<i64>,

    /// Keep the last of so many hours.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    keep_hourly: Option<i64>,

    /// Keep the last of so many days.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    keep_daily: Option<i64>,

    /// Keep the last of so many weeks.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    keep_weekly: Option<i64>,

    /// Keep the last of so many months.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    keep_monthly: Option<i64>,

    /// Keep the last of so many years.
    #[arg(long, value_name = "<integer> (1 - N)", value_parser = integer(1, i64::MAX))]
    keep_yearly: Option<i64>,
}

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let query = args.query();
    let repository = args.repository.resolve(&context.environment)?;
    let at = connect(context, repository, None).await?;
    let mut plan: Value = match at.client.post(&at.path("prune"), &query).await {
        Ok(plan) => plan,
        Err(error) => {
            let namespace = args.ns.unwrap_or_default();
            return Err(Around::of(&at, &namespace).group(&args.group, error).await);
        }
    };
    if args.quiet {
        only_removed(&mut plan);
    }
    let columns = [
        Column::text("backup-id")
            .header("snapshot")
            .render(|_, record| records::snapshot(record, "backup-time")),
        Column::text("backup-time")
            .header("date")
            .right()
            .render(|time, _| context.ctime(time.as_i64().unwrap_or_default())),
        Column::new("keep", Kind::Boolean)
            .header("action")
            .render(action),
    ];
    Ok(output.list(&plan, &columns, &records::BY_SNAPSHOT)?)
}

impl Args {
    fn query(&self) -> Query {
        in_namespace(&self.ns.clone().unwrap_or_default())
            .text("backup-type", self.group.ty)
            .text("backup-id", &self.group.id)
            .opt("dry-run", self.dry_run)
            .opt("max-depth", self.max_depth)
            .opt("keep-last", self.keep.keep_last)
            .opt("keep-hourly", self.keep.keep_hourly)
            .opt("keep-daily", self.keep.keep_daily)
            .opt("keep-weekly", self.keep.keep_weekly)
            .opt("keep-monthly", self.keep.keep_monthly)
            .opt("keep-yearly", self.keep.keep_yearly)
    }
}

fn is_kept(record: &Value) -> bool {
    record["keep"].as_bool().unwrap_or(true)
}

fn only_removed(plan: &mut Value) {
    if let Value::Array(records) = plan {
        records.retain(|record| !is_kept(record));
    }
}

fn action(_: &Value, record: &Value) -> String {
    match is_kept(record) {
        true => "keep",
        false => "remove",
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn what_the_server_is_asked() {
        let group = json!({"backup-type": "vm", "backup-id": "105"});
        for (line, expected) in [
            ("vm/105", json!({})),
            (
                "vm/105 --keep-last 3 --dry-run=false --ns a/b",
                json!({"keep-last": 3, "dry-run": false, "ns": "a/b"}),
            ),
            (
                "vm/105 --keep-hourly 1 --keep-daily 2 --keep-weekly 3 --keep-monthly 4 --keep-yearly 5 --dry-run=true",
                json!({"keep-hourly": 1, "keep-daily": 2, "keep-weekly": 3, "keep-monthly": 4, "keep-yearly": 5, "dry-run": true}),
            ),
        ] {
            let words = std::iter::once("prune").chain(line.split(' '));
            let asked = Line::try_parse_from(words).unwrap().args.query().to_json();
            let mut whole = group.as_object().unwrap().clone();
            whole.extend(expected.as_object().unwrap().clone());
            assert_eq!(asked, Value::Object(whole), "{line}");
        }
    }

    #[test]
    fn quiet_shows_removals() {
        let mut plan = json!([{"keep": true}, {"keep": false}]);
        only_removed(&mut plan);
        assert_eq!(plan, json!([{"keep": false}]));
    }
}

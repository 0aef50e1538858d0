//! `task list`

use anyhow::Result;
use api::schema::Kind;
use console::output::OutputArgs;
use console::table::Column;
use http::Method;
use serde_json::{Map, Value, json};

use crate::context::{Context, TaskServerArgs};
use crate::row::At;
use crate::{run, values};

/// List running server tasks.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The maximal number of tasks to list.
    #[arg(long, default_value = "50", value_parser = values::integer(Kind::Integer { min: 1, max: 1000 }), value_name = "<integer> (1 - 1000)")]
    limit: i64,

    /// Also list stopped tasks.
    #[arg(long)]
    all: Option<bool>,

    #[command(flatten)]
    server: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let mut members = Map::new();
    members.insert("node".to_owned(), json!("localhost"));
    members.insert("limit".to_owned(), json!(args.limit));
    members.insert("running".to_owned(), json!(!args.all.unwrap_or(false)));
    let said = run::on_site(At::Server, &args.server, context, async |site| {
        site.call(&Method::GET, "nodes/{node}/tasks", members.clone())
            .await
    })?;
    let time = |value: &Value, _: &Value| {
        let time = value.as_i64();
        time.map_or_else(String::new, |time| context.ctime(time))
    };
    // A task without an end runs, or nobody knows how it ended.
    let status = |value: &Value, record: &Value| match value.as_str() {
        Some(status) => status.to_owned(),
        None if record["endtime"].is_null() => "running".to_owned(),
        None => "unknown".to_owned(),
    };
    let columns = [
        Column::number("starttime").left().render(time),
        Column::number("endtime").left().render(time),
        Column::text("upid"),
        Column::text("status").render(status),
    ];
    Ok(output.list(&said.data, &columns, &[])?)
}

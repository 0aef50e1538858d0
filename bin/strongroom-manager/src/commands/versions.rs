//! `versions`

use anyhow::Result;
use console::output::OutputArgs;
use http::Method;
use serde_json::{Map, Value, json};

use crate::context::{Context, TaskServerArgs};
use crate::row::At;
use crate::run;

/// List package versions.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Also what the server is made of.
    #[arg(long)]
    verbose: bool,

    #[command(flatten)]
    server: TaskServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Without `--verbose` the server alone, which comes first.
pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let mut members = Map::new();
    members.insert("node".to_owned(), json!("localhost"));
    let said = run::on_site(At::Here, &args.server, context, async |site| {
        site.call(&Method::GET, "nodes/{node}/apt/versions", members)
            .await
    })?;
    let items = said.data.as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = match args.verbose {
        true => items,
        false => items.get(..1).unwrap_or_default(),
    };
    Ok(output.value(&json!(shown), || text(shown))?)
}

/// Package, version and what else is known, padded, without a frame.
fn text(items: &[Value]) -> String {
    let rows: Vec<[String; 3]> = items.iter().map(version).collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let (package, number) = (width(0), width(1));
    let line = |[name, version, extra]: &[String; 3]| {
        format!("{name:package$} {version:number$} {extra}")
            .trim_end()
            .to_owned()
            + "\n"
    };
    rows.iter().map(line).collect()
}

fn version(record: &Value) -> [String; 3] {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let version = Some(text("Version")).filter(|text| !text.is_empty());
    [
        text("Package"),
        version.unwrap_or_else(|| "unknown".to_owned()),
        text("ExtraInfo"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_padded() {
        let data = [
            json!({"Package": "a-long-name", "Version": "1", "ExtraInfo": "running kernel: 6.1"}),
            json!({"Package": "b", "Version": "4.2.3-1", "ExtraInfo": "running version: 4.2.3"}),
            json!({"Package": "c"}),
        ];
        assert_eq!(
            text(&data),
            "a-long-name 1       running kernel: 6.1\nb           4.2.3-1 running version: 4.2.3\nc           unknown\n"
        );
    }
}

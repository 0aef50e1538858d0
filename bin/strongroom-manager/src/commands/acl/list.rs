//! `acl list`

use anyhow::Result;
use api::rest::access::acl_items;
use config::FileSpec;
use config::files::parse_acl;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::{Value, json};

use crate::context::{Context, ServerArgs};

/// Access Control list.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let tree = parse_acl(&args.server.config(context)?.read(FileSpec::ACL)?.0)?;
    let columns = [
        Column::text("ugid").render(ugid),
        Column::text("path"),
        Column::boolean("propagate"),
        Column::text("roleid"),
    ];
    Ok(output.list(&json!(acl_items(&tree, None, false)), &columns, &[])?)
}

/// Groups are marked by `@`.
fn ugid(value: &Value, record: &Value) -> String {
    let id = value.as_str().unwrap_or_default();
    if record["ugid_type"] == "group" {
        format!("@{id}")
    } else {
        id.to_owned()
    }
}

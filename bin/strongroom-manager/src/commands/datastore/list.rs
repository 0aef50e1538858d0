//! `datastore list`

use anyhow::Result;
use config::FileSpec;
use config::files::Datastores;
use console::output::OutputArgs;
use console::table::Column;
use serde_json::json;

use crate::context::{Context, ServerArgs};

/// Datastore list.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let datastores = Datastores::parse(&args.server.config(context)?.read(FileSpec::DATASTORE)?.0)?;
    let columns = [
        Column::text("name"),
        Column::text("path"),
        Column::text("comment"),
    ];
    Ok(output.list(&json!(datastores.list()?), &columns, &[])?)
}

//! `datastore show`

use anyhow::Result;
use api::kinds;
use api::schema::{Kind, Param};
use config::FileSpec;
use config::edit::EditError;
use config::files::{DATASTORE, Datastores};
use console::output::OutputArgs;
use console::table::{Column, Kind as Shown};
use format::StoreName;
use serde_json::json;

use crate::context::{Context, ServerArgs};
use crate::values;

/// Show datastore configuration.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Datastore name.
    #[arg(value_parser = values::of(kinds::STORE))]
    name: String,

    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let datastores = Datastores::parse(&args.server.config(context)?.read(FileSpec::DATASTORE)?.0)?;
    let name: StoreName = args.name.parse()?;
    let datastore = datastores
        .get(&name)?
        .ok_or(EditError::NoSuchDatastore(name))?;
    Ok(output.object(&json!(datastore), &columns())?)
}

/// What must be there first, then all else by name.
fn columns() -> Vec<Column<'static>> {
    let mut params: Vec<&Param> = DATASTORE.schema.params().collect();
    params.sort_by_key(|param| (param.optional, param.name));
    let shown = |param: &&Param| match param.kind {
        Kind::Boolean => Shown::Boolean,
        Kind::Integer { .. } | Kind::Number { .. } => Shown::Number,
        _ => Shown::Text,
    };
    let column = |param: &Param| {
        let column = Column::new(param.name, shown(&param));
        if param.optional {
            column.optional()
        } else {
            column
        }
    };
    std::iter::once(Column::text("name"))
        .chain(params.into_iter().map(column))
        .collect()
}

//! `datastore show`

use anyhow::Result;
use api::kinds;
use config::FileSpec;
use config::edit::EditError;
use config::files::{DATASTORE, Datastores};
use console::output::OutputArgs;
use format::StoreName;
use serde_json::json;

use crate::context::{Context, ServerArgs};
use crate::{columns, values};

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
    Ok(output.object(
        &json!(datastore),
        &columns::of_object("name", DATASTORE.schema),
    )?)
}

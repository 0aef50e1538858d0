//! `datastore update`

use anyhow::Result;
use api::kinds;
use api::schema::Kind;
use config::edit::{self, DATASTORE_UPDATE};
use config::files::DELETABLE;
use console::output::OutputArgs;
use serde_json::Map;

use super::settings::SettingsArgs;
use crate::context::{Context, ServerArgs};
use crate::members::{add, add_list};
use crate::values;

/// Update datastore config.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Datastore name.
    #[arg(value_parser = values::of(kinds::STORE))]
    name: String,

    #[command(flatten)]
    settings: SettingsArgs,

    /// Settings to remove, before others are set.
    #[arg(long, value_parser = values::of(Kind::Enum(DELETABLE)))]
    delete: Vec<String>,

    /// Refuse if the file has another SHA-256 digest.
    #[arg(long, value_parser = values::of(kinds::DIGEST))]
    digest: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    context.output(&args.output)?;
    let mut members = Map::new();
    add(&mut members, "name", Some(args.name));
    args.settings.add_to(&mut members);
    add_list(&mut members, "delete", args.delete);
    add(&mut members, "digest", args.digest);
    edit::update_datastore(
        &args.server.config(context)?,
        DATASTORE_UPDATE.check(members)?,
    )?;
    Ok(())
}

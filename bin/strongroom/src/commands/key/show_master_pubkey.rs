//! `key show-master-pubkey`: the numbers of a public master key.

use std::path::PathBuf;

use anyhow::Result;
use console::output::OutputArgs;
use console::report::Failure;
use console::table::Column;
use serde_json::json;

use super::import_master_pubkey::{exponent, load, modulus};
use crate::context::Context;
use crate::keys::DEFAULT_MASTER_KEY;

/// Show a public master key.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom key show-master-pubkey master-public.pem")]
pub struct Args {
    /// The public key in PEM form; without it the default one.
    path: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let default = || context.places.find_config(DEFAULT_MASTER_KEY);
    let path = args.path.or_else(default).ok_or_else(|| {
        Failure::new("no public master key file specified and no default file found")
            .hint("name a file, or make one the default with `strongroom key import-master-pubkey`")
    })?;
    let (_, key) = load(&path)?;
    let absolute = path.canonicalize().unwrap_or(path);
    let record = json!({
        "path": absolute.display().to_string(),
        "modulus": modulus(&key),
        "exponent": exponent(&key),
        "length": key.bits(),
    });
    let columns = [
        Column::text("path"),
        Column::text("modulus"),
        Column::text("exponent"),
        Column::number("length"),
    ];
    Ok(output.object(&record, &columns)?)
}

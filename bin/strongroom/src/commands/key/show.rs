//! `key show`: what a key file tells without its passphrase.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Result;
use console::output::OutputArgs;
use console::report::Failure;
use console::table::Column;
use format::{Kdf, KeyFile};
use serde_json::{Value, json};

use super::existing;
use crate::context::Context;
use crate::keys;

/// Show when and how an encryption key was made, and its fingerprint.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom key show
  strongroom key show key.json --output-format json")]
pub struct Args {
    /// The key's file; without it the default key.
    path: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let path = existing(args.path, context)?;
    let failed = |error: std::io::Error| {
        Failure::new(format!(
            "unable to read key from '{}' - {error}",
            path.display()
        ))
        .cause(error)
    };
    let bytes = File::open(&path).and_then(keys::read_key).map_err(failed)?;
    let file = KeyFile::from_json(&bytes).map_err(|error| {
        Failure::new(format!("'{}' is not a key file", path.display()))
            .cause(error)
            .hint("a key file is made by `strongroom key create`")
    })?;
    let mut record = json!({
        // Quoted, also inside JSON, as the original prints it.
        "path": format!("{path:?}"),
        "kdf": Kdf::name(file.kdf.as_ref()),
        "created": file.created.epoch(),
        "modified": file.modified.epoch(),
    });
    if let Some(fingerprint) = file.fingerprint {
        record["fingerprint"] = fingerprint.to_string().into();
    }
    if let Some(hint) = file.hint {
        record["hint"] = hint.into();
    }
    let time = |value: &Value, _: &Value| {
        value
            .as_i64()
            .map(|epoch_s| context.ctime(epoch_s))
            .unwrap_or_default()
    };
    let columns = [
        Column::text("path"),
        Column::text("kdf"),
        Column::number("created").render(time),
        Column::number("modified").render(time),
        Column::text("fingerprint").optional(),
        Column::text("hint").optional(),
    ];
    Ok(output.object(&record, &columns)?)
}

//! `key change-passphrase`: the same key, locked anew.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Result;
use console::args::matching;
use console::report::Failure;
use crypto::SystemRandom;
use crypto::keyfile;
use std::io::{self, IsTerminal};

use super::{Kdf, check_hint, existing, local_now};
use crate::context::Context;
use crate::{keys, places};

/// Change the passphrase of an encryption key.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The key's file; without it the default key.
    path: Option<PathBuf>,

    /// How the key is protected by a passphrase.
    #[arg(long, default_value = "scrypt")]
    kdf: Kdf,

    /// What reminds you of the passphrase; it stands in the file for all to read.
    #[arg(long, value_parser = matching(1..=64, |_| true))]
    hint: Option<String>,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    check_hint(args.kdf, &args.hint)?;
    let is_default = args.path.is_none();
    let path = existing(args.path, context)?;
    if is_default {
        tracing::info!("updating default key at: {path:?}");
    }
    if !io::stdin().is_terminal() {
        let failure = Failure::new("unable to change passphrase - no tty");
        return Err(failure.hint("run this on a terminal").into());
    }
    let name = format!("'{}'", path.display());
    let read = File::open(&path).and_then(keys::read_key);
    let json = read.map_err(|error| {
        Failure::new(format!("unable to read key from {name} - {error}")).cause(error)
    })?;
    let (key, info) = keys::unlock(&json, &name, context)?;
    let passphrase = args.kdf.ask("New Password: ")?;
    let protection = args.kdf.protection(passphrase.as_ref());
    let modified = local_now(context)?;
    let file = keyfile::create(
        &key,
        protection,
        args.hint,
        info.created,
        modified,
        &mut SystemRandom,
    )?;
    places::replace(&path, file.to_json().as_bytes(), 0o600).map_err(|error| {
        Failure::new(format!("unable to write key file {name} - {error}")).cause(error)
    })?;
    Ok(())
}

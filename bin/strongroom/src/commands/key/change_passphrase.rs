//! `key change-passphrase`: the same key, locked anew.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Result;
use console::report::Failure;
use crypto::SystemRandom;
use crypto::keyfile;

use super::passphrase::LockArgs;
use super::{existing, local_now};
use crate::context::Context;
use crate::keys;
use crate::places;

/// Change the passphrase of an encryption key, or how it protects the key.
///
/// The old one is asked for, or taken from PBS_ENCRYPTION_PASSWORD; the new one is asked for,
/// or taken from PBS_NEW_ENCRYPTION_PASSWORD.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom key change-passphrase key.json
  strongroom key change-passphrase key.json --kdf none")]
pub struct Args {
    /// The key's file; without it the default key.
    path: Option<PathBuf>,

    #[command(flatten)]
    lock: LockArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    args.lock.check()?;
    let is_default = args.path.is_none();
    let path = existing(args.path, context)?;
    if is_default {
        tracing::info!("updating default key at: {path:?}");
    }
    if args.lock.needs_terminal(context) {
        let failure = Failure::new("unable to change passphrase - no tty");
        return Err(failure
            .hint("run this on a terminal, or set PBS_NEW_ENCRYPTION_PASSWORD")
            .into());
    }
    let name = format!("'{}'", path.display());
    let read = File::open(&path).and_then(keys::read_key);
    let json = read.map_err(|error| {
        Failure::new(format!("unable to read key from {name} - {error}")).cause(error)
    })?;
    let (key, info) = keys::unlock(&json, &name, context)?;
    let passphrase = args.lock.passphrase("New Password: ", context)?;
    let protection = args.lock.protection(passphrase.as_ref());
    let modified = local_now(context)?;
    let file = keyfile::create(
        &key,
        protection,
        args.lock.hint,
        info.created,
        modified,
        &mut SystemRandom,
    )?;
    places::replace(&path, file.to_json().as_bytes(), 0o600).map_err(|error| {
        Failure::new(format!("unable to write key file {name} - {error}")).cause(error)
    })?;
    Ok(())
}

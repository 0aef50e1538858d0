//! `key create`: a new random key in a new file.

use std::path::PathBuf;

use anyhow::Result;
use console::report::Failure;
use crypto::keyfile;
use crypto::{Key, SystemRandom};

use super::passphrase::LockArgs;
use super::{default_place, local_now, taken};
use crate::context::Context;
use crate::keys::DEFAULT_KEY;
use crate::places;

/// Make a new encryption key. Keep a copy of it: without the key its backups are lost.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom key create
  strongroom key create key.json --kdf none")]
pub struct Args {
    /// The new file; without it the default key is made.
    path: Option<PathBuf>,

    #[command(flatten)]
    lock: LockArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    args.lock.check()?;
    let path = match args.path {
        Some(path) => path,
        None => {
            let path = default_place(DEFAULT_KEY, context)?;
            tracing::info!("creating default key at: {path:?}");
            path
        }
    };
    if path.exists() {
        return Err(taken(&path).into());
    }
    let passphrase = args.lock.passphrase("Encryption Key Password: ", context)?;
    let mut random = SystemRandom;
    let key = Key::generate(&mut random)?;
    let time = local_now(context)?;
    let protection = args.lock.protection(passphrase.as_ref());
    let file = keyfile::create(&key, protection, args.lock.hint, time, time, &mut random)?;
    places::create(&path, file.to_json().as_bytes(), 0o600).map_err(|error| {
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => taken(&path),
            _ => Failure::new(format!(
                "unable to create key file '{}' - {error}",
                path.display()
            ))
            .cause(error),
        }
    })?;
    Ok(())
}

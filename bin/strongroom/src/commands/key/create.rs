//! `key create`: a new random key in a new file.

use std::path::PathBuf;

use anyhow::Result;
use console::args::matching;
use console::report::Failure;
use crypto::keyfile;
use crypto::{Key, SystemRandom};

use super::{Kdf, check_hint, default_place, local_now};
use crate::context::Context;
use crate::places;

/// Make a new encryption key. Keep a copy of it: without the key its backups are lost.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The new file; without it the default key is made.
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
    let path = match args.path {
        Some(path) => path,
        None => {
            let path = default_place(context)?;
            tracing::info!("creating default key at: {path:?}");
            path
        }
    };
    if path.exists() {
        return Err(taken(&path).into());
    }
    let passphrase = args.kdf.ask("Encryption Key Password: ")?;
    let mut random = SystemRandom;
    let key = Key::generate(&mut random)?;
    let time = local_now(context)?;
    let protection = args.kdf.protection(passphrase.as_ref());
    let file = keyfile::create(&key, protection, args.hint, time, time, &mut random)?;
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

fn taken(path: &std::path::Path) -> Failure {
    let text = format!(
        "unable to create key file '{}' - File exists (os error 17)",
        path.display()
    );
    Failure::new(text).hint("choose another name; a key is never overwritten")
}

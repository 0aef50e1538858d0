//! `key create-master-key`: the pair that rescues the encryption keys of all backups.

use std::path::Path;

use anyhow::Result;
use console::report::Failure;
use crypto::SystemRandom;
use crypto::rsa::MasterPrivateKey;

use super::import_master_pubkey::log_numbers;
use super::passphrase::new_secret;
use crate::context::Context;
use crate::environment::MASTER_KEY_PASSWORD;
use crate::places;

const PUBLIC: &str = "master-public.pem";
const PRIVATE: &str = "master-private.pem";

/// Make a master key: `master-public.pem` and `master-private.pem` in this directory.
///
/// Files of these names are replaced. The public key goes to every client
/// (`key import-master-pubkey`), the private one to a safe place.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom key create-master-key")]
pub struct Args {}

pub fn run(_: Args, context: &Context) -> Result<()> {
    let password = new_secret(
        MASTER_KEY_PASSWORD,
        "Master Key Password: ",
        context,
        || {
            Failure::new("unable to create master key - no tty")
                .hint("run this on a terminal, or set PBS_MASTER_KEY_PASSWORD")
        },
    )?;
    let private = MasterPrivateKey::generate()?;
    let public = private.public_key()?;
    let locked = private.to_pem(&password, &mut SystemRandom)?;
    log_numbers(&public);
    tracing::info!("Writing public master key to {PUBLIC}");
    write(PUBLIC, &public.to_pem()?, 0o644)?;
    tracing::info!("Writing private master key to {PRIVATE}");
    write(PRIVATE, &locked, 0o600)
}

fn write(name: &str, pem: &str, mode: u32) -> Result<()> {
    Ok(
        places::replace(Path::new(name), pem.as_bytes(), mode).map_err(|error| {
            Failure::new(format!("unable to write key file '{name}' - {error}"))
                .cause(error)
                .hint("the files go to the working directory")
        })?,
    )
}

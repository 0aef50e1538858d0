//! `key import-master-pubkey`: the public master key that backups of this user lock their key
//! with.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use console::report::Failure;
use crypto::rsa::MasterPublicKey;

use super::{default_place, unreadable};
use crate::context::Context;
use crate::keys::{DEFAULT_MASTER_KEY, read_key};
use crate::places;

/// Make a public master key the default one: every encrypted backup then holds its key, locked
/// with it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom key import-master-pubkey master-public.pem")]
pub struct Args {
    /// The public key in PEM form.
    path: PathBuf,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let (pem, key) = load(&args.path)?;
    log_numbers(&key);
    tracing::info!("Length: {}", key.bits());
    let place = default_place(DEFAULT_MASTER_KEY, context)?;
    places::replace(&place, pem.as_bytes(), 0o644).map_err(|error| {
        Failure::new(format!("unable to write '{}' - {error}", place.display())).cause(error)
    })?;
    tracing::info!("Imported public master key to {place:?}");
    Ok(())
}

/// Reads and checks a public master key.
pub fn load(path: &Path) -> Result<(String, MasterPublicKey)> {
    let bytes = File::open(path)
        .and_then(read_key)
        .map_err(|error| unreadable(path, error))?;
    let wrong = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Failure::new(format!(
            "'{}' does not hold a public master key",
            path.display()
        ))
        .cause(cause)
        .hint("it begins with -----BEGIN PUBLIC KEY-----; `strongroom key create-master-key` makes one")
    };
    let pem = String::from_utf8(bytes.to_vec()).map_err(|error| wrong(error.into()))?;
    let key = MasterPublicKey::from_pem(pem.trim()).map_err(|error| wrong(error.into()))?;
    Ok((pem, key))
}

/// Hex digits in upper case.
pub fn modulus(key: &MasterPublicKey) -> String {
    key.modulus()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// The exponent as people know it, 65537.
pub fn exponent(key: &MasterPublicKey) -> String {
    match key.exponent() {
        short if short.len() <= 8 => short
            .iter()
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte))
            .to_string(),
        long => {
            let hex: String = long.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("0x{hex}")
        }
    }
}

pub fn log_numbers(key: &MasterPublicKey) {
    tracing::info!("Modulus: {}", modulus(key));
    tracing::info!("Exponent: {}", exponent(key));
}

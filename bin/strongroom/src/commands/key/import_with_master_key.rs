//! `key import-with-master-key`: get a lost encryption key back out of a backup.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::Result;
use console::prompt::{self, PASSWORD_MAX};
use console::report::Failure;
use crypto::rsa::{MasterPrivateKey, RsaError};
use crypto::{Secret, SystemRandom, keyfile};
use format::{Blob, Decompressor};
use zeroize::Zeroizing;

use super::passphrase::LockArgs;
use super::{default_place, local_now, taken, unreadable};
use crate::context::Context;
use crate::environment::MASTER_KEY_PASSWORD;
use crate::keys::{self, DEFAULT_KEY, read_key};
use crate::places;

/// Decrypt the key of a backup with the private master key and write it to a key file.
///
/// `restore SNAPSHOT rsa-encrypted.key FILE` brings the encrypted key. The master key's
/// password is asked for, read as one line from standard input where that is no terminal, or
/// taken from PBS_MASTER_KEY_PASSWORD.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom restore host/web1 rsa-encrypted.key rsa.key
  strongroom key import-with-master-key key.json --master-keyfile master-private.pem --encrypted-keyfile rsa.key")]
pub struct Args {
    /// The key file to write, replacing what is there; without it the default key, which must
    /// not exist.
    path: Option<PathBuf>,

    /// The private master key in PEM form.
    #[arg(long)]
    master_keyfile: PathBuf,

    /// The encrypted key as it was restored.
    #[arg(long)]
    encrypted_keyfile: PathBuf,

    #[command(flatten)]
    lock: LockArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    args.lock.check()?;
    let default = match args.path {
        Some(_) => None,
        None => Some(default_place(DEFAULT_KEY, context)?),
    };
    if let Some(place) = &default
        && place.exists()
    {
        return Err(taken(place).into());
    }
    let master = private_key(&args.master_keyfile, context)?;
    let wrapped = wrapped_key(&args.encrypted_keyfile)?;
    let json = master.unwrap(&wrapped).map_err(|error| {
        Failure::new(format!(
            "unable to decrypt the key from '{}'",
            args.encrypted_keyfile.display()
        ))
        .cause(error)
        .hint("is it of a backup that was made with this master key?")
    })?;
    let name = format!("'{}'", args.encrypted_keyfile.display());
    let (key, info) = keys::unlock(&json, &name, context)?;
    let passphrase = args.lock.passphrase("New Password: ", context)?;
    let file = keyfile::create(
        &key,
        args.lock.protection(passphrase.as_ref()),
        args.lock.hint,
        info.created,
        local_now(context)?,
        &mut SystemRandom,
    )?;
    let json = Zeroizing::new(file.to_json());
    let (path, written) = match (args.path, default) {
        (Some(path), _) => {
            let written = places::replace(&path, json.as_bytes(), 0o600);
            (path, written)
        }
        (None, place) => {
            let place = place.unwrap_or_default();
            tracing::info!("creating default key at: {place:?}");
            let written = places::create(&place, json.as_bytes(), 0o600);
            (place, written)
        }
    };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(&path),
        _ => Failure::new(format!(
            "unable to write key file '{}' - {error}",
            path.display()
        ))
        .cause(error),
    })?;
    Ok(())
}

/// Reads the private master key and unlocks it.
fn private_key(path: &Path, context: &Context) -> Result<MasterPrivateKey> {
    let bytes = File::open(path)
        .and_then(read_key)
        .map_err(|error| unreadable(path, error))?;
    let wrong = |cause: Box<dyn std::error::Error + Send + Sync>, hint: &str| {
        let text = format!("cannot use the master key from '{}'", path.display());
        Failure::new(text).cause(cause).hint(hint)
    };
    let pem = std::str::from_utf8(&bytes)
        .map_err(|error| wrong(error.into(), "the private key is a text in PEM form"))?
        .trim();
    let opened = match MasterPrivateKey::from_pem(pem, None) {
        Err(RsaError::Locked) => {
            let password = master_password(context)?;
            MasterPrivateKey::from_pem(pem, Some(&password))
        }
        other => other,
    };
    Ok(opened.map_err(|error| {
        let hint = match &error {
            RsaError::Unlock => "check the password and PBS_MASTER_KEY_PASSWORD",
            _ => "the private key is `master-private.pem` of `strongroom key create-master-key`",
        };
        wrong(error.into(), hint)
    })?)
}

fn master_password(context: &Context) -> Result<Secret> {
    if let Some(given) = context.environment.setting(MASTER_KEY_PASSWORD)? {
        return Ok(Secret::from(given.as_str()));
    }
    if io::stdin().is_terminal() {
        return Ok(Secret::from(
            prompt::password("Master Key Password: ")?.as_str(),
        ));
    }
    let line = first_line(io::stdin().lock()).map_err(|error| {
        Failure::new("cannot read the master key's password from standard input").cause(error)
    })?;
    Ok(Secret::from(line.as_str()))
}

/// One line without its end: the original keeps that, so only `printf` works there.
fn first_line(input: impl BufRead) -> io::Result<Zeroizing<String>> {
    // Reserved once, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSWORD_MAX + 1));
    let limit = u64::try_from(PASSWORD_MAX + 1).unwrap_or(u64::MAX);
    input.take(limit).read_until(b'\n', &mut bytes)?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if line.len() > PASSWORD_MAX {
        return Err(io::Error::other("it is too long for a password"));
    }
    let text = std::str::from_utf8(line).map_err(io::Error::other)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// What the master key has encrypted: the file as it was restored, or the blob around it as it
/// lies in the datastore.
fn wrapped_key(path: &Path) -> Result<Vec<u8>> {
    let bytes = File::open(path)
        .and_then(read_key)
        .map_err(|error| unreadable(path, error))?;
    let blob = Blob::parse(&bytes)
        .ok()
        .filter(|blob| blob.check_crc().is_ok());
    let mut content = Vec::new();
    if let Some(blob) = blob
        && Decompressor::new()
            .decode(&blob, bytes.len().max(1 << 16), &mut content)
            .is_ok()
    {
        return Ok(content);
    }
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_one_line() {
        for (input, expected) in [
            ("", Some("")),
            ("secret", Some("secret")),
            ("secret\nmore", Some("secret")),
            ("\n", Some("")),
        ] {
            let line = first_line(input.as_bytes()).ok();
            assert_eq!(line.as_ref().map(|line| line.as_str()), expected);
        }
        assert!(first_line(&vec![b'x'; PASSWORD_MAX + 1][..]).is_err());
        assert!(first_line(&[0xff][..]).is_err());
    }
}

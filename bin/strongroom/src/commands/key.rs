//! `key ...`: encryption keys of this user.

use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValue;
use clap::{Subcommand, ValueEnum};
use console::prompt::{self, PromptError};
use console::report::Failure;
use crypto::Secret;
use crypto::keyfile::Protection;
use format::time::OffsetTime;

use crate::context::{Context, now};
use crate::keys::DEFAULT_KEY;

mod change_passphrase;
mod create;
mod show;

/// Encryption keys.
#[derive(Subcommand, Debug)]
pub enum Command {
    ChangePassphrase(change_passphrase::Args),
    Create(create::Args),
    Show(show::Args),
}

impl Command {
    pub fn run(self, context: &Context) -> Result<()> {
        match self {
            Command::ChangePassphrase(args) => change_passphrase::run(args, context),
            Command::Create(args) => create::run(args, context),
            Command::Show(args) => show::run(args, context),
        }
    }
}

/// How a passphrase becomes the key that locks the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kdf {
    None,
    Scrypt,
    Pbkdf2,
}

impl ValueEnum for Kdf {
    fn value_variants<'a>() -> &'a [Kdf] {
        &[Kdf::None, Kdf::Scrypt, Kdf::Pbkdf2]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Kdf::None => "none",
            Kdf::Scrypt => "scrypt",
            Kdf::Pbkdf2 => "pbkdf2",
        }))
    }
}

impl Kdf {
    /// Asks for the new passphrase, if this needs one.
    fn ask(self, question: &str) -> Result<Option<Secret>> {
        if self == Kdf::None {
            return Ok(None);
        }
        let typed =
            prompt::new_password(question, "Verify Password: ").map_err(|error| match error {
                PromptError::NoTerminal => Failure::new("unable to read passphrase - no tty").hint(
                    "run this on a terminal, or make a key without passphrase with --kdf none",
                ),
                other => Failure::new(other.to_string()).cause(other),
            })?;
        Ok(Some(Secret::from(typed.as_str())))
    }

    fn protection(self, passphrase: Option<&Secret>) -> Protection<'_> {
        match (self, passphrase) {
            (Kdf::Scrypt, Some(passphrase)) => Protection::Scrypt(passphrase),
            (Kdf::Pbkdf2, Some(passphrase)) => Protection::Pbkdf2(passphrase),
            (Kdf::None, _) | (_, None) => Protection::None,
        }
    }
}

/// A hint beside a key without passphrase would be a mistake.
fn check_hint(kdf: Kdf, hint: &Option<String>) -> Result<(), Failure> {
    match (kdf, hint) {
        (Kdf::None, Some(_)) => Err(Failure::new("password hint not allowed for Kdf::None")
            .hint("leave out --hint, or choose --kdf scrypt")),
        _ => Ok(()),
    }
}

/// The default key's place, where it is written.
fn default_place(context: &Context) -> Result<PathBuf, Failure> {
    context.places.own_config(DEFAULT_KEY).ok_or_else(|| {
        Failure::new("no place for the default key")
            .hint("set HOME or XDG_CONFIG_HOME, or name a file")
    })
}

/// The file that is meant: the given one or the default key.
fn existing(path: Option<PathBuf>, context: &Context) -> Result<PathBuf, Failure> {
    path.or_else(|| context.places.find_config(DEFAULT_KEY))
        .ok_or_else(|| {
            Failure::new("no encryption key file specified and no default file found")
                .hint("name a file, or make a default key with `key create`")
        })
}

fn local_now(context: &Context) -> Result<OffsetTime> {
    let epoch_s = now();
    let offset =
        jiff::Timestamp::from_second(epoch_s).map(|time| context.zone.to_offset(time).seconds());
    Ok(OffsetTime::new(epoch_s, offset.unwrap_or(0))?)
}

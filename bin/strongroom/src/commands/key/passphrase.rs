//! New passphrases of key files: how they lock the key, and where they come from.
//!
//! On a terminal they are asked for twice, as the original does it. Where nobody can be asked,
//! `PBS_NEW_ENCRYPTION_PASSWORD` and `PBS_MASTER_KEY_PASSWORD`, with the endings and credentials
//! of every other secret, hold them.

use std::io::{self, IsTerminal};

use anyhow::Result;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use console::args::matching;
use console::prompt::{self, NEW_PASSWORD_MIN, PromptError};
use console::report::Failure;
use crypto::Secret;
use crypto::keyfile::Protection;

use crate::context::Context;
use crate::environment::{NEW_ENCRYPTION_PASSWORD, Setting};

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

/// Options of every command that writes a key file.
#[derive(clap::Args, Debug)]
pub struct LockArgs {
    /// How the key is protected by a passphrase.
    #[arg(long, default_value = "scrypt")]
    kdf: Kdf,

    /// What reminds you of the passphrase; it stands in the file for all to read.
    #[arg(long, value_parser = matching(1..=64, |_| true))]
    pub hint: Option<String>,
}

impl LockArgs {
    /// A hint beside a key without passphrase would be a mistake.
    pub fn check(&self) -> Result<(), Failure> {
        match (self.kdf, &self.hint) {
            (Kdf::None, Some(_)) => Err(Failure::new("password hint not allowed for Kdf::None")
                .hint("leave out --hint, or choose --kdf scrypt")),
            _ => Ok(()),
        }
    }

    /// Whether [`LockArgs::passphrase`] will have to ask somebody who is not there.
    pub fn needs_terminal(&self, context: &Context) -> bool {
        self.kdf != Kdf::None
            && !io::stdin().is_terminal()
            && matches!(
                context.environment.setting(NEW_ENCRYPTION_PASSWORD),
                Ok(None)
            )
    }

    /// Gets the new passphrase, if one is needed.
    pub fn passphrase(&self, question: &str, context: &Context) -> Result<Option<Secret>> {
        if self.kdf == Kdf::None {
            return Ok(None);
        }
        new_secret(NEW_ENCRYPTION_PASSWORD, question, context, || {
            Failure::new("unable to read passphrase - no tty").hint(
                "run this on a terminal, set PBS_NEW_ENCRYPTION_PASSWORD, or make a key without passphrase with --kdf none",
            )
        })
        .map(Some)
    }

    pub fn protection<'a>(&self, passphrase: Option<&'a Secret>) -> Protection<'a> {
        match (self.kdf, passphrase) {
            (Kdf::Scrypt, Some(passphrase)) => Protection::Scrypt(passphrase),
            (Kdf::Pbkdf2, Some(passphrase)) => Protection::Pbkdf2(passphrase),
            (Kdf::None, _) | (_, None) => Protection::None,
        }
    }
}

/// A new secret from the environment, or typed twice.
pub fn new_secret(
    setting: Setting,
    question: &str,
    context: &Context,
    no_terminal: impl FnOnce() -> Failure,
) -> Result<Secret> {
    if let Some(given) = context.environment.setting(setting)? {
        if given.len() < NEW_PASSWORD_MIN {
            let failure = Failure::new(PromptError::TooShort.to_string());
            let hint = format!(
                "{} needs at least {NEW_PASSWORD_MIN} bytes",
                setting.variable
            );
            return Err(failure.hint(hint).into());
        }
        return Ok(Secret::from(given.as_str()));
    }
    let typed =
        prompt::new_password(question, "Verify Password: ").map_err(|error| match error {
            PromptError::NoTerminal => no_terminal(),
            other => Failure::new(other.to_string()).cause(other),
        })?;
    Ok(Secret::from(typed.as_str()))
}

//! Which encryption key and which master key a command uses (cli.md 3.2.1, formats.md 7.5).
//!
//! [`choose`] decides from plain values; here are the options it decides by, and the reading of
//! keys with the question for a passphrase.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValue;
use console::args::integer;
use console::prompt::{self, PromptError};
use console::report::Failure;
use crypto::Key;
use crypto::keyfile::{self, KeyInfo, LoadError};
use crypto::rsa::MasterPublicKey;
use format::CryptMode;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::environment::ENCRYPTION_PASSWORD;

mod choice;

pub use choice::{Choice, Offer, Origin, choose};

pub const DEFAULT_KEY: &str = "encryption-key.json";
pub const DEFAULT_MASTER_KEY: &str = "master-public.pem";
/// A key file has a few hundred bytes, a PEM of a key some thousand.
const KEY_BYTES_MAX: u64 = 64 << 10;

/// Options that name an encryption key.
#[derive(Args, Clone, Debug, Default)]
pub struct KeyFileArgs {
    /// File with the encryption key.
    #[arg(long)]
    pub keyfile: Option<PathBuf>,

    /// Open file descriptor to read the encryption key from.
    #[arg(long, value_name = "<integer> (0 - N)", value_parser = integer(0, i32::MAX.into()))]
    pub keyfd: Option<i64>,
}

/// Options that name an encryption key and say what it is for.
#[derive(Args, Clone, Debug, Default)]
pub struct KeyArgs {
    #[command(flatten)]
    pub file: KeyFileArgs,

    /// Encrypt and sign, only sign, or neither. Without it all is encrypted if there is a key.
    #[arg(long)]
    pub crypt_mode: Option<CryptModeArg>,
}

/// Options that name a master key.
#[derive(Args, Clone, Debug, Default)]
pub struct MasterKeyArgs {
    /// File with the public master key. The encryption key is put into the backup, encrypted
    /// with it.
    #[arg(long)]
    pub master_pubkey_file: Option<PathBuf>,

    /// Open file descriptor to read the public master key from.
    #[arg(long, value_name = "<integer> (0 - N)", value_parser = integer(0, i32::MAX.into()))]
    pub master_pubkey_fd: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptModeArg(pub CryptMode);

impl clap::ValueEnum for CryptModeArg {
    fn value_variants<'a>() -> &'a [CryptModeArg] {
        &[
            CryptModeArg(CryptMode::None),
            CryptModeArg(CryptMode::Encrypt),
            CryptModeArg(CryptMode::SignOnly),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()))
    }
}

impl Offer {
    pub fn new(
        file: &KeyFileArgs,
        mode: Option<CryptModeArg>,
        master: &MasterKeyArgs,
        context: &Context,
    ) -> Result<Offer> {
        Ok(Offer {
            mode: mode.map(|CryptModeArg(mode)| mode),
            key: origin(&file.keyfile, file.keyfd)?,
            master: origin(&master.master_pubkey_file, master.master_pubkey_fd)?,
            default_key: context.places.find_config(DEFAULT_KEY),
            default_master: context.places.find_config(DEFAULT_MASTER_KEY),
        })
    }

    /// The offer of a command that only reads: no master key.
    pub fn for_reading(args: &KeyArgs, context: &Context) -> Result<Offer> {
        let offer = Offer::new(
            &args.file,
            args.crypt_mode,
            &MasterKeyArgs::default(),
            context,
        )?;
        Ok(Offer {
            default_master: None,
            ..offer
        })
    }
}

fn origin(file: &Option<PathBuf>, descriptor: Option<i64>) -> Result<Option<Origin>, Failure> {
    match (file, descriptor) {
        (Some(_), Some(_)) => {
            let text = "--keyfile and --keyfd are mutually exclusive";
            Err(Failure::new(text).hint("give the key either as a file or as a descriptor"))
        }
        (Some(path), None) => Ok(Some(Origin::File(path.clone()))),
        (None, Some(number)) => Ok(Some(Origin::Descriptor(number))),
        (None, None) => Ok(None),
    }
}

/// A key ready for use.
pub struct Loaded {
    pub key: Arc<Key>,
    pub info: KeyInfo,
}

impl Choice {
    /// Reads the encryption key, logs where it is from, and asks for its passphrase if needed.
    pub fn load(&self, context: &Context) -> Result<Option<Loaded>> {
        let Some(origin) = &self.key else {
            return Ok(None);
        };
        if self.falls_back {
            tracing::info!("Encrypting with default encryption key!");
        }
        let bytes = origin.read(context)?;
        tracing::info!("Using {}..", origin.describe("encryption key"));
        let (key, info) = unlock(&bytes, &origin.name(), context)?;
        Ok(Some(Loaded {
            key: Arc::new(key),
            info,
        }))
    }

    /// Like [`Choice::load`] without a word about the key.
    pub fn load_quietly(&self, context: &Context) -> Result<Option<Loaded>> {
        let Some(origin) = &self.key else {
            return Ok(None);
        };
        let (key, info) = unlock(&origin.read(context)?, &origin.name(), context)?;
        Ok(Some(Loaded {
            key: Arc::new(key),
            info,
        }))
    }

    /// Reads the master key and logs where it is from.
    pub fn load_master(&self, context: &Context) -> Result<Option<MasterPublicKey>> {
        let Some(origin) = &self.master else {
            return Ok(None);
        };
        let bytes = origin.read(context)?;
        tracing::info!("Using {}..", origin.describe("master key"));
        let wrong = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Failure::new(format!("cannot use the master key from {}", origin.name()))
                .cause(cause)
                .hint("a master key is a public RSA key in PEM form, as `master-public.pem`")
        };
        let pem = std::str::from_utf8(&bytes).map_err(|error| wrong(error.into()))?;
        Ok(Some(
            MasterPublicKey::from_pem(pem).map_err(|error| wrong(error.into()))?,
        ))
    }
}

impl Origin {
    fn describe(&self, what: &str) -> String {
        match self {
            Origin::File(path) => format!("{what} from '{}'", path.display()),
            Origin::Descriptor(_) => format!("{what} from file descriptor"),
            Origin::Default(_) => format!("default {what}"),
        }
    }

    fn name(&self) -> String {
        match self {
            Origin::File(path) | Origin::Default(path) => format!("'{}'", path.display()),
            Origin::Descriptor(number) => format!("file descriptor {number}"),
        }
    }

    fn read(&self, context: &Context) -> Result<Zeroizing<Vec<u8>>> {
        let open = || match self {
            Origin::File(path) | Origin::Default(path) => File::open(path),
            Origin::Descriptor(number) => context
                .environment
                .descriptor(i32::try_from(*number).unwrap_or(-1)),
        };
        Ok(open().and_then(read_key).map_err(|error| {
            let hint = match self {
                Origin::Default(_) => {
                    "the default key is there or cannot be looked for: make it readable, or say --crypt-mode none to do without"
                }
                Origin::File(_) | Origin::Descriptor(_) => "check the name and its permissions",
            };
            Failure::new(format!("unable to read key from {} - {error}", self.name()))
                .cause(error)
                .hint(hint)
        })?)
    }
}

/// Reads a whole key file.
pub fn read_key(source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    source.take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > KEY_BYTES_MAX {
        return Err(io::Error::other("it is too large for a key"));
    }
    Ok(bytes)
}

/// Unlocks a key file with the passphrase from the environment or the keyboard.
pub fn unlock(json: &[u8], name: &str, context: &Context) -> Result<(Key, KeyInfo)> {
    let passphrase = || -> Result<crypto::Secret, keyfile::PassphraseError> {
        if let Some(passphrase) = context.environment.setting(ENCRYPTION_PASSWORD)? {
            return Ok(crypto::Secret::from(passphrase.as_str()));
        }
        Ok(crypto::Secret::from(
            prompt::password("Encryption Key Password: ")?.as_str(),
        ))
    };
    keyfile::load(json, passphrase).map_err(|error| explain(error, name).into())
}

fn explain(error: LoadError, name: &str) -> Failure {
    match error {
        LoadError::Passphrase(cause) => match cause.downcast_ref::<PromptError>() {
            Some(PromptError::NoTerminal) => Failure::new(cause.to_string()).hint(format!(
                "the key from {name} has a passphrase: set PBS_ENCRYPTION_PASSWORD to it"
            )),
            _ => Failure::new(format!("cannot get the passphrase of the key from {name}"))
                .cause(cause),
        },
        wrong @ (LoadError::WrongPassphrase { .. } | LoadError::PassphraseTooShort) => {
            Failure::new(format!("unable to decrypt the key from {name}"))
                .cause(wrong)
                .hint("check the passphrase and PBS_ENCRYPTION_PASSWORD")
        }
        other => Failure::new(format!("cannot use the key from {name}"))
            .cause(other)
            .hint("a key file is made by `strongroom key create`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_from_one_place() {
        let file = Some(PathBuf::from("k"));
        assert!(origin(&file, Some(3)).is_err());
        assert_eq!(origin(&file, None).unwrap(), Some(Origin::File("k".into())));
        assert_eq!(origin(&None, Some(3)).unwrap(), Some(Origin::Descriptor(3)));
    }
}

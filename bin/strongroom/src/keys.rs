//! Which encryption key and which master key a command uses (cli.md 3.2.1, formats.md 7.5).
//!
//! [`choose`] decides from plain values; [`Choice::load`] reads files and asks for passphrases.

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

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    File(PathBuf),
    Descriptor(i64),
    Default(PathBuf),
}

/// What was given on the command line and what lies in the default places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    pub mode: Option<CryptMode>,
    pub key: Option<Origin>,
    pub master: Option<Origin>,
    pub default_key: Option<PathBuf>,
    pub default_master: Option<PathBuf>,
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

/// What will be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub mode: CryptMode,
    pub key: Option<Origin>,
    pub master: Option<Origin>,
    /// A mode was asked for and the default key has to serve.
    pub falls_back: bool,
}

/// The table of cli.md 3.2.1.
pub fn choose(offer: Offer) -> Result<Choice, Failure> {
    let Offer {
        mode,
        key,
        master,
        default_key,
        default_master,
    } = offer;
    let default_key = default_key.map(Origin::Default);
    let none = Choice {
        mode: CryptMode::None,
        key: None,
        master: None,
        falls_back: false,
    };
    let given = key.is_some();
    let (mode, key) = match (mode, key) {
        (Some(CryptMode::None), None) if master.is_none() => return Ok(none),
        (Some(CryptMode::None), _) => {
            return Err(Failure::new(
                "--keyfile/--keyfd and --crypt-mode=none are mutually exclusive",
            )
            .hint("leave out the key, or choose encrypt or sign-only"));
        }
        (mode, Some(key)) => (mode.unwrap_or(CryptMode::Encrypt), key),
        (None, None) => match default_key {
            Some(key) => (CryptMode::Encrypt, key),
            None if master.is_none() => return Ok(none),
            None => {
                return Err(Failure::new(
                    "--master-pubkey-file/--master-pubkey-fd specified, but no key available",
                )
                .hint("add --keyfile, or make a default key with `key create`"));
            }
        },
        (Some(mode), None) => {
            let key = default_key.ok_or_else(|| {
                Failure::new("--crypt-mode without --keyfile and no default key file available")
                    .hint("add --keyfile, or make a default key with `key create`")
            })?;
            (mode, key)
        }
    };
    let falls_back = !given && offer.mode.is_some();
    let master = master.or(default_master.map(Origin::Default));
    Ok(Choice {
        mode,
        key: Some(key),
        master,
        falls_back,
    })
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
            Failure::new(format!("unable to read key from {} - {error}", self.name()))
                .cause(error)
                .hint("check the name and its permissions")
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
            .hint("a key file is made by `key create`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_choices() {
        use CryptMode::{Encrypt, None as Plain, SignOnly};
        let file = || Some(Origin::File("k".into()));
        let master = || Some(Origin::File("m".into()));
        let defaults = |key: bool, master: bool| Offer {
            default_key: key.then(|| "dk".into()),
            default_master: master.then(|| "dm".into()),
            ..Offer::default()
        };
        let default_key = || Some(Origin::Default("dk".into()));
        let default_master = || Some(Origin::Default("dm".into()));
        let used = |mode, key, master| Some((mode, key, master));
        let cases = [
            ("nothing", Offer::default(), used(Plain, None, None)),
            (
                "default key",
                defaults(true, false),
                used(Encrypt, default_key(), None),
            ),
            (
                "both defaults",
                defaults(true, true),
                used(Encrypt, default_key(), default_master()),
            ),
            (
                "a default master key alone",
                defaults(false, true),
                used(Plain, None, None),
            ),
            (
                "master without key",
                Offer {
                    master: master(),
                    ..Offer::default()
                },
                None,
            ),
            (
                "master, default key",
                Offer {
                    master: master(),
                    ..defaults(true, true)
                },
                used(Encrypt, default_key(), master()),
            ),
            (
                "key",
                Offer {
                    key: file(),
                    ..defaults(true, false)
                },
                used(Encrypt, file(), None),
            ),
            (
                "key, default master",
                Offer {
                    key: file(),
                    ..defaults(true, true)
                },
                used(Encrypt, file(), default_master()),
            ),
            (
                "key and master",
                Offer {
                    key: file(),
                    master: master(),
                    ..defaults(true, true)
                },
                used(Encrypt, file(), master()),
            ),
            (
                "none ignores defaults",
                Offer {
                    mode: Some(Plain),
                    ..defaults(true, true)
                },
                used(Plain, None, None),
            ),
            (
                "none with key",
                Offer {
                    mode: Some(Plain),
                    key: file(),
                    ..Offer::default()
                },
                None,
            ),
            (
                "none with master",
                Offer {
                    mode: Some(Plain),
                    master: master(),
                    ..Offer::default()
                },
                None,
            ),
            (
                "sign without key",
                Offer {
                    mode: Some(SignOnly),
                    ..defaults(false, true)
                },
                None,
            ),
            (
                "sign, default key",
                Offer {
                    mode: Some(SignOnly),
                    ..defaults(true, false)
                },
                used(SignOnly, default_key(), None),
            ),
            (
                "sign with key",
                Offer {
                    mode: Some(SignOnly),
                    key: file(),
                    ..Offer::default()
                },
                used(SignOnly, file(), None),
            ),
            (
                "encrypt without key",
                Offer {
                    mode: Some(Encrypt),
                    ..Offer::default()
                },
                None,
            ),
            (
                "encrypt, default key",
                Offer {
                    mode: Some(Encrypt),
                    ..defaults(true, true)
                },
                used(Encrypt, default_key(), default_master()),
            ),
        ];
        for (name, offer, expected) in cases {
            let falls_back = offer.mode.is_some_and(|mode| mode != Plain) && offer.key.is_none();
            let chosen = choose(offer).ok();
            assert_eq!(
                chosen
                    .clone()
                    .map(|choice| (choice.mode, choice.key, choice.master)),
                expected,
                "{name}"
            );
            assert!(
                chosen.is_none_or(|choice| choice.falls_back == falls_back),
                "{name}"
            );
        }
    }

    #[test]
    fn a_key_comes_from_one_place() {
        let file = Some(PathBuf::from("k"));
        assert!(origin(&file, Some(3)).is_err());
        assert_eq!(origin(&file, None).unwrap(), Some(Origin::File("k".into())));
        assert_eq!(origin(&None, Some(3)).unwrap(), Some(Origin::Descriptor(3)));
    }
}

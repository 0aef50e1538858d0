//! The decision which keys are used, from plain values (cli.md 3.2.1, formats.md 7.5).

use std::path::PathBuf;

use console::report::Failure;
use format::CryptMode;

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
                .hint("add --keyfile, or make a default key with `strongroom key create`"));
            }
        },
        (Some(mode), None) => {
            let key = default_key.ok_or_else(|| {
                Failure::new("--crypt-mode without --keyfile and no default key file available")
                    .hint("add --keyfile, or make a default key with `strongroom key create`")
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
}

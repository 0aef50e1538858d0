//! `tfa.json`: the second factors of users (server.md 8.1). Secrets; kinds that this program cannot check are kept as they stand.
//!
//! Empty lists and what has its default value are not written. Unknown members refuse the whole file: a factor that was not understood must not
//! be a factor that is not asked for.

use std::collections::BTreeMap;

use api::rest::access::{TfaChallenge, TfaItem, TfaType, TfaUserItem};
use format::{Digest, Userid};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::dir::FileSpec;
use crate::error::ConfigError;
use crate::totp::Totp;

/// The id of a set of recovery codes.
pub const RECOVERY_ID: &str = "recovery";

/// The file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tfa {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    u2f: Option<Box<RawValue>>,
    /// Who the server is to security keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webauthn: Option<Webauthn>,
    #[serde(default)]
    pub users: BTreeMap<Userid, Factors>,
}

/// Secrets are not shown.
impl std::fmt::Debug for Tfa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.users.keys()).finish()
    }
}

/// Relying party and where its pages come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Webauthn {
    pub rp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_subdomains: Option<bool>,
}

impl Webauthn {
    /// Digest against lost updates: of the members as canonical JSON, sorted, without blanks.
    pub fn digest(&self) -> Digest {
        let sorted = serde_json::to_value(self).map(|value| value.to_string());
        Digest::of(sorted.unwrap_or_default().as_bytes())
    }
}

/// What one user has.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Factors {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub totp: Vec<Entry<TotpEntry>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub u2f: Vec<Entry<Box<RawValue>>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webauthn: Vec<Entry<Box<RawValue>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yubico: Vec<Entry<Box<RawValue>>>,
    /// Too many wrong codes: TOTP is not looked at any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub totp_locked: bool,
    /// Too many wrong answers: nothing is looked at until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tfa_locked_until: Option<i64>,
}

/// One factor with what is known about it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry<T> {
    pub id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub created: i64,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enable: bool,
    pub entry: T,
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

/// A TOTP secret; with the last count that was accepted, once one was.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum TotpEntry {
    New(TotpUri),
    Used(UsedTotp),
}

/// See [`TotpEntry`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedTotp {
    totp: TotpUri,
    #[serde(rename = "last-count")]
    last_count: u64,
}

/// A URI as it stands in the file, and what it says.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TotpUri {
    text: String,
    totp: Totp,
}

impl TryFrom<String> for TotpUri {
    type Error = crate::totp::TotpError;

    fn try_from(text: String) -> Result<TotpUri, Self::Error> {
        Ok(TotpUri {
            totp: text.parse()?,
            text,
        })
    }
}

impl From<TotpUri> for String {
    fn from(uri: TotpUri) -> String {
        uri.text
    }
}

impl TotpEntry {
    /// A secret that was not used yet.
    pub fn new(totp: Totp) -> TotpEntry {
        TotpEntry::New(TotpUri {
            text: totp.to_string(),
            totp,
        })
    }

    /// The count whose code this is, if it was not used up.
    pub fn accepts(&self, code: &str, now: i64) -> Option<u64> {
        let (uri, used) = match self {
            TotpEntry::New(uri) => (uri, None),
            TotpEntry::Used(UsedTotp { totp, last_count }) => (totp, Some(*last_count)),
        };
        let count = uri.totp.matching_count(code, now)?;
        used.is_none_or(|used| count > used).then_some(count)
    }

    /// Notes the count of the code that was accepted.
    pub fn use_up(&mut self, count: u64) {
        let uri = match self {
            TotpEntry::New(uri) => uri,
            TotpEntry::Used(used) => &used.totp,
        };
        *self = TotpEntry::Used(UsedTotp {
            totp: uri.clone(),
            last_count: count,
        });
    }
}

/// A set of recovery codes, as keyed hashes; a used one is `null`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    pub secret: String,
    pub entries: Vec<Option<String>>,
    pub created: i64,
}

impl Tfa {
    /// Reads the file; an empty one has nothing.
    pub fn parse(text: &str) -> Result<Tfa, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Tfa::default());
        }
        serde_json::from_str(text).map_err(|error| ConfigError::Parse {
            file: FileSpec::TFA.name.to_owned(),
            line: error.line(),
            // The parser's message may quote the file, and this file holds secrets.
            reason: "expected second factors as JSON, without unknown members".to_owned(),
        })
    }

    /// Writes it.
    pub fn print(&self) -> Result<String, ConfigError> {
        serde_json::to_string(self).map_err(|error| ConfigError::Print {
            file: FileSpec::TFA.name.to_owned(),
            reason: error.to_string(),
        })
    }

    /// What a login of this user asks for after the password.
    pub fn demand(&self, user: &Userid) -> Demand {
        self.users
            .get(user)
            .map_or(Demand::Nothing, Factors::demand)
    }
}

/// What a login asks for after the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// There is no second factor.
    Nothing,
    /// One of these.
    Challenge(TfaChallenge),
    /// There are factors, but none that this program can check.
    Unknown(Vec<TfaType>),
}

impl Factors {
    /// True if nothing is left, so that the user can be taken out of the file.
    pub fn is_empty(&self) -> bool {
        self.items().is_empty()
    }

    /// All factors, as lists show them.
    pub fn items(&self) -> Vec<TfaItem> {
        let mut items: Vec<TfaItem> = Vec::new();
        items.extend(self.totp.iter().map(|entry| entry.item(TfaType::Totp)));
        items.extend(self.u2f.iter().map(|entry| entry.item(TfaType::U2f)));
        items.extend(
            self.webauthn
                .iter()
                .map(|entry| entry.item(TfaType::Webauthn)),
        );
        items.extend(self.recovery.iter().map(|recovery| TfaItem {
            created: recovery.created,
            description: String::new(),
            enable: true,
            id: RECOVERY_ID.to_owned(),
            kind: TfaType::Recovery,
        }));
        items.extend(self.yubico.iter().map(|entry| entry.item(TfaType::Yubico)));
        items
    }

    /// The user as lists show him.
    pub fn user_item(&self, userid: &Userid) -> TfaUserItem {
        TfaUserItem {
            entries: self.items(),
            tfa_locked_until: self.tfa_locked_until,
            totp_locked: self.totp_locked,
            userid: userid.clone(),
        }
    }

    /// Locked for everything at this time.
    pub fn is_locked(&self, now: i64) -> bool {
        self.tfa_locked_until.is_some_and(|until| until > now)
    }

    /// A disabled factor is none; a set of recovery codes is one even when all are used up, and so is what cannot be checked here.
    fn demand(&self) -> Demand {
        let challenge = TfaChallenge {
            totp: self.totp.iter().any(|entry| entry.enable),
            recovery: self.recovery.as_ref().map(Recovery::unused),
            ..TfaChallenge::default()
        };
        if challenge != TfaChallenge::default() {
            return Demand::Challenge(challenge);
        }
        let enabled = |entries: &[Entry<Box<RawValue>>]| entries.iter().any(|entry| entry.enable);
        let kinds = [
            (TfaType::U2f, &self.u2f),
            (TfaType::Webauthn, &self.webauthn),
            (TfaType::Yubico, &self.yubico),
        ];
        let kinds: Vec<TfaType> = kinds
            .into_iter()
            .filter(|(_, entries)| enabled(entries))
            .map(|(kind, _)| kind)
            .collect();
        if kinds.is_empty() {
            Demand::Nothing
        } else {
            Demand::Unknown(kinds)
        }
    }
}

impl Recovery {
    fn unused(&self) -> Vec<usize> {
        let unused = |(place, hash): (usize, &Option<String>)| hash.as_ref().map(|_| place);
        self.entries.iter().enumerate().filter_map(unused).collect()
    }
}

impl<T> Entry<T> {
    fn item(&self, kind: TfaType) -> TfaItem {
        TfaItem {
            created: self.created,
            description: self.description.clone(),
            enable: self.enable,
            id: self.id.clone(),
            kind,
        }
    }
}

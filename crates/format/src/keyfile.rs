//! The key file: an encryption key with its kind of protection, as one line of JSON (formats.md 7.1).
//!
//! This is the file's form only; deriving, unlocking and checking keys is `crypto`'s. The key data is wiped when dropped and never
//! printed by `Debug`. Fields are written in the original's order and read in any.
//! Drawing: `docs/formats/keyfile.md`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;
use crate::time::OffsetTime;

#[derive(Debug, thiserror::Error)]
#[error("not a key file")]
pub struct KeyFileError(#[from] serde_json::Error);

/// How the key in the file is protected by a passphrase. Without one the key lies there in the clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kdf {
    Scrypt {
        n: u64,
        r: u32,
        p: u32,
        #[serde(with = "base64_text")]
        salt: Vec<u8>,
    },
    #[serde(rename = "PBKDF2")]
    Pbkdf2 {
        iter: u32,
        #[serde(with = "base64_text")]
        salt: Vec<u8>,
    },
}

impl Kdf {
    /// `none`, `scrypt` or `pbkdf2`, as command lines and answers name it.
    pub fn name(kdf: Option<&Kdf>) -> &'static str {
        match kdf {
            None => "none",
            Some(Kdf::Scrypt { .. }) => "scrypt",
            Some(Kdf::Pbkdf2 { .. }) => "pbkdf2",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    pub kdf: Option<Kdf>,
    pub created: OffsetTime,
    pub modified: OffsetTime,
    /// Without kdf the raw key; else IV (16), tag (16) and the encrypted key.
    #[serde(with = "base64_text")]
    pub data: Zeroizing<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// What the owner wrote down to remember the passphrase by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl KeyFile {
    pub fn from_json(json: &[u8]) -> Result<KeyFile, KeyFileError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// One line, without line end.
    pub fn to_json(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string(self).expect("a key file has only text keys"))
    }

    /// Indented by two spaces, as on a paper key.
    pub fn to_json_pretty(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string_pretty(self).expect("a key file has only text keys"))
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("kdf", &Kdf::name(self.kdf.as_ref()))
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

mod base64_text {
    use super::{Deserialize, Deserializer, Engine, STANDARD, Serializer, de};

    pub fn serialize<S: Serializer>(
        bytes: &impl AsRef<[u8]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, T: From<Vec<u8>>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        STANDARD
            .decode(text.as_bytes())
            .map(T::from)
            .map_err(de::Error::custom)
    }
}

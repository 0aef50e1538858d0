//! `encryption-keys.cfg`: keys with which sync jobs encrypt and decrypt (server.md 1.13). The keys themselves lie in files of their own.

use api::kinds;
use api::schema::{Kind, Param, Schema};
use format::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

/// The folder with the keys.
pub const ENCRYPTION_KEYS_FOLDER: &str = "encryption-keys";

const TIME: Kind = Kind::Integer {
    min: i64::MIN,
    max: i64::MAX,
};

/// All that is kept of a key but its id.
pub const ENCRYPTION_KEY_PROPERTIES: &[Param] = &[
    Param::optional("archived-at", TIME),
    Param::required("created", TIME),
    Param::optional("fingerprint", kinds::FINGERPRINT),
    Param::optional("hint", kinds::TEXT),
    Param::required("kdf", Kind::Enum(&["none", "scrypt", "pbkdf2"])).or("scrypt"),
    Param::required("modified", TIME),
    Param::optional("path", kinds::TEXT),
];

/// The section type.
pub const ENCRYPTION_KEY: SectionType = SectionType {
    name: "sync-key",
    id_name: "id",
    id: kinds::JOB_ID,
    schema: Schema(&[ENCRYPTION_KEY_PROPERTIES]),
};

/// What is known of a key without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EncryptionKey {
    /// Since then it only decrypts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<i64>,
    pub created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    pub id: String,
    pub kdf: String,
    pub modified: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl Entry for EncryptionKey {
    const FILE: FileSpec = FileSpec::ENCRYPTION_KEYS;
    const SYNTAX: Syntax = Syntax {
        file: "encryption-keys.cfg",
        types: &[ENCRYPTION_KEY],
    };
    const SECTION: &'static SectionType = &ENCRYPTION_KEY;
    const NOUN: &'static str = "encryption key";
    fn id(&self) -> &str {
        &self.id
    }
}

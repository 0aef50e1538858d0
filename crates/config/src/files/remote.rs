//! `remote.cfg`: other servers that this one syncs with (server.md 1.8).
//!
//! The password stands in base64 there, which hides it from a glance and from nobody else.

use api::kinds;
use api::schema::{Format, Kind, Param, Schema};
use format::AuthId;
use serde::{Deserialize, Serialize};

use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

/// What a remote must have beside its password.
pub const REMOTE_REQUIRED: [Param; 2] = [
    Param::required("auth-id", kinds::AUTH_ID).about("User or API token that logs in there."),
    Param::required("host", kinds::HOST).about("Its name or address."),
];

/// What it may have.
pub const REMOTE_OPTIONAL: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("One line about it."),
    Param::optional("fingerprint", kinds::FINGERPRINT)
        .about("Fingerprint of its certificate; the system's authorities vouch for it if missing."),
    Param::optional("port", kinds::PORT).about("Its port; 8007 if missing."),
    Param::optional("use-node-proxy", Kind::Boolean)
        .or("false")
        .about("Connect through the HTTP proxy of this server."),
];

/// What a change may delete.
pub const REMOTE_DELETABLE: &[&str] = &["comment", "fingerprint", "port", "use-node-proxy"];

/// The section type.
pub const REMOTE: SectionType = SectionType {
    name: "remote",
    id_name: "name",
    id: kinds::JOB_ID,
    schema: Schema(&[
        &REMOTE_REQUIRED,
        REMOTE_OPTIONAL,
        &[Param::required(
            "password",
            Kind::Text {
                min: 0,
                max: usize::MAX,
                format: Format::Any,
            },
        )],
    ]),
};

/// Another server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Remote {
    pub auth_id: AuthId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    pub host: String,
    pub name: String,
    /// In base64.
    pub password: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_node_proxy: Option<bool>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("auth_id", &self.auth_id)
            .finish_non_exhaustive()
    }
}

impl Entry for Remote {
    const FILE: FileSpec = FileSpec::REMOTE;
    const SYNTAX: Syntax = Syntax {
        file: "remote.cfg",
        types: &[REMOTE],
    };
    const SECTION: &'static SectionType = &REMOTE;
    const NOUN: &'static str = "remote";
    const HIDDEN: &'static [&'static str] = &["password"];
    fn id(&self) -> &str {
        &self.name
    }
}

//! `s3.cfg`: object stores that datastores may lie in (server.md 1.12, 5.5).

use api::schema::{Kind, Param, Schema};
use api::{kinds, pattern};
use serde::{Deserialize, Serialize};

use super::sync::Rates;
use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

/// What an endpoint must have.
pub const S3_REQUIRED: [Param; 2] = [
    Param::required("access-key", kinds::TEXT).about("Name of the key."),
    Param::required(
        "endpoint",
        Kind::pattern(0, usize::MAX, pattern::s3_endpoint),
    )
    .about("Its host; {{bucket}} and {{region}} stand for those."),
];

/// What it must have too, and no answer shows.
pub const S3_SECRET: [Param; 1] = [Param::required("secret-key", kinds::TEXT).about("The key.")];

/// What it may have beside its rates.
pub const S3_OPTIONAL: &[Param] = &[
    Param::optional("fingerprint", kinds::FINGERPRINT)
        .about("Fingerprint of its certificate; the system's authorities vouch for it if missing."),
    Param::optional("path-style", Kind::Boolean)
        .or("false")
        .about("The bucket stands in the path instead of the host."),
    Param::optional("port", kinds::PORT).about("Its port; 443 if missing."),
    Param::optional(
        "provider-quirks",
        Kind::Array(&Kind::Enum(&[
            "skip-if-none-match-header",
            "delete-objects-via-delete-object",
        ])),
    )
    .about("What it cannot do."),
    Param::optional("put-rate-limit", Kind::at_least(0)).about("Most writing requests per second."),
    Param::optional("region", Kind::pattern(0, 32, pattern::s3_region))
        .about("Its region; us-west-1 if missing."),
];

/// What a change may delete.
pub const S3_DELETABLE: &[&str] = &[
    "port",
    "region",
    "fingerprint",
    "path-style",
    "rate-in",
    "burst-in",
    "rate-out",
    "burst-out",
    "provider-quirks",
];

/// The section type.
pub const S3_ENDPOINT: SectionType = SectionType {
    name: "s3-endpoint",
    id_name: "id",
    id: kinds::JOB_ID,
    schema: Schema(&[&S3_REQUIRED, &S3_SECRET, S3_OPTIONAL, kinds::RATES]),
};

/// An object store.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct S3Endpoint {
    pub access_key: String,
    pub endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provider_quirks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_rate_limit: Option<u64>,
    #[serde(flatten)]
    pub rates: Rates,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// In clear.
    pub secret_key: String,
}

impl std::fmt::Debug for S3Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Endpoint")
            .field("id", &self.id)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Entry for S3Endpoint {
    const FILE: FileSpec = FileSpec::S3;
    const SYNTAX: Syntax = Syntax {
        file: "s3.cfg",
        types: &[S3_ENDPOINT],
    };
    const SECTION: &'static SectionType = &S3_ENDPOINT;
    const NOUN: &'static str = "s3 endpoint";
    const HIDDEN: &'static [&'static str] = &["secret-key"];
    fn id(&self) -> &str {
        &self.id
    }
}

//! `acme/`: accounts with certificate authorities, and how this server proves that a name is its own (server.md 1.16).
//!
//! Accounts are JSON files whose name is theirs; what a foreign authority says of one is kept as it is.

use api::kinds;
use api::schema::{Kind, Param, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

/// The folder with the accounts.
pub const ACME_ACCOUNTS_FOLDER: &str = "acme/accounts";

/// Authorities that every server knows; the first one is asked if none is named.
pub const ACME_DIRECTORIES: &[(&str, &str)] = &[
    (
        "Let's Encrypt V2",
        "https://acme-v02.api.letsencrypt.org/directory",
    ),
    (
        "Let's Encrypt V2 Staging",
        "https://acme-staging-v02.api.letsencrypt.org/directory",
    ),
];

/// The one plugin that is always there.
pub const STANDALONE: &str = "standalone";

/// What a DNS plugin must have.
pub const ACME_PLUGIN_REQUIRED: [Param; 2] = [
    Param::required("api", kinds::TEXT).about("The provider of the name service."),
    Param::required("data", kinds::TEXT)
        .about("Base64 of KEY=value lines with which the provider lets us in."),
];

/// What it may have.
pub const ACME_PLUGIN_OPTIONAL: &[Param] = &[
    Param::optional("disable", Kind::Boolean)
        .or("false")
        .about("Whether it is not to be used."),
    Param::optional(
        "validation-delay",
        Kind::Integer {
            min: 0,
            max: 2 * 24 * 60 * 60,
        },
    )
    .or("30")
    .about("Seconds until the authority may look at the name service."),
];

/// What a change may delete.
pub const ACME_PLUGIN_DELETABLE: &[&str] = &["disable", "validation-delay"];

/// What a plugin's id must be.
pub const ACME_PLUGIN_ID: Kind = Kind::pattern(1, 32, api::pattern::safe_id);

/// The section type of DNS plugins.
pub const ACME_DNS: SectionType = SectionType {
    name: "dns",
    id_name: "id",
    id: ACME_PLUGIN_ID,
    schema: Schema(&[&ACME_PLUGIN_REQUIRED, ACME_PLUGIN_OPTIONAL]),
};

const ACME_STANDALONE: SectionType = SectionType {
    name: STANDALONE,
    id_name: "id",
    id: ACME_PLUGIN_ID,
    schema: Schema(&[]),
};

/// A plugin for a provider of name service.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DnsPlugin {
    pub api: String,
    /// URL-safe base64 without padding.
    pub data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_delay: Option<u32>,
}

impl std::fmt::Debug for DnsPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DnsPlugin")
            .field("id", &self.id)
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

impl Entry for DnsPlugin {
    const FILE: FileSpec = FileSpec::ACME_PLUGINS;
    const SYNTAX: Syntax = Syntax {
        file: "acme/plugins.cfg",
        types: &[ACME_DNS, ACME_STANDALONE],
    };
    const SECTION: &'static SectionType = &ACME_DNS;
    const NOUN: &'static str = "ACME plugin";
    fn id(&self) -> &str {
        &self.id
    }

    /// Answers call the id `plugin` and have the data in ordinary base64.
    fn shown(&self) -> Result<Value, serde_json::Error> {
        let data = URL_SAFE_NO_PAD
            .decode(&self.data)
            .map_or_else(|_| self.data.clone(), |data| STANDARD.encode(data));
        serde_json::to_value(PluginShown {
            api: Some(self.api.clone()),
            data: Some(data),
            disable: self.disable,
            plugin: self.id.clone(),
            kind: ACME_DNS.name,
            validation_delay: self.validation_delay,
        })
    }
}

/// A plugin as answers show it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PluginShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable: Option<bool>,
    plugin: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_delay: Option<u32>,
}

impl PluginShown {
    /// The plugin that is always there: the authority asks this server itself.
    pub fn standalone() -> PluginShown {
        PluginShown {
            api: None,
            data: None,
            disable: None,
            plugin: STANDALONE.to_owned(),
            kind: STANDALONE,
            validation_delay: None,
        }
    }
}

/// An account with an authority, as its file has it; its key is not read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcmeAccount {
    /// What the authority said of it.
    pub account: Map<String, Value>,
    pub directory_url: String,
    /// Its address there.
    pub location: String,
    /// Terms that were agreed to.
    #[serde(default)]
    pub tos: Option<String>,
}

/// An account as answers show it.
#[derive(Clone, Debug, Serialize)]
pub struct AcmeAccountShown {
    account: Map<String, Value>,
    directory: String,
    location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tos: Option<String>,
}

impl From<AcmeAccount> for AcmeAccountShown {
    fn from(account: AcmeAccount) -> AcmeAccountShown {
        AcmeAccountShown {
            account: account.account,
            directory: account.directory_url,
            location: account.location,
            tos: account.tos,
        }
    }
}

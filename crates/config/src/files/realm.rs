//! Realms whose users are kept elsewhere, as sections of `domains.cfg` (server.md 1.7). Passwords to search a directory with lie in
//! `ldap_passwords.json`.

use api::rest::access::realm::{self, REALM_COMMON};
use api::schema::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

const fn section(name: &'static str, schema: Schema) -> SectionType {
    SectionType {
        name,
        id_name: "realm",
        id: api::kinds::REALM,
        schema,
    }
}

/// The section type of the system's users.
pub(super) const PAM: SectionType = section("pam", Schema(&[REALM_COMMON]));
/// The section type of the server's own users.
pub(super) const PBS: SectionType = section("pbs", Schema(&[REALM_COMMON]));
const LDAP: SectionType = section(
    "ldap",
    Schema(&[REALM_COMMON, realm::SERVER, realm::LDAP, realm::DIRECTORY]),
);
const AD: SectionType = section(
    "ad",
    Schema(&[REALM_COMMON, realm::SERVER, realm::AD, realm::DIRECTORY]),
);
const OPENID: SectionType = section(
    "openid",
    Schema(&[
        REALM_COMMON,
        realm::OPENID,
        realm::OPENID_MORE,
        realm::OPENID_CLAIM,
    ]),
);

/// The syntax of `domains.cfg`.
pub(crate) const DOMAINS_SYNTAX: Syntax = Syntax {
    file: "domains.cfg",
    types: &[PAM, PBS, LDAP, AD, OPENID],
};

/// Of LDAP and Active Directory realms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Directory {
    pub server1: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server2: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capath: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind_dn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_classes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_attributes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_defaults_options: Option<String>,
}

/// An LDAP realm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LdapRealm {
    pub realm: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    pub base_dn: String,
    pub user_attr: String,
    #[serde(flatten)]
    pub directory: Directory,
}

/// An Active Directory realm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AdRealm {
    pub realm: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_dn: Option<String>,
    #[serde(flatten)]
    pub directory: Directory,
}

/// An OpenID realm.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OpenidRealm {
    pub realm: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    pub issuer_url: String,
    pub client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr_values: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audiences: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocreate: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username_claim: Option<String>,
}

/// A realm whose users are kept elsewhere.
pub trait RealmEntry: Entry {
    /// Preselected at the login.
    fn is_default(&self) -> bool;
    /// Who searches; he needs a password.
    fn bind_dn(&self) -> Option<&str>;
}

/// Nor is `default false` written.
fn tidy(members: &mut Map<String, Value>) {
    members.retain(|name, value| match name.as_str() {
        "comment" => value.as_str().is_none_or(|text| !text.trim().is_empty()),
        "default" => value.as_bool() != Some(false),
        _ => true,
    });
}

macro_rules! realm_entry {
    ($type:ident, $section:ident, $bind_dn:expr) => {
        impl Entry for $type {
            const FILE: FileSpec = FileSpec::DOMAINS;
            const SYNTAX: Syntax = DOMAINS_SYNTAX;
            const SECTION: &'static SectionType = &$section;
            const NOUN: &'static str = "realm";
            fn id(&self) -> &str {
                &self.realm
            }
            fn tidy(members: &mut Map<String, Value>) {
                tidy(members);
            }
        }

        impl RealmEntry for $type {
            fn is_default(&self) -> bool {
                self.default == Some(true)
            }
            fn bind_dn(&self) -> Option<&str> {
                let bind_dn: fn(&$type) -> Option<&str> = $bind_dn;
                bind_dn(self)
            }
        }
    };
}

realm_entry!(LdapRealm, LDAP, |realm| realm.directory.bind_dn.as_deref());
realm_entry!(AdRealm, AD, |realm| realm.directory.bind_dn.as_deref());
realm_entry!(OpenidRealm, OPENID, |_| None);

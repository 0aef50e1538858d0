//! `domains.cfg`: the realms (server.md 1.7). Read only; `pam` and `pbs` exist even if the file does not name them.

use api::kinds;
use api::rest::access::DomainItem;
use api::schema::{Format, Kind, Param, Schema};
use format::Realm;

use crate::error::ConfigError;
use crate::section_config::{SectionType, Syntax};

const ANY: Kind = kinds::TEXT;
const COMMON: &[Param] = &[
    Param::optional("comment", kinds::COMMENT),
    Param::optional("default", Kind::Boolean),
];
const DIRECTORY: &[Param] = &[
    Param::required("server1", ANY),
    Param::optional("server2", ANY),
    Param::optional("port", Kind::Integer { min: 0, max: 65535 }),
    Param::optional("mode", Kind::Enum(&["ldap", "ldap+starttls", "ldaps"])),
    Param::optional("verify", Kind::Boolean),
    Param::optional("capath", ANY),
    Param::optional("bind-dn", ANY),
    Param::optional("filter", ANY),
    Param::optional(
        "user-classes",
        Kind::Text {
            min: 0,
            max: usize::MAX,
            format: Format::List(&ANY),
        },
    ),
    Param::optional("sync-attributes", ANY),
    Param::optional("sync-defaults-options", ANY),
];
const LDAP: &[Param] = &[
    Param::required("base-dn", ANY),
    Param::required("user-attr", ANY),
];
const AD: &[Param] = &[Param::optional("base-dn", ANY)];
const OPENID: &[Param] = &[
    Param::required("issuer-url", ANY),
    Param::required("client-id", ANY),
    Param::optional("client-key", ANY),
    Param::optional("scopes", ANY),
    Param::optional("acr-values", ANY),
    Param::optional("audiences", ANY),
    Param::optional("prompt", ANY),
    Param::optional("autocreate", Kind::Boolean),
    Param::optional("username-claim", ANY),
];

const fn realm(name: &'static str, schema: Schema) -> SectionType {
    SectionType {
        name,
        id_name: "realm",
        id: kinds::REALM,
        schema,
    }
}

const SYNTAX: Syntax = Syntax {
    file: "domains.cfg",
    types: &[
        realm("pam", Schema(&[COMMON])),
        realm("pbs", Schema(&[COMMON])),
        realm("ldap", Schema(&[COMMON, DIRECTORY, LDAP])),
        realm("ad", Schema(&[COMMON, DIRECTORY, AD])),
        realm("openid", Schema(&[COMMON, OPENID])),
    ],
};

/// The realms that users may belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Domains(pub Vec<DomainItem>);

impl Domains {
    /// The type of a realm, if it is known.
    pub fn kind(&self, realm: &Realm) -> Option<&str> {
        self.0
            .iter()
            .find(|item| item.realm == *realm)
            .map(|item| item.kind.as_str())
    }
}

/// Reads the file.
pub fn parse_domains(text: &str) -> Result<Domains, ConfigError> {
    let sections = SYNTAX.parse(text)?;
    let mut items = Vec::new();
    for (id, section) in sections.iter() {
        let text = |key: &str| {
            section
                .properties
                .get(key)
                .and_then(|value| value.as_str())
                .map(str::to_owned)
        };
        items.push(DomainItem {
            comment: text("comment").or_else(|| built_in_comment(section.kind).map(str::to_owned)),
            default: section
                .properties
                .get("default")
                .and_then(|value| value.as_bool()),
            realm: parse_realm(id)?,
            kind: section.kind.to_owned(),
        });
    }
    let has_default = items.iter().any(|item| item.default == Some(true));
    for (place, name) in ["pam", "pbs"].into_iter().enumerate() {
        if !items.iter().any(|item| item.realm.as_str() == name) {
            let default = (name == "pam" && !has_default).then_some(true);
            let comment = built_in_comment(name).map(str::to_owned);
            items.insert(
                place.min(items.len()),
                DomainItem {
                    comment,
                    default,
                    realm: parse_realm(name)?,
                    kind: name.to_owned(),
                },
            );
        }
    }
    Ok(Domains(items))
}

fn parse_realm(id: &str) -> Result<Realm, ConfigError> {
    id.parse()
        .map_err(|e: format::NameError| ConfigError::Parse {
            file: SYNTAX.file.to_owned(),
            line: 0,
            reason: e.to_string(),
        })
}

fn built_in_comment(kind: &str) -> Option<&'static str> {
    match kind {
        "pam" => Some("Linux PAM standard authentication"),
        // The text the original's clients know the realm by.
        "pbs" => Some("Proxmox Backup authentication server"),
        _ => None,
    }
}

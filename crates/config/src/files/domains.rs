//! `domains.cfg` as a whole: which realms there are (server.md 1.7). `pam` and `pbs` exist even if the file does not name them.

use api::rest::access::DomainItem;
use format::Realm;

use super::realm::{DOMAINS_SYNTAX, PAM, PBS};
use crate::error::ConfigError;

/// A realm that is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// The system's users.
    Pam,
    /// The server's own users.
    Pbs,
}

impl BuiltIn {
    /// Its name, which is also its type.
    pub fn name(self) -> &'static str {
        match self {
            BuiltIn::Pam => PAM.name,
            BuiltIn::Pbs => PBS.name,
        }
    }
}

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
    let sections = DOMAINS_SYNTAX.parse(text)?;
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
            file: DOMAINS_SYNTAX.file.to_owned(),
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

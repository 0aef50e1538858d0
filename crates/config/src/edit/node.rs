//! `node.cfg`: read and changed as a whole (server.md 1.4).

use std::collections::HashSet;

use api::kinds;
use api::schema::{Kind, Param, ParamErrors, Returns, Schema, ValueError};
use format::Digest;
use serde_json::{Map, Value};

use super::error::EditError;
use super::user::parse_digest;
use crate::dir::{ConfigDir, FileSpec};
use crate::files::{ACME_DOMAIN, ACME_DOMAINS, NODE_PROPERTIES, Node};

/// What a change may unset.
pub const NODE_DELETABLE: &[&str] = &[
    "acme",
    "acmedomain0",
    "acmedomain1",
    "acmedomain2",
    "acmedomain3",
    "acmedomain4",
    "ciphers-tls-1.2",
    "ciphers-tls-1.3",
    "consent-text",
    "default-lang",
    "description",
    "email-from",
    "http-proxy",
    "location",
    "task-log-max-days",
];

/// Parameters of a change.
pub const NODE_UPDATE: Schema = Schema(&[
    &[Param::required("node", kinds::NODE)],
    NODE_PROPERTIES[0],
    NODE_PROPERTIES[1],
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(NODE_DELETABLE)))
            .about("List of properties to delete."),
        Param::optional("digest", kinds::TEXT)
            .about("Prevent changes if current configuration file has different SHA256 digest."),
    ],
]);

/// What a look at the settings shows.
pub const NODE_CONFIG: Returns = Returns::item(NODE_PROPERTIES, &[]);

/// The file and its digest.
pub fn node_config(dir: &ConfigDir) -> Result<(Node, Digest), EditError> {
    let (text, digest) = dir.read(FileSpec::NODE)?;
    Ok((Node::parse(&text)?, digest))
}

/// Changes the file: `members` are the checked parameters. Deletions come before sets.
pub fn update_node_config(
    dir: &ConfigDir,
    mut members: Map<String, Value>,
) -> Result<Node, EditError> {
    let digest = members.remove("digest");
    let digest = digest.and_then(|digest| digest.as_str().map(str::to_owned));
    let delete = members.remove("delete").unwrap_or_default();
    let delete = delete.as_array().into_iter().flatten();
    let properties = Schema(NODE_PROPERTIES);
    members.retain(|name, _| properties.find(name).is_some());

    let lock = dir.lock(FileSpec::NODE)?;
    let mut node = Node::parse(&lock.read(parse_digest(&digest).as_ref())?.0)?;
    for name in delete.filter_map(Value::as_str) {
        node.settings.remove(name);
        if name == "description" {
            node.description = None;
        }
    }
    if let Some(Value::String(description)) = members.remove("description") {
        node.description = Some(description);
    }
    node.settings.extend(members);
    one_domain_once(&node)?;
    lock.replace(node.print()?.as_bytes())?;
    Ok(node)
}

fn one_domain_once(node: &Node) -> Result<(), ParamErrors> {
    let mut seen = HashSet::new();
    for key in ACME_DOMAINS {
        let Some(text) = node.text(key) else { continue };
        let domain = ACME_DOMAIN.parse(text)?.remove("domain");
        let domain = domain.as_ref().and_then(Value::as_str).unwrap_or_default();
        if !seen.insert(domain.to_ascii_lowercase()) {
            let twice = format!("domain '{domain}' is configured more than once");
            return Err(ParamErrors::one(key, ValueError::Other(twice)));
        }
    }
    Ok(())
}

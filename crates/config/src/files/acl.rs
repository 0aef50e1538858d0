//! `acl.cfg`: one access control entry per line (server.md 1.3).
//!
//! `acl:<propagate>:<path>:<ids>:<roles>`; the writer joins ids that have the same role, and roles that have the same ids.

use std::collections::{BTreeMap, BTreeSet};

use api::acl::{self, AclNode, AclTree};
use api::{Role, pattern};
use format::AuthId;

use crate::error::ConfigError;

const FILE: &str = "acl.cfg";

/// Reads the file. One wrong line refuses all of it.
pub fn parse_acl(text: &str) -> Result<AclTree, ConfigError> {
    let mut tree = AclTree::default();
    for (place, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        parse_line(line, &mut tree).map_err(|reason| ConfigError::Parse {
            file: FILE.to_owned(),
            line: place + 1,
            reason,
        })?;
    }
    Ok(tree)
}

fn parse_line(line: &str, tree: &mut AclTree) -> Result<(), String> {
    let fields: Vec<&str> = line.split(':').collect();
    let ["acl", propagate, path, ids, roles] = fields.as_slice() else {
        return Err("expected 'acl:propagate:path:ids:roles'".to_owned());
    };
    let propagate = match *propagate {
        "0" => false,
        "1" => true,
        other => return Err(format!("expected '0' or '1' for propagate, got '{other}'")),
    };
    let path = acl::components(path);
    let roles = roles
        .split(',')
        .map(|role| role.trim().parse::<Role>().map_err(|e| e.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    for id in ids.split(',').map(str::trim) {
        for role in &roles {
            let inserted = match id.strip_prefix('@') {
                Some(group) if pattern::user_name(group) => {
                    tree.insert_group(&path, group, *role, propagate)
                }
                Some(group) => return Err(format!("invalid group '{group}'")),
                None => tree.insert(
                    &path,
                    &id.parse::<AuthId>().map_err(|e| e.to_string())?,
                    *role,
                    propagate,
                ),
            };
            if !inserted {
                return Err(format!("path is deeper than {}", acl::DEPTH_MAX));
            }
        }
    }
    Ok(())
}

/// Writes the file. Entries for `root@pam` itself are left out: it may do everything anyway.
pub fn print_acl(tree: &AclTree) -> String {
    let mut out = String::new();
    tree.walk(&mut |path, node| {
        for propagate in [false, true] {
            for (ids, roles) in lines(node, propagate) {
                let mark = u8::from(propagate);
                out.push_str(&format!(
                    "acl:{mark}:/{}:{ids}:{}\n",
                    path.join("/"),
                    roles.join(",")
                ));
            }
        }
    });
    out
}

/// Id lists with their roles, in the order of the lists.
fn lines(node: &AclNode, propagate: bool) -> BTreeMap<String, Vec<&'static str>> {
    let mut ids_of_role: BTreeMap<Role, BTreeSet<String>> = BTreeMap::new();
    let users = node
        .users()
        .iter()
        .filter(|(id, _)| !id.is_root())
        .map(|(id, roles)| (id.to_string(), roles));
    let groups = node
        .groups()
        .iter()
        .map(|(group, roles)| (format!("@{group}"), roles));
    for (id, roles) in users.chain(groups) {
        for (role, _) in roles.iter().filter(|(_, mark)| **mark == propagate) {
            ids_of_role.entry(*role).or_default().insert(id.clone());
        }
    }
    let mut lines: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (role, ids) in ids_of_role {
        let ids = ids.into_iter().collect::<Vec<_>>().join(",");
        lines.entry(ids).or_default().push(role.name());
    }
    lines
}

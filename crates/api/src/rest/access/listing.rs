//! What an access control tree says, as replies show it: its entries, and what one id may do where.

use std::collections::BTreeMap;

use format::AuthId;

use super::{AclItem, Permissions, UgidType};
use crate::acl::{AclTree, Roles, components};

/// Paths that are looked at even if nobody has an entry there.
const TOP: [&str; 5] = ["/", "/access", "/datastore", "/remote", "/system"];

/// All entries, or those of `path`, with what lies below unless `exact`.
pub fn acl_items(tree: &AclTree, path: Option<&str>, exact: bool) -> Vec<AclItem> {
    let wanted = path.map(components).unwrap_or_default();
    let exact = exact && path.is_some();
    let mut items = Vec::new();
    tree.walk(&mut |path, node| {
        if !path.starts_with(&wanted) || (exact && path.len() != wanted.len()) {
            return;
        }
        let path = format!("/{}", path.join("/"));
        for (id, roles) in node.users() {
            push(&mut items, &path, &id.to_string(), UgidType::User, roles);
        }
        for (group, roles) in node.groups() {
            push(&mut items, &path, group, UgidType::Group, roles);
        }
    });
    items
}

fn push(items: &mut Vec<AclItem>, path: &str, ugid: &str, ugid_type: UgidType, roles: &Roles) {
    items.extend(roles.iter().map(|(role, propagate)| AclItem {
        path: path.to_owned(),
        propagate: *propagate,
        roleid: *role,
        ugid: ugid.to_owned(),
        ugid_type,
    }));
}

/// The privileges of an id on every path of the tree and on the top paths, or on one path; paths without any are left out.
pub fn permissions(tree: &AclTree, id: &AuthId, only: Option<&str>) -> Permissions {
    let mut paths: Vec<String> = match only {
        Some(path) => vec![path.to_owned()],
        None => TOP.map(str::to_owned).to_vec(),
    };
    if only.is_none() {
        tree.walk(&mut |path, node| {
            if !node.users().is_empty() || !node.groups().is_empty() {
                paths.push(format!("/{}", path.join("/")));
            }
        });
    }
    let on = |path: String| {
        let granted = tree.privileges(id, &components(&path));
        let propagates =
            |privilege: crate::Privilege| granted.propagated.intersects(privilege.into());
        let held: BTreeMap<String, bool> = granted
            .all
            .iter()
            .map(|p| (p.name().to_owned(), propagates(p)))
            .collect();
        (path, held)
    };
    paths
        .into_iter()
        .map(on)
        .filter(|(_, held)| !held.is_empty())
        .collect()
}

//! The tree of access control entries and what it grants to whom (server.md 2.3). Pure; `config` reads and writes the file.
//!
//! The most specific node with an entry for an id decides alone: nothing is merged with the nodes above it. A token has at most
//! what its user has. `root@pam` itself, not its tokens, may do everything.

use std::collections::BTreeMap;

use format::AuthId;

use crate::privilege::Privileges;
use crate::role::Role;

/// Roles of one id on one node, each with its "propagate" mark.
pub type Roles = BTreeMap<Role, bool>;

/// Longest path of the tree, so that a hostile file cannot make recursion deep.
pub const DEPTH_MAX: usize = 64;

/// All entries. The root node stands for the path `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AclTree {
    root: AclNode,
}

/// One path: its entries and the paths below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AclNode {
    users: BTreeMap<AuthId, Roles>,
    groups: BTreeMap<String, Roles>,
    children: BTreeMap<String, AclNode>,
}

/// What an id holds on a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// On the path itself.
    pub all: Privileges,
    /// The part that also reaches the paths below.
    pub propagated: Privileges,
}

/// Splits `/datastore/vault` into components; empty ones are dropped.
pub fn components(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|component| !component.is_empty())
        .collect()
}

/// The path of a namespace: `/datastore/{store}/{ns...}`, as components.
pub fn datastore_path<'a>(
    store: &'a str,
    namespace: impl Iterator<Item = &'a str>,
) -> Vec<&'a str> {
    ["datastore", store].into_iter().chain(namespace).collect()
}

/// True if an entry may be made for the path (server.md 2.2); entries that a file already has are not held to it.
pub fn is_valid_path(path: &str) -> bool {
    let parts = components(path);
    let few = |max: usize| parts.len() <= max;
    match parts.as_slice() {
        [] => true,
        ["access"] | ["access", "acl" | "users" | "domains"] => true,
        ["access", "openid", ..] => few(3),
        ["datastore", ..] => few(9),
        ["remote", ..] => few(10),
        ["system"] => true,
        [
            "system",
            "certificates" | "disks" | "log" | "notifications" | "status" | "tasks" | "time",
        ] => true,
        ["system", "services" | "s3-endpoint" | "encryption-keys", ..] => few(3),
        ["system", "network"] | ["system", "network", "dns"] => true,
        ["system", "network", "interfaces", ..] => few(4),
        ["tape"] => true,
        ["tape", "device" | "pool" | "job", ..] => few(3),
        _ => false,
    }
}

impl AclTree {
    /// Adds a role, or changes its mark. `NoAccess` and other roles drive each other out. Paths deeper than [`DEPTH_MAX`] are
    /// refused with `false`.
    pub fn insert(&mut self, path: &[&str], id: &AuthId, role: Role, propagate: bool) -> bool {
        self.node_or_new(path).is_some_and(|node| {
            insert_role(node.users.entry(id.clone()).or_default(), role, propagate);
            true
        })
    }

    /// The same for a group. Groups have no members, so this only keeps what a file says.
    pub fn insert_group(
        &mut self,
        path: &[&str],
        group: &str,
        role: Role,
        propagate: bool,
    ) -> bool {
        self.node_or_new(path).is_some_and(|node| {
            insert_role(
                node.groups.entry(group.to_owned()).or_default(),
                role,
                propagate,
            );
            true
        })
    }

    /// Takes a role away; false if it was not there.
    pub fn remove(&mut self, path: &[&str], id: &AuthId, role: Role) -> bool {
        let Some(node) = self.node_mut(path) else {
            return false;
        };
        let Some(roles) = node.users.get_mut(id) else {
            return false;
        };
        let found = roles.remove(&role).is_some();
        if roles.is_empty() {
            node.users.remove(id);
        }
        found
    }

    /// Removes every entry of an id, anywhere.
    pub fn remove_id(&mut self, id: &AuthId) {
        self.root.remove_id(id);
    }

    /// Removes a path with all below it.
    pub fn remove_subtree(&mut self, path: &[&str]) {
        match path.split_last() {
            None => self.root = AclNode::default(),
            Some((last, above)) => {
                if let Some(parent) = self.node_mut(above) {
                    parent.children.remove(*last);
                }
            }
        }
    }

    /// The node of a path, if it is in the tree.
    pub fn node(&self, path: &[&str]) -> Option<&AclNode> {
        path.iter()
            .try_fold(&self.root, |node, component| node.children.get(*component))
    }

    /// The node of `/`.
    pub fn root(&self) -> &AclNode {
        &self.root
    }

    /// The roles that count for an id on a path: those of the deepest node with an entry that reaches the path.
    pub fn roles(&self, id: &AuthId, path: &[&str]) -> Roles {
        let mut current = self.root.effective(id, path.is_empty());
        let mut node = &self.root;
        for (place, component) in path.iter().enumerate() {
            let Some(next) = node.children.get(*component) else {
                break;
            };
            node = next;
            let own = node.effective(id, place + 1 == path.len());
            if !own.is_empty() {
                current = own;
            }
        }
        current
    }

    /// What an id may do on a path.
    pub fn privileges(&self, id: &AuthId, path: &[&str]) -> Granted {
        if id.is_root() {
            return Granted {
                all: Privileges::ALL,
                propagated: Privileges::ALL,
            };
        }
        let own = granted(&self.roles(id, path));
        if !id.is_token() {
            return own;
        }
        let user = self.privileges(&AuthId::from(id.user().clone()), path);
        Granted {
            all: own.all & user.all,
            propagated: own.propagated & user.propagated,
        }
    }

    /// True if the id holds any of `mask` on the path, propagating, or anywhere below it: whether a name may be shown at all.
    pub fn any_privilege_below(&self, id: &AuthId, path: &[&str], mask: Privileges) -> bool {
        if self.privileges(id, path).propagated.intersects(mask) {
            return true;
        }
        let mut below = path.to_vec();
        self.node(path)
            .is_some_and(|node| self.search_below(node, id, &mut below, mask))
    }

    fn search_below<'a>(
        &self,
        node: &'a AclNode,
        id: &AuthId,
        path: &mut Vec<&'a str>,
        mask: Privileges,
    ) -> bool {
        node.children.iter().any(|(name, child)| {
            path.push(name);
            let here =
                child.users.contains_key(id) && self.privileges(id, path).all.intersects(mask);
            let found = here || self.search_below(child, id, path, mask);
            path.pop();
            found
        })
    }

    /// Every path that has an entry or lies above one, depth first, children by their bytes. The root is the empty path.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&[&'a str], &'a AclNode)) {
        self.root.walk(&mut Vec::new(), visit);
    }

    fn node_mut(&mut self, path: &[&str]) -> Option<&mut AclNode> {
        path.iter().try_fold(&mut self.root, |node, component| {
            node.children.get_mut(*component)
        })
    }

    fn node_or_new(&mut self, path: &[&str]) -> Option<&mut AclNode> {
        (path.len() <= DEPTH_MAX).then(|| {
            path.iter().fold(&mut self.root, |node, component| {
                node.children.entry((*component).to_owned()).or_default()
            })
        })
    }
}

impl AclNode {
    /// Entries of users and tokens.
    pub fn users(&self) -> &BTreeMap<AuthId, Roles> {
        &self.users
    }

    /// Entries of groups, without the leading `@`.
    pub fn groups(&self) -> &BTreeMap<String, Roles> {
        &self.groups
    }

    /// The nodes below.
    pub fn children(&self) -> &BTreeMap<String, AclNode> {
        &self.children
    }

    fn effective(&self, id: &AuthId, is_last: bool) -> Roles {
        let Some(roles) = self.users.get(id) else {
            return Roles::new();
        };
        let reaching: Roles = roles
            .iter()
            .filter(|(_, propagate)| is_last || **propagate)
            .map(|(role, mark)| (*role, *mark))
            .collect();
        match reaching.get(&Role::NoAccess) {
            Some(propagate) => Roles::from([(Role::NoAccess, *propagate)]),
            None => reaching,
        }
    }

    fn remove_id(&mut self, id: &AuthId) {
        self.users.remove(id);
        self.children
            .values_mut()
            .for_each(|child| child.remove_id(id));
    }

    fn walk<'a>(
        &'a self,
        path: &mut Vec<&'a str>,
        visit: &mut impl FnMut(&[&'a str], &'a AclNode),
    ) {
        visit(path, self);
        for (name, child) in &self.children {
            path.push(name);
            child.walk(path, visit);
            path.pop();
        }
    }
}

fn insert_role(roles: &mut Roles, role: Role, propagate: bool) {
    if role == Role::NoAccess {
        roles.clear();
    } else {
        roles.remove(&Role::NoAccess);
    }
    roles.insert(role, propagate);
}

fn granted(roles: &Roles) -> Granted {
    roles
        .iter()
        .fold(Granted::default(), |sum, (role, propagate)| Granted {
            all: sum.all | role.privileges(),
            propagated: if *propagate {
                sum.propagated | role.privileges()
            } else {
                sum.propagated
            },
        })
}

//! Evaluation of access control entries: the rules and traps of server.md 2.3, one row per case.

use api::acl::{AclTree, components, is_valid_path};
use api::{Privileges as P, Role};
use format::AuthId;

fn id(text: &str) -> AuthId {
    text.parse().expect("valid auth id")
}

fn tree(entries: &[(&str, &str, Role, bool)]) -> AclTree {
    let mut tree = AclTree::default();
    for (path, who, role, propagate) in entries {
        assert!(tree.insert(&components(path), &id(who), *role, *propagate));
    }
    tree
}

const ALL: P = P::ALL;
const NONE: P = P::NONE;
const AUDIT: P = P::DatastoreAudit;
const BACKUP: P = P::DatastoreBackup;

#[test]
fn privileges_follow_the_deepest_entry() {
    type Entries = &'static [(&'static str, &'static str, Role, bool)];
    let rows: &[(&str, Entries, &str, &str, P)] = &[
        (
            "root may do all without an entry",
            &[],
            "root@pam",
            "/datastore/s",
            ALL,
        ),
        (
            "a root token has nothing of its own",
            &[],
            "root@pam!tok",
            "/",
            NONE,
        ),
        (
            "a root token has exactly its entries",
            &[("/", "root@pam!tok", Role::DatastoreAudit, true)],
            "root@pam!tok",
            "/datastore/s",
            AUDIT,
        ),
        ("nobody has nothing", &[], "a@pbs", "/", NONE),
        (
            "an entry propagates down",
            &[("/", "a@pbs", Role::Admin, true)],
            "a@pbs",
            "/datastore/s/ns",
            ALL,
        ),
        (
            "an entry without the mark stays on its path",
            &[("/", "a@pbs", Role::Admin, false)],
            "a@pbs",
            "/datastore",
            NONE,
        ),
        (
            "but counts there",
            &[("/", "a@pbs", Role::Admin, false)],
            "a@pbs",
            "/",
            ALL,
        ),
        (
            "a deeper entry replaces, it does not add",
            &[
                ("/", "a@pbs", Role::Admin, true),
                ("/datastore/s", "a@pbs", Role::DatastoreAudit, true),
            ],
            "a@pbs",
            "/datastore/s",
            AUDIT,
        ),
        (
            "elsewhere the upper one still counts",
            &[
                ("/", "a@pbs", Role::Admin, true),
                ("/datastore/s", "a@pbs", Role::DatastoreAudit, true),
            ],
            "a@pbs",
            "/datastore/t",
            ALL,
        ),
        (
            "propagate off does not reach a namespace",
            &[("/datastore/s", "a@pbs", Role::DatastoreAudit, false)],
            "a@pbs",
            "/datastore/s/n",
            NONE,
        ),
        (
            "an intermediate entry without mark does not replace",
            &[
                ("/", "a@pbs", Role::Admin, true),
                ("/datastore/s", "a@pbs", Role::DatastoreAudit, false),
            ],
            "a@pbs",
            "/datastore/s/n",
            ALL,
        ),
        (
            "roles on one node add up",
            &[
                ("/datastore/s", "a@pbs", Role::DatastoreAudit, true),
                ("/datastore/s", "a@pbs", Role::DatastoreBackup, true),
            ],
            "a@pbs",
            "/datastore/s",
            AUDIT.with(BACKUP),
        ),
        (
            "NoAccess shuts what is inherited",
            &[
                ("/", "a@pbs", Role::Admin, true),
                ("/datastore/s", "a@pbs", Role::NoAccess, true),
            ],
            "a@pbs",
            "/datastore/s/n",
            NONE,
        ),
        (
            "below NoAccess an own entry opens again",
            &[
                ("/datastore/s", "a@pbs", Role::NoAccess, true),
                ("/datastore/s/n", "a@pbs", Role::DatastoreAudit, true),
            ],
            "a@pbs",
            "/datastore/s/n",
            AUDIT,
        ),
        (
            "NoAccess drives out other roles of the node",
            &[
                ("/", "a@pbs", Role::Admin, true),
                ("/", "a@pbs", Role::NoAccess, true),
            ],
            "a@pbs",
            "/",
            NONE,
        ),
        (
            "and is driven out",
            &[
                ("/", "a@pbs", Role::NoAccess, true),
                ("/", "a@pbs", Role::DatastoreAudit, true),
            ],
            "a@pbs",
            "/",
            AUDIT,
        ),
        (
            "a user's entry is not its token's",
            &[("/", "a@pbs", Role::Admin, true)],
            "a@pbs!tok",
            "/",
            NONE,
        ),
        (
            "a token's entry is not its user's",
            &[("/", "a@pbs!tok", Role::Admin, true)],
            "a@pbs",
            "/",
            NONE,
        ),
        (
            "a token is bounded by its user",
            &[("/", "a@pbs!tok", Role::Admin, true)],
            "a@pbs!tok",
            "/",
            NONE,
        ),
        (
            "a token has the common part",
            &[
                ("/", "a@pbs!tok", Role::Admin, true),
                ("/datastore/s", "a@pbs", Role::DatastoreAudit, true),
            ],
            "a@pbs!tok",
            "/datastore/s",
            AUDIT,
        ),
        (
            "the walk stops where the tree ends",
            &[("/datastore", "a@pbs", Role::DatastoreAudit, true)],
            "a@pbs",
            "/datastore/x/y/z",
            AUDIT,
        ),
    ];
    for (what, entries, who, path, expected) in rows {
        let granted = tree(entries).privileges(&id(who), &components(path));
        assert_eq!(granted.all, *expected, "{what}");
    }
}

#[test]
fn propagated_part_is_told_apart() {
    let tree = tree(&[
        ("/datastore/s", "a@pbs", Role::DatastoreAudit, false),
        ("/datastore/s", "a@pbs", Role::DatastoreBackup, true),
    ]);
    let granted = tree.privileges(&id("a@pbs"), &["datastore", "s"]);
    assert_eq!(granted.all, AUDIT | BACKUP);
    assert_eq!(granted.propagated, BACKUP);
}

#[test]
fn privileges_below_are_found() {
    let tree = tree(&[
        ("/datastore/s/a/b", "a@pbs", Role::DatastoreAudit, false),
        ("/datastore/s/a/b", "a@pbs!tok", Role::DatastoreBackup, true),
        ("/datastore/t", "b@pbs", Role::DatastoreAudit, true),
        ("/datastore/u", "b@pbs", Role::DatastoreAudit, false),
    ]);
    let rows = [
        ("a@pbs", "/datastore/s", AUDIT, true),
        ("a@pbs", "/datastore/s", BACKUP, false),
        ("a@pbs", "/datastore/t", AUDIT, false),
        ("a@pbs!tok", "/datastore/s", BACKUP, false),
        ("a@pbs!tok", "/datastore/s", AUDIT, false),
        ("b@pbs", "/datastore/t", AUDIT, true),
        ("b@pbs", "/datastore/u", AUDIT, false),
        ("b@pbs", "/datastore", AUDIT, true),
        ("root@pam", "/datastore/s", AUDIT, true),
    ];
    for (who, path, mask, expected) in rows {
        assert_eq!(
            tree.any_privilege_below(&id(who), &components(path), mask),
            expected,
            "{who} {path} {mask:?}"
        );
    }
}

#[test]
fn entries_are_removed() {
    let mut tree = tree(&[
        ("/", "a@pbs", Role::Admin, true),
        ("/datastore/s/n", "a@pbs", Role::DatastoreAudit, true),
    ]);
    assert!(tree.remove(&[], &id("a@pbs"), Role::Admin));
    assert!(!tree.remove(&[], &id("a@pbs"), Role::Admin));
    assert!(tree.root().users().is_empty());
    tree.remove_subtree(&["datastore", "s"]);
    assert!(tree.node(&["datastore", "s"]).is_none());
    tree.insert(&["access"], &id("a@pbs"), Role::Audit, true);
    tree.remove_id(&id("a@pbs"));
    assert!(tree.privileges(&id("a@pbs"), &["access"]).all.is_empty());
}

#[test]
fn too_deep_paths_are_refused() {
    let path = vec!["x"; api::acl::DEPTH_MAX + 1];
    assert!(!AclTree::default().insert(&path, &id("a@pbs"), Role::Admin, true));
}

#[test]
fn paths_that_may_be_entered() {
    let rows = [
        ("/", true),
        ("/access", true),
        ("/access/users", true),
        ("/access/users/x", false),
        ("/access/openid/realm", true),
        ("/datastore/s/1/2/3/4/5/6/7", true),
        ("/datastore/s/1/2/3/4/5/6/7/8", false),
        ("/remote/r/s/1/2/3/4/5/6/7", true),
        ("/remote/r/s/1/2/3/4/5/6/7/8", false),
        ("/system", true),
        ("/system/tasks", true),
        ("/system/tasks/x", false),
        ("/system/network/interfaces/eth0", true),
        ("/system/network/dns", true),
        ("/system/services/x", true),
        ("/system/s3-endpoint/x", true),
        ("/tape/device/d", true),
        ("/tape/drive/d", false),
        ("/nope/peer", false),
    ];
    for (path, expected) in rows {
        assert_eq!(is_valid_path(path), expected, "{path}");
    }
}

#[test]
fn entries_and_permissions_as_replies_show_them() {
    use api::rest::access::{AclItem, Permissions, acl_items, permissions};
    let tree = tree(&[
        ("/", "test@pbs", Role::Admin, true),
        ("/", "test@pbs!tok", Role::Admin, true),
        ("/datastore/peer", "low2@pbs", Role::DatastoreAudit, false),
    ]);
    let items = |path, exact| acl_items(&tree, path, exact).len();
    assert_eq!(
        (
            items(None, false),
            items(Some("/"), true),
            items(Some("/"), false)
        ),
        (3, 2, 3)
    );
    assert_eq!(
        (
            items(Some("/datastore"), false),
            items(Some("/datastore"), true)
        ),
        (1, 0)
    );
    let low = permissions(&tree, &id("low2@pbs"), None);
    assert_eq!(
        serde_json::to_string(&low).unwrap(),
        r#"{"/datastore/peer":{"Datastore.Audit":false}}"#
    );
    assert!(permissions(&tree, &id("low@pbs"), None).is_empty());
    assert_eq!(
        permissions(&tree, &id("test@pbs"), Some("/datastore/x")).len(),
        1
    );

    let Some(body) = super::fixtures::body("041-acl") else {
        return;
    };
    let theirs: api::rest::Reply<Vec<AclItem>> = serde_json::from_str(&body).unwrap();
    assert_eq!(acl_items(&tree, Some("/"), true), theirs.data);
    let body = super::fixtures::body("024-permissions").expect("the fixtures are there");
    let theirs: api::rest::Reply<Permissions> = serde_json::from_str(&body).unwrap();
    let ours = permissions(&tree, &id("test@pbs"), None);
    for (path, held) in &theirs.data {
        held.iter().for_each(|(name, propagates)| {
            assert_eq!(ours[path].get(name), Some(propagates), "{path} {name}")
        });
    }
}

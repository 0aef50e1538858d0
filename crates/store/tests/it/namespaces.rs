//! Namespaces: made, listed, removed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use format::Namespace;
use store::{ForgetReport, StoreError};

use crate::world::{World, backup, pieces, root, snapshot, tree};

fn ns(text: &str) -> Namespace {
    text.parse().unwrap()
}

fn names(world: &World, parent: &str, depth: Option<usize>) -> Vec<String> {
    world
        .store
        .namespaces(&ns(parent), depth)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn made_and_listed() {
    let world = World::new();
    let store = &world.store;
    assert!(store.namespace_exists(&root()));
    for (parent, name) in [("", "b"), ("", "a"), ("a", "x"), ("a/x", "y"), ("", "a")] {
        store.create_namespace(&ns(parent), name).unwrap();
    }
    assert!(world.base().join("ns/a/ns/x/ns/y").is_dir());
    assert_eq!(names(&world, "", None), ["", "a", "a/x", "a/x/y", "b"]);
    assert_eq!(names(&world, "", Some(1)), ["", "a", "b"]);
    assert_eq!(names(&world, "a", Some(0)), ["a"]);
    assert_eq!(names(&world, "nowhere", None), ["nowhere"]);
    assert!(!store.namespace_exists(&ns("nowhere")));
    let orphan = store
        .create_namespace(&ns("nowhere"), "x")
        .unwrap_err()
        .to_string();
    assert_eq!(
        orphan,
        "cannot create new namespace, parent nowhere doesn't already exists"
    );
    assert!(matches!(
        store.create_namespace(&root(), "../x"),
        Err(StoreError::NamespaceName(_))
    ));
    assert!(matches!(
        store.groups(&ns("nowhere")),
        Err(StoreError::NoNamespace { .. })
    ));
}

#[test]
fn a_strange_folder_is_not_overlooked() {
    let world = World::new();
    fs::create_dir_all(world.base().join("ns/-strange")).unwrap();
    assert!(matches!(
        world.store.namespaces(&root(), None),
        Err(StoreError::BadNamespaceDir { .. })
    ));
}

/// One folder with a wrong name made each search fail.
#[test]
fn strange_folders_hide_no_others() {
    let world = World::new();
    for folder in ["a/ns/bad?", "b", "-strange/ns/c"] {
        fs::create_dir_all(world.base().join("ns").join(folder)).unwrap();
    }
    let (all, wrong) = world.store.readable_namespaces(&root(), None);
    assert_eq!(all, ["", "a", "b"].map(ns));
    let mut paths: Vec<_> = wrong
        .iter()
        .map(|error| match error {
            StoreError::BadNamespaceDir { path, .. } => path.strip_prefix(world.base()).unwrap(),
            other => panic!("{other}"),
        })
        .collect();
    paths.sort();
    assert_eq!(
        paths,
        ["ns/-strange", "ns/a/ns/bad?"].map(std::path::Path::new)
    );
    let (all, wrong) = world.store.readable_namespaces(&root(), Some(0));
    assert_eq!((all, wrong.len()), (vec![root()], 0));
}

#[test]
fn removed() {
    let world = World::new();
    let store = &world.store;
    assert_eq!(
        store
            .delete_namespace(&root(), true)
            .unwrap_err()
            .to_string(),
        "Cannot create/delete root namespace!"
    );
    // The original says nothing about one that is not there, and scripts rely on it.
    let report = store.delete_namespace(&ns("a"), true).unwrap();
    assert_eq!(report, ForgetReport::default());
    for (parent, name) in [("", "a"), ("a", "b"), ("a", "empty")] {
        store.create_namespace(&ns(parent), name).unwrap();
    }
    backup(store, &ns("a/b"), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    backup(store, &ns("a"), &snapshot("vm/1", 0), &pieces([1])).unwrap();
    let refused = store
        .delete_namespace(&ns("a"), false)
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "only partially deleted due to existing groups but `delete-groups` not true "
    );
    assert_eq!(
        names(&world, "", None),
        ["", "a", "a/b"],
        "what was empty is gone"
    );

    let protected = store.snapshot(&ns("a"), &snapshot("vm/1", 0)).unwrap();
    protected.set_protected(true).unwrap();
    let report = store.delete_namespace(&ns("a"), true).unwrap();
    let expected = ForgetReport {
        removed_groups: 1,
        removed_snapshots: 1,
        protected_snapshots: 1,
    };
    assert_eq!(report, expected);
    assert_eq!(names(&world, "", None), ["", "a"]);
    protected.set_protected(false).unwrap();
    let report = store.delete_namespace(&ns("a"), true).unwrap();
    assert_eq!((report.removed_groups, report.protected_snapshots), (1, 0));
    assert_eq!(tree(&world.base()), [".lock", "ns"]);
}

/// A folder below `ns` whose name is no namespace's is an error, because a collection that overlooks it removes the chunks of the backups
/// in it. One whose name is not even UTF-8 was passed over in silence.
#[test]
fn no_folder_below_ns_is_overlooked() {
    for name in [&b"-x"[..], b".x", b"x y", b"x\xff"] {
        let world = World::new();
        let folder = world.base().join("ns").join(OsStr::from_bytes(name));
        fs::create_dir_all(folder.join("host/pc")).unwrap();
        assert!(
            matches!(
                world.store.namespaces(&root(), None),
                Err(StoreError::BadNamespaceDir { .. })
            ),
            "{}",
            name.escape_ascii()
        );
    }
}

//! Moves of groups and namespaces: what arrives, what is refused, and what a kill between any two steps leaves.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use format::{Group, Namespace, Snapshot};
use store::{Datastore, MoveError, NamespaceMove, StoreError, Unwatched, Watch};

use crate::world::{Notes, World, backup, pieces, root, snapshot, tree, user, verify};

fn ns(text: &str) -> Namespace {
    text.parse().unwrap()
}

fn group(text: &str) -> Group {
    text.parse().unwrap()
}

/// `host/a` with three snapshots and notes in `x`, and an empty namespace `y`.
fn world() -> World {
    let world = World::new();
    for name in ["x", "y"] {
        world.store.create_namespace(&root(), name).unwrap();
    }
    for n in 0..3 {
        backup_of(&world.store, "x", "host/a", n);
    }
    let notes = "about a";
    world
        .store
        .set_group_notes(&ns("x"), &group("host/a"), notes)
        .unwrap();
    world
}

fn backup_of(store: &Datastore, place: &str, group: &str, n: i64) {
    let pieces = pieces([1, 2 + u8::try_from(n).unwrap()]);
    backup(store, &ns(place), &snapshot(group, n), &pieces).unwrap();
}

fn count(store: &Datastore, place: &str) -> usize {
    let times = store.snapshot_times(&ns(place), &group("host/a"));
    times.map_or(0, |times| times.len())
}

fn go(store: &Datastore, from: &str, to: &str, merge: bool) -> Result<u64, MoveError> {
    store.move_group(&ns(from), &group("host/a"), &ns(to), merge, &Unwatched)
}

#[test]
fn a_group_arrives_whole() {
    let world = world();
    let before: Vec<_> = tree(&world.base().join("ns/x"));
    assert_eq!(go(&world.store, "x", "y", true).unwrap(), 3);
    assert_eq!(tree(&world.base().join("ns/y")), before);
    assert!(!world.store.group_exists(&ns("x"), &group("host/a")));
    assert_eq!(
        world.store.owner(&ns("y"), &group("host/a")).unwrap(),
        user()
    );
    assert_eq!(
        world.store.group_notes(&ns("y"), &group("host/a")).unwrap(),
        "about a"
    );
    assert!(verify(&world.store).0.is_ok());
    // And back, into the root, where the type's folder is missing.
    assert_eq!(go(&world.store, "y", "", true).unwrap(), 3);
    assert!(verify(&world.store).0.is_ok());
    // No lock is left behind.
    assert_eq!(
        tree(&world.dir.path().join("locks/vault"))
            .iter()
            .filter(|name| name.starts_with(['x', 'y']) && name.contains("2023"))
            .count(),
        0
    );
}

#[test]
fn merging() {
    let world = world();
    backup_of(&world.store, "y", "host/a", 3);
    let refused = |result: Result<u64, MoveError>, text: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    refused(go(&world.store, "x", "y", true), "is not newer than");
    refused(go(&world.store, "y", "x", false), "merging is not wanted");
    refused(go(&world.store, "y", "z", false), "does not exist");
    refused(go(&world.store, "y", "y", true), "already");
    let other = "else@pbs".parse().unwrap();
    let (y, a) = (ns("y"), group("host/a"));
    world.store.set_owner(&y, &a, &other).unwrap();
    refused(go(&world.store, "y", "x", true), "belongs to 'test@pbs'");
    world.store.set_owner(&y, &a, &user()).unwrap();
    world.store.set_group_notes(&y, &a, "more").unwrap();
    assert_eq!(go(&world.store, "y", "x", true).unwrap(), 1);
    assert_eq!((count(&world.store, "x"), count(&world.store, "y")), (4, 0));
    let notes = world.store.group_notes(&ns("x"), &a).unwrap();
    assert_eq!(notes, "about a\n\nmore");
    assert!(verify(&world.store).0.is_ok());
}

/// Dies at the n-th look.
struct Death {
    at: usize,
    looks: AtomicUsize,
}

impl Watch for Death {
    fn log(&self, _: &str) {}

    fn warn(&self, text: &str) {
        panic!("{text}");
    }

    fn stopped(&self) -> bool {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        if look == self.at {
            std::panic::resume_unwind(Box::new("killed"));
        }
        false
    }
}

/// Snapshots of all namespaces, each of which must be in one place only.
fn all(store: &Datastore) -> BTreeSet<Snapshot> {
    let mut found = BTreeSet::new();
    for place in store.namespaces(&root(), None).unwrap() {
        for group in store.groups(&place).unwrap() {
            for info in store.snapshots(&place, &group).unwrap() {
                assert!(info.is_finished());
                assert!(found.insert(info.snapshot), "in two places");
            }
        }
    }
    found
}

#[test]
fn killed_between_any_two_steps() {
    for merge in [false, true] {
        let mut at = 0;
        loop {
            let world = world();
            if merge {
                backup_of(&world.store, "y", "host/a", 0);
                let (x, oldest) = (ns("x"), snapshot("host/a", 0));
                world.store.forget_snapshot(&x, &oldest).unwrap();
            }
            let before = all(&world.store);
            let death = Death {
                at,
                looks: AtomicUsize::new(0),
            };
            let (x, y, a) = (ns("x"), ns("y"), group("host/a"));
            let killed = catch_unwind(AssertUnwindSafe(|| {
                world.store.move_group(&x, &a, &y, merge, &death).unwrap()
            }));
            if killed.is_ok() {
                assert!(at >= 5, "only {at} steps");
                break;
            }
            // Another process finds all there is, can go on with either group, and can end the move.
            let store = world.open_again();
            assert_eq!(all(&store), before, "killed at {at}");
            assert!(verify(&store).0.is_ok());
            let into = if store.group_exists(&x, &a) { "x" } else { "y" };
            backup_of(&store, into, "host/a", 9);
            if into == "x" {
                // Without merging nobody can tell the rest of a move from another group, and is told what to do.
                let is_begun = store.owner(&y, &a).is_ok();
                if is_begun {
                    let refused = store.move_group(&x, &a, &y, false, &Unwatched);
                    let text = refused.unwrap_err().to_string();
                    assert!(text.contains("is ended with merging"), "{text}");
                }
                store.move_group(&x, &a, &y, true, &Unwatched).unwrap();
            }
            assert_eq!(count(&store, "y"), before.len() + 1);
            assert!(!store.group_exists(&x, &a));
            assert_eq!(store.group_notes(&y, &a).unwrap(), "about a");
            assert!(verify(&store).0.is_ok());
            at += 1;
        }
    }
}

fn wish(from: &str, to: &str) -> NamespaceMove {
    NamespaceMove {
        ns: ns(from),
        target: ns(to),
        max_depth: None,
        delete_source: true,
        merge_groups: true,
    }
}

#[test]
fn a_namespace_arrives_with_all_below() {
    let world = world();
    let store = &world.store;
    store.create_namespace(&ns("x"), "deep").unwrap();
    store.create_namespace(&ns("x"), "empty").unwrap();
    backup_of(store, "x/deep", "vm/7", 0);
    let moved = store.move_namespace(&wish("x", "y/z"), &Unwatched).unwrap();
    assert_eq!((moved.groups, moved.snapshots), (2, 4));
    let names: Vec<String> = store
        .namespaces(&root(), None)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["", "y", "y/z", "y/z/deep", "y/z/empty"]);
    assert!(verify(store).0.is_ok());

    // One level only, and the source stays.
    let flat = NamespaceMove {
        max_depth: Some(0),
        delete_source: false,
        ..wish("y/z", "flat")
    };
    assert_eq!(store.move_namespace(&flat, &Unwatched).unwrap().groups, 1);
    assert!(store.namespace_exists(&ns("y/z/deep")));
    assert_eq!(store.groups(&ns("y/z")).unwrap(), []);

    for (from, to, text) in [
        ("flat", "no/where", "parent no doesn't already exists"),
        ("none", "some", "namespace not found"),
        ("y", "y/z/y", "into itself"),
    ] {
        let error = store.move_namespace(&wish(from, to), &Unwatched);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn what_is_in_use_stays_and_is_told() {
    let world = world();
    let store = &world.store;
    backup_of(store, "x", "host/b", 0);
    let session = store
        .begin(&ns("x"), &snapshot("host/a", 5), &user(), false)
        .unwrap();
    let notes = Notes::default();
    let error = store.move_namespace(&wish("x", "w"), &notes).unwrap_err();
    assert!(matches!(error, MoveError::Partial { failed: 1, all: 2 }));
    let text = notes.text();
    assert!(text.contains("tried again later"), "{text}");
    assert!(text.contains("WARN failed to move group host/a"), "{text}");
    assert!(store.group_exists(&ns("w"), &group("host/b")));
    assert_eq!(count(store, "x"), 4);
    drop(session);
    store.move_namespace(&wish("x", "w"), &Unwatched).unwrap();
    assert!(!store.namespace_exists(&ns("x")));
    assert_eq!(count(store, "w"), 3);
}

#[test]
fn locks_that_forbid_a_move() {
    let world = world();
    let store = &world.store;
    let locked = |result: Result<u64, MoveError>| {
        assert!(matches!(
            result,
            Err(MoveError::Store(StoreError::Locked { .. }))
        ));
    };
    let (x, y) = (ns("x"), ns("y"));
    let reading = store
        .snapshot(&x, &snapshot("host/a", 1))
        .unwrap()
        .lock_shared()
        .unwrap();
    locked(go(&world.open_again(), "x", "y", true));
    drop(reading);
    // A backup into the target, which also is what a merge could not see.
    let session = store
        .begin(&y, &snapshot("host/a", 0), &user(), false)
        .unwrap();
    locked(go(store, "x", "y", true));
    assert_eq!(count(store, "x"), 3, "nothing has moved");
    drop(session);
    // A collection of another process.
    let all = world.open_again().lock_exclusive().unwrap();
    assert!(matches!(
        go(store, "x", "y", true),
        Err(MoveError::Store(StoreError::ProcessLocked { .. }))
    ));
    drop(all);
    go(store, "x", "y", true).unwrap();
}

/// Whoever looked at a whole datastore got "group does not exist" for one that was moved or removed while he looked.
#[test]
fn lists_and_counts_beside_moves() {
    let world = world();
    let store = &world.store;
    let moving = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..100 {
                go(store, "x", "y", true).unwrap();
                store.delete_namespace(&ns("x"), true).unwrap();
                store.create_namespace(&root(), "x").unwrap();
                go(store, "y", "x", true).unwrap();
            }
            moving.store(false, Ordering::SeqCst);
        });
        while moving.load(Ordering::SeqCst) {
            store.counts().unwrap();
        }
    });
    assert_eq!(store.counts().unwrap().host.snapshots, 3);
}

//! What each snapshot, group and namespace costs, against the same counted by brute force, over random changes and with next to no memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use format::{ArchiveName, Digest, Group, Namespace, Snapshot};
use proptest::prelude::*;
use store::{Datastore, SpaceError, SpaceOptions, SpaceReport, Unwatched};

use crate::world::{Notes, World, backup, pieces, root, snapshot};

const NAMESPACES: [&str; 4] = ["", "a", "a/b", "c"];

fn ns(text: &str) -> Namespace {
    text.parse().unwrap()
}

fn world() -> World {
    let world = World::new();
    for (parent, name) in [("", "a"), ("a", "b"), ("", "c")] {
        world.store.create_namespace(&ns(parent), name).unwrap();
    }
    world
}

fn update(store: &Datastore, pairs_max: usize) -> SpaceReport {
    let options = SpaceOptions {
        anew: false,
        pairs_max,
    };
    let report = store.update_space(&options, 7, &Unwatched).unwrap();
    assert_eq!(store.space(), Some(report.clone()), "it is kept");
    report
}

/// Who names which chunks, by reading everything.
fn named(store: &Datastore) -> BTreeMap<(Namespace, Snapshot), BTreeSet<Digest>> {
    let mut all = BTreeMap::new();
    for ns in store.namespaces(&root(), None).unwrap() {
        for group in store.groups(&ns).unwrap() {
            for info in store.snapshots(&ns, &group).unwrap() {
                let dir = store.snapshot(&ns, &info.snapshot).unwrap();
                let name: ArchiveName = "root.pxar.didx".parse().unwrap();
                let index = dir.open_index(&name).unwrap();
                let digests = index.iter().map(|(_, digest)| digest).collect();
                all.insert((ns.clone(), info.snapshot), digests);
            }
        }
    }
    all
}

/// Unique and shared bytes of some of the snapshots, seen from all.
fn costs(
    store: &Datastore,
    all: &BTreeMap<(Namespace, Snapshot), BTreeSet<Digest>>,
    own: impl Fn(&Namespace, &Snapshot) -> bool,
) -> (u64, u64) {
    let union = |wanted: bool| -> BTreeSet<Digest> {
        let some = all
            .iter()
            .filter(|((ns, snapshot), _)| own(ns, snapshot) == wanted);
        some.flat_map(|(_, digests)| digests.iter().copied())
            .collect()
    };
    let (mine, others) = (union(true), union(false));
    let size = |digest: &Digest| store.chunks().stored_size(digest).unwrap().unwrap_or(0);
    let unique = mine.difference(&others).map(size).sum();
    let shared = mine.intersection(&others).map(size).sum();
    (unique, shared)
}

fn check(store: &Datastore, report: &SpaceReport) {
    let all = named(store);
    assert_eq!(report.snapshots.len(), all.len());
    for entry in &report.snapshots {
        let expected = costs(store, &all, |ns, s| (ns, s) == (&entry.ns, &entry.snapshot));
        assert_eq!((entry.space.unique, entry.space.shared), expected);
        let dir = store.snapshot(&entry.ns, &entry.snapshot).unwrap();
        let files: u64 = fs::read_dir(dir.path())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert_eq!(entry.space.files, files);
    }
    let groups: BTreeSet<(Namespace, Group)> = all
        .keys()
        .map(|(ns, snapshot)| (ns.clone(), snapshot.group.clone()))
        .collect();
    assert_eq!(report.groups.len(), groups.len());
    for entry in &report.groups {
        let expected = costs(store, &all, |ns, s| {
            (ns, &s.group) == (&entry.ns, &entry.group)
        });
        assert_eq!((entry.space.unique, entry.space.shared), expected);
    }
    for entry in &report.namespaces {
        let expected = costs(store, &all, |ns, _| {
            ns.depth() >= entry.ns.depth()
                && ns
                    .components()
                    .zip(entry.ns.components())
                    .all(|(a, b)| a == b)
        });
        let found = (entry.space.unique, entry.space.shared);
        assert_eq!(found, expected, "namespace '{}'", entry.ns);
    }
    let (whole, _) = costs(store, &all, |_, _| true);
    assert_eq!(report.bytes, whole);
}

#[derive(Debug, Clone)]
enum Op {
    Backup { place: u8, group: u8, pieces: u16 },
    Forget { which: u8 },
    Move { from: u8, to: u8, group: u8 },
    Update { pairs_max: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0..4u8, 0..2u8, 1..4096u16).prop_map(|(place, group, pieces)| Op::Backup { place, group, pieces }),
        2 => any::<u8>().prop_map(|which| Op::Forget { which }),
        1 => (0..4u8, 0..4u8, 0..2u8).prop_map(|(from, to, group)| Op::Move { from, to, group }),
        2 => (1..20usize).prop_map(|pairs_max| Op::Update { pairs_max }),
    ]
}

fn apply(store: &Datastore, op: &Op, next: &mut i64) {
    match op {
        Op::Backup {
            place,
            group,
            pieces: bits,
        } => {
            *next += 1;
            let name = snapshot(&format!("host/{group}"), *next);
            let numbers = (0..12u8).filter(|bit| bits >> bit & 1 == 1);
            let place = ns(NAMESPACES[usize::from(*place)]);
            backup(store, &place, &name, &pieces(numbers)).unwrap();
        }
        Op::Forget { which } => {
            let all = named(store);
            if let Some((ns, snapshot)) = all.keys().nth(usize::from(*which) % all.len().max(1)) {
                store.forget_snapshot(ns, snapshot).unwrap();
            }
        }
        Op::Move { from, to, group } => {
            let [from, to] = [from, to].map(|n| ns(NAMESPACES[usize::from(*n)]));
            let group = format!("host/{group}").parse().unwrap();
            // Not every move is allowed.
            let _ = store.move_group(&from, &group, &to, true, &Unwatched);
        }
        Op::Update { pairs_max } => {
            let report = update(store, *pairs_max);
            check(store, &report);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn as_counted_by_brute_force(ops in proptest::collection::vec(op(), 1..30)) {
        let world = world();
        let mut next = 0;
        for op in &ops {
            apply(&world.store, op, &mut next);
        }
        let report = update(&world.store, 3);
        check(&world.store, &report);
        let anew = SpaceOptions { anew: true, ..SpaceOptions::default() };
        let again = world.store.update_space(&anew, 7, &Unwatched).unwrap();
        prop_assert_eq!(report, again, "an update gives what a new count gives");
    }
}

#[test]
fn only_what_is_new_is_read() {
    let world = world();
    let store = &world.store;
    for n in 0..3 {
        backup(store, &root(), &snapshot("host/a", n), &pieces([1, 2])).unwrap();
    }
    update(store, 100);
    backup(store, &root(), &snapshot("host/a", 3), &pieces([2, 3])).unwrap();
    store
        .forget_snapshot(&root(), &snapshot("host/a", 0))
        .unwrap();
    let notes = Notes::default();
    store
        .update_space(&SpaceOptions::default(), 8, &notes)
        .unwrap();
    assert!(
        notes
            .text()
            .contains("2 snapshots are known, 1 new, 1 gone"),
        "{}",
        notes.text()
    );
    check(store, &store.space().unwrap());
}

/// Whatever is wrong with the kept files, the next update gives the right numbers.
#[test]
fn damage_is_counted_anew() {
    let world = world();
    let store = &world.store;
    for n in 0..3 {
        let pieces = pieces([1, 2 + u8::try_from(n).unwrap()]);
        backup(store, &root(), &snapshot("host/a", n), &pieces).unwrap();
    }
    let right = update(store, 100);
    let table = world.base().join(".strongroom-space");
    let records = world.base().join(".strongroom-space.records");
    let whole = fs::read(&records).unwrap();
    let cuts = (0..whole.len()).map(|end| whole[..end].to_vec());
    let longer = [whole.clone(), whole[16..].to_vec()].concat();
    for damaged in cuts.chain([longer, vec![0xff; whole.len()]]) {
        fs::write(&records, &damaged).unwrap();
        assert_eq!(update(store, 100), right, "{} bytes", damaged.len());
    }
    fs::remove_file(&records).unwrap();
    assert_eq!(update(store, 100), right);
    fs::write(&table, "nonsense").unwrap();
    assert_eq!(store.space(), None);
    assert_eq!(update(store, 100), right);
}

#[test]
fn missing_chunks_and_stops() {
    let world = world();
    let store = &world.store;
    backup(store, &root(), &snapshot("host/a", 0), &pieces([1, 2])).unwrap();
    let digest = Digest::of(&pieces([1])[0]);
    let position = store.chunks().position(&digest).unwrap().unwrap();
    store.chunks().set_aside(&digest, position).unwrap();
    let report = update(store, 100);
    assert_eq!((report.chunks, report.missing), (2, 1));
    check(store, &report);
    // It comes back with the next backup.
    backup(store, &root(), &snapshot("host/b", 0), &pieces([1])).unwrap();
    let report = update(store, 100);
    assert_eq!((report.chunks, report.missing), (2, 0));
    check(store, &report);
    let stopped = Notes {
        stop_after: Some(0),
        ..Notes::default()
    };
    let result = store.update_space(&SpaceOptions::default(), 9, &stopped);
    assert!(matches!(result, Err(SpaceError::Stopped)));
    assert_eq!(store.space(), Some(report), "what was known stays");
}

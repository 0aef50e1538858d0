//! What may not happen at the same time: one test for each pair of operations that meet on a lock (docs/formats/datastore.md).

mod backup;
mod processes;
mod verify;

use store::StoreError;

use crate::world::{World, backup, pieces, root, snapshot};

fn one_snapshot() -> World {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    world
}

fn is_locked<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Locked { .. }))
}

#[test]
fn read_and_forget() {
    let world = one_snapshot();
    let reading = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap()
        .lock_shared()
        .unwrap();
    let other = world.open_again();
    assert!(is_locked(
        other.forget_snapshot(&root(), &snapshot("host/pc", 0))
    ));
    assert!(is_locked(
        other.forget_group(&root(), &"host/pc".parse().unwrap())
    ));
    drop(reading);
    other
        .forget_snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
}

#[test]
fn read_and_read() {
    let world = one_snapshot();
    let dir = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    let _first = dir.lock_shared().unwrap();
    let _second = world
        .open_again()
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap()
        .lock_shared()
        .unwrap();
}

#[test]
fn read_and_protect() {
    let world = one_snapshot();
    let dir = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    let reading = dir.lock_shared().unwrap();
    assert!(is_locked(dir.set_protected(true)));
    drop(reading);
    dir.set_protected(true).unwrap();
}

#[test]
fn protect_and_forget() {
    let world = one_snapshot();
    let dir = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    dir.set_protected(true).unwrap();
    assert!(matches!(
        world.store.forget_snapshot(&root(), dir.snapshot()),
        Err(StoreError::Protected { .. })
    ));
    let report = world
        .store
        .forget_group(&root(), &dir.snapshot().group)
        .unwrap();
    assert_eq!(
        (
            report.protected_snapshots,
            report.removed_snapshots,
            report.removed_groups
        ),
        (1, 0, 0)
    );
    assert!(dir.is_finished());
}

#[test]
fn two_changes_of_one_manifest() {
    let world = one_snapshot();
    let dir = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let dir = &dir;
            scope.spawn(move || {
                dir.update_manifest(|manifest| {
                    manifest.set_notes(&format!("{}{n}", manifest.notes()))
                })
            });
        }
    });
    assert_eq!(dir.notes().unwrap().len(), 8, "none of them got lost");
}

#[test]
fn forget_and_forget() {
    let world = one_snapshot();
    let start = std::sync::Barrier::new(4);
    let removed = std::thread::scope(|scope| {
        let forget = || {
            start.wait();
            world
                .store
                .forget_snapshot(&root(), &snapshot("host/pc", 0))
                .is_ok()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(forget)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|removed| *removed)
            .count()
    });
    assert!(removed <= 1, "only one of them removed it");
    let _ = world
        .store
        .forget_snapshot(&root(), &snapshot("host/pc", 0));
    assert!(
        world
            .store
            .snapshot(&root(), &snapshot("host/pc", 0))
            .is_err()
    );
}

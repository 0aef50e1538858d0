//! Backups and garbage collection of different processes; two openings of one datastore stand for two processes.

use store::{BeginError, StoreError};

use super::one_snapshot;
use crate::world::{root, snapshot, user};

#[test]
fn backup_and_collection() {
    let world = one_snapshot();
    let other = world.open_again();
    let session = world
        .store
        .begin(&root(), &snapshot("host/pc", 1), &user(), false)
        .unwrap();
    assert!(world.store.oldest_writer().is_some());
    assert!(matches!(
        other.lock_exclusive(),
        Err(StoreError::ProcessLocked { .. })
    ));
    let own = world
        .store
        .lock_exclusive()
        .expect("sessions of this process are known to its collection");
    assert!(
        world.store.lock_exclusive().is_err(),
        "one collection at a time"
    );
    drop(own);
    drop(session);
    assert_eq!(world.store.oldest_writer(), None);

    let collecting = other.lock_exclusive().unwrap();
    let before = crate::world::tree(&world.base());
    let refused = world
        .store
        .begin(&root(), &snapshot("host/pc", 1), &user(), false)
        .err()
        .unwrap();
    assert!(matches!(
        refused,
        BeginError::Store(StoreError::ProcessLocked { .. })
    ));
    assert_eq!(crate::world::tree(&world.base()), before);
    drop(collecting);
    world
        .store
        .begin(&root(), &snapshot("host/pc", 1), &user(), false)
        .unwrap();
}

#[test]
fn another_writer_and_collection() {
    let world = one_snapshot();
    let writing = world.store.lock_writing().unwrap();
    assert!(world.open_again().lock_exclusive().is_err());
    drop(writing);
    world.open_again().lock_exclusive().unwrap();
}

//! A backup that runs, and what else is asked of its group, its snapshot and its base.

use store::{BeginError, Session};

use super::{is_locked, one_snapshot};
use crate::world::{World, backup, manifest, pieces, root, snapshot, user};

fn running(world: &World) -> Session {
    world
        .store
        .begin(&root(), &snapshot("host/pc", 1), &user(), false)
        .unwrap()
}

#[test]
fn backup_and_backup() {
    let world = one_snapshot();
    let session = running(&world);
    for store in [&world.store, &world.open_again()] {
        let error = store
            .begin(&root(), &snapshot("host/pc", 2), &user(), false)
            .err()
            .unwrap();
        assert!(matches!(error, BeginError::GroupBusy { .. }));
        let path = world.base().join("host/pc");
        let text = format!(
            "unable to acquire lock on backup group directory {path:?} - another backup is already running"
        );
        assert_eq!(error.to_string(), text);
        backup(store, &root(), &snapshot("host/other", 0), &pieces([1])).unwrap();
        store
            .forget_group(&root(), &"host/other".parse().unwrap())
            .unwrap();
    }
    drop(session);
    backup(&world.store, &root(), &snapshot("host/pc", 2), &pieces([1])).unwrap();
}

#[test]
fn backup_and_forget_of_its_base() {
    let world = one_snapshot();
    let session = running(&world);
    assert!(is_locked(
        world
            .open_again()
            .forget_snapshot(&root(), &snapshot("host/pc", 0))
    ));
    manifest(&session, vec![]).unwrap();
    session.finish().unwrap();
    // The locks are gone with the finish, not with the connection.
    world
        .store
        .forget_snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    assert!(
        world
            .store
            .snapshot(&root(), session.snapshot())
            .unwrap()
            .is_finished()
    );
}

#[test]
fn backup_and_forget_of_itself() {
    let world = one_snapshot();
    let session = running(&world);
    assert!(is_locked(
        world.store.forget_snapshot(&root(), session.snapshot())
    ));
    assert!(is_locked(
        world.store.forget_group(&root(), &session.snapshot().group)
    ));
    assert!(session.path().is_dir());
}

#[test]
fn backup_and_forget_of_another_snapshot() {
    let world = one_snapshot();
    backup(&world.store, &root(), &snapshot("host/pc", 1), &pieces([1])).unwrap();
    let session = world
        .store
        .begin(&root(), &snapshot("host/pc", 2), &user(), false)
        .unwrap();
    world
        .store
        .forget_snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    manifest(&session, vec![]).unwrap();
    session.finish().unwrap();
}

#[test]
fn backup_and_removal_of_its_namespace() {
    let world = World::new();
    let ns = world.store.create_namespace(&root(), "a").unwrap();
    let session = world
        .store
        .begin(&ns, &snapshot("host/pc", 0), &user(), false)
        .unwrap();
    assert!(is_locked(world.store.delete_namespace(&ns, true)));
    assert!(world.store.delete_namespace(&ns, false).is_err());
    assert!(session.path().is_dir());
}

#[test]
fn backup_and_reading_or_protecting_it() {
    let world = one_snapshot();
    let session = running(&world);
    let dir = world.store.snapshot(&root(), session.snapshot()).unwrap();
    assert!(is_locked(dir.lock_shared()));
    assert!(is_locked(dir.set_protected(true)));
    let base = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    base.lock_shared().unwrap();
    assert!(is_locked(base.set_protected(true)));
    base.set_notes("notes need no lock of the snapshot")
        .unwrap();
}

#[test]
fn backup_and_forget_of_its_base_in_between() {
    // The newest snapshot goes just before the backup looks for its base: the next older one is taken.
    let world = one_snapshot();
    backup(&world.store, &root(), &snapshot("host/pc", 1), &pieces([1])).unwrap();
    world
        .store
        .forget_snapshot(&root(), &snapshot("host/pc", 1))
        .unwrap();
    let session = world
        .store
        .begin(&root(), &snapshot("host/pc", 2), &user(), false)
        .unwrap();
    assert_eq!(session.previous(), Some(&snapshot("host/pc", 0)));
}

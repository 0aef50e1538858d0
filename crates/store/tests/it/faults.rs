//! Something fails, at every point where it can: then the datastore opens, verifies, and takes the same backup again.

use std::fs;

use store::{Datastore, Session};
use testkit::Fault;

use crate::world::{
    BackupError, World, archive, backup, blob, copy, known, manifest, open, pieces, root, snapshot,
    tree, user, verify,
};

/// A backup on top of another: known chunks, new chunks, a blob.
fn second_backup(store: &Datastore) -> Result<(), BackupError> {
    backup(
        store,
        &root(),
        &snapshot("host/pc", 1),
        &pieces([1, 2, 3, 4, 5]),
    )
}

#[test]
fn every_operation_of_the_chunk_store_fails_once() {
    for fault in [Fault::Before, Fault::After] {
        let mut n = 1;
        loop {
            let world = World::new();
            backup(
                &world.store,
                &root(),
                &snapshot("host/pc", 0),
                &pieces([1, 2, 3]),
            )
            .unwrap();
            let before = tree(&world.base());
            world.chunks.arm(n, fault);
            let result = second_backup(&world.store);
            let failed = world.chunks.has_failed();
            world.chunks.disarm();
            if !failed {
                result.unwrap();
                break;
            }
            assert!(
                result.is_err(),
                "{fault:?} {n}: a fault must not pass unnoticed"
            );
            assert_eq!(
                tree(&world.base()),
                before,
                "{fault:?} {n}: the failed backup leaves nothing"
            );
            let again = world.open_again();
            assert!(verify(&again).0.is_ok(), "{fault:?} {n}");
            second_backup(&again).unwrap();
            let (report, log) = verify(&again);
            assert!(
                report.is_ok() && report.verified == 2,
                "{fault:?} {n}: {log}"
            );
            n += 1;
        }
        assert_eq!(n, 7, "three marks, two inserts, one barrier");
    }
}

#[test]
fn every_operation_of_a_verify_fails_once() {
    let mut n = 1;
    loop {
        let world = World::new();
        backup(
            &world.store,
            &root(),
            &snapshot("host/pc", 0),
            &pieces([1, 2, 3]),
        )
        .unwrap();
        world.chunks.arm(n, Fault::Before);
        let (report, log) = verify(&world.store);
        let failed = world.chunks.has_failed();
        world.chunks.disarm();
        if !failed {
            assert!(report.is_ok());
            break;
        }
        // A position that cannot be had costs only order.
        assert_eq!(report.failed.len(), usize::from(n > 3), "{n}: {log}");
        assert!(
            verify(&world.store).0.is_ok() || n > 3,
            "{n}: an error of the disk sets the chunk aside"
        );
        n += 1;
    }
    assert_eq!(n, 7, "three positions, three loads");
}

/// A backup in steps, between which the power may go.
type Step = fn(&Session);

const STEPS: &[Step] = &[
    |_| {},
    |session| drop(known(session).unwrap()),
    |session| assert_eq!(session.open_dynamic("open.pxar.didx").unwrap(), 1),
    |session| {
        assert_eq!(
            session
                .open_fixed("open.img.fidx", Some(100), None)
                .unwrap(),
            2
        )
    },
    |session| drop(archive(session, "root.pxar.didx", &pieces([1, 9]), |_| false).unwrap()),
    |session| drop(blob(session, "note.conf.blob", b"a note").unwrap()),
    |session| manifest(session, vec![]).unwrap(),
];

/// Copies the datastore after each step of a backup, as the disk would look after a power cut, and goes on with the copy.
#[test]
fn the_power_goes_at_every_step() {
    for first in [true, false] {
        let world = World::new();
        if !first {
            backup(
                &world.store,
                &root(),
                &snapshot("host/pc", 0),
                &pieces([1, 2]),
            )
            .unwrap();
        }
        let session = world
            .store
            .begin(&root(), &snapshot("host/pc", 1), &user(), false)
            .unwrap();
        for (at, step) in STEPS.iter().enumerate() {
            step(&session);
            let after = tempfile::tempdir().unwrap();
            let base = after.path().join("vault");
            copy(&world.base(), &base);
            let store = open(&base, &world.chunks);
            let group = "host/pc".parse().unwrap();
            let unfinished = store.snapshots(&root(), &group).unwrap().pop().unwrap();
            assert!(!unfinished.is_finished(), "step {at}");
            assert!(
                unfinished
                    .files
                    .iter()
                    .all(|file| !file.as_str().contains("open")),
                "step {at}: temp files are ignored"
            );
            assert_eq!(
                store.last_finished(&root(), &group).unwrap().is_some(),
                !first,
                "step {at}"
            );

            backup(&store, &root(), &snapshot("host/pc", 2), &pieces([1, 2, 3])).unwrap();
            store
                .forget_snapshot(&root(), &snapshot("host/pc", 1))
                .unwrap();
            let (report, log) = verify(&store);
            assert!(report.is_ok(), "step {at}: {log}");
            assert_eq!(report.verified, if first { 1 } else { 2 }, "step {at}");
        }
    }
}

/// A removal that was cut leaves an unfinished snapshot, never a finished one that lacks files.
#[test]
fn the_power_goes_during_a_removal() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    fs::remove_file(
        world
            .base()
            .join("host/pc/2023-11-14T22:13:20Z/index.json.blob"),
    )
    .unwrap();
    let store = world.open_again();
    let group = "host/pc".parse().unwrap();
    assert!(store.last_finished(&root(), &group).unwrap().is_none());
    store
        .forget_snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    assert!(!store.group_exists(&root(), &group));
}

/// The group was made, but its owner was not written yet.
#[test]
fn the_power_goes_while_a_group_is_made() {
    let world = World::new();
    fs::create_dir_all(world.base().join("host/pc")).unwrap();
    let store = world.open_again();
    assert!(store.owner(&root(), &"host/pc".parse().unwrap()).is_err());
    backup(&store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    assert!(verify(&store).0.is_ok());
}

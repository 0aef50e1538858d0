//! Backups, prunes, verifies and collections at the same time: nothing is lost, nobody waits for ever. Before each collection two days go by.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use store::{GcError, Keep, Unwatched, VerifyFilter, VerifyScope};

use super::{DAY, collect};
use crate::world::{BackupError, UPID, World, backup, pieces, root, snapshot, verify};

const GROUPS: u8 = 3;
const BACKUPS: i64 = 20;

#[test]
fn all_at_once() {
    let world = World::new();
    let store = &world.store;
    let done = AtomicBool::new(false);
    let collections = AtomicU64::new(0);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..GROUPS)
            .map(|group| {
                scope.spawn(move || {
                    for n in 0..BACKUPS {
                        // Pieces are shared with the other groups and with the backups before, and some come back after they were gone.
                        let first = (n as u8 * 3 + group) % 20;
                        let snapshot = snapshot(&format!("host/{group}"), n);
                        match backup(store, &root(), &snapshot, &pieces(first..first + 8)) {
                            Ok(()) => {}
                            Err(BackupError::Begin(_)) => {}
                            Err(error) => panic!("{snapshot}: {error}"),
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                // What nobody marks from here on is old enough to go, unless a session is open that began before.
                world.chunks.inner().advance(2 * DAY);
                match collect(&world) {
                    Ok(_) => drop(collections.fetch_add(1, Ordering::SeqCst)),
                    Err(GcError::Restless { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        scope.spawn(|| {
            let keep = Keep {
                last: Some(2),
                ..Keep::default()
            };
            let zone = jiff::tz::TimeZone::UTC;
            while !done.load(Ordering::SeqCst) {
                for group in 0..GROUPS {
                    let group = format!("host/{group}").parse().unwrap();
                    if let Ok(plan) = store.prune_plan(&root(), &group, &keep, &zone) {
                        store.prune(
                            &root(),
                            &plan,
                            |path, mark| format!("{path} {mark}"),
                            &Unwatched,
                        );
                    }
                }
                thread::yield_now();
            }
        });
        scope.spawn(|| {
            let scope = VerifyScope {
                ns: root(),
                max_depth: None,
                group: None,
                owned_by: None,
            };
            while !done.load(Ordering::SeqCst) {
                let report = store.verify_all(&scope, VerifyFilter::All, UPID, &Unwatched);
                assert!(report.is_ok(), "{report:?}");
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(collections.load(Ordering::SeqCst) > 0);
    let (report, text) = verify(store);
    assert!(report.is_ok(), "{text}");
    assert!(report.verified >= u64::from(GROUPS), "{report:?}");

    world.chunks.inner().advance(2 * DAY);
    let last = collect(&world).unwrap();
    assert_eq!(last.sweep.disk_chunks, last.marked_chunks);
    assert_eq!((last.sweep.pending_chunks, last.missing_chunks), (0, 0));
    assert!(verify(store).0.is_ok());
}

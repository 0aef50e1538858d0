//! Garbage collection: what it removes, keeps, counts and refuses; what may happen beside it, in every order; and with real threads.

mod moves;
mod orders;
mod resumed;
mod spy;
mod threads;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use format::Digest;
use store::{
    Datastore, GcError, GcOptions, GcReport, Options, StoreError, SyncLevel, Unwatched, Watch,
};
use tempfile::TempDir;
use testkit::{Fault, MemoryChunks};

use crate::world::{Notes, World, archive, backup, local, pieces, root, snapshot, user, verify};
use spy::Spy;

const DAY: i64 = 86_400;

/// Without the probe, which would leave a chunk of its own.
fn options() -> GcOptions {
    GcOptions {
        probe: false,
        ..GcOptions::default()
    }
}

fn collect(world: &World) -> Result<GcReport, GcError> {
    world
        .store
        .collect_garbage(&options(), world.chunks.inner().now(), &Unwatched)
}

fn digests(numbers: impl IntoIterator<Item = u8>) -> Vec<Digest> {
    let mut digests: Vec<Digest> = pieces(numbers).iter().map(|p| Digest::of(p)).collect();
    digests.sort();
    digests
}

#[test]
fn what_no_index_names_goes_when_it_is_old() {
    let world = World::new();
    for (n, numbers) in [(0, vec![1, 2]), (1, vec![2, 3])] {
        backup(
            &world.store,
            &root(),
            &snapshot("host/a", n),
            &pieces(numbers),
        )
        .unwrap();
    }
    backup(&world.store, &root(), &snapshot("vm/7", 0), &pieces([9])).unwrap();
    world
        .store
        .forget_snapshot(&root(), &snapshot("host/a", 0))
        .unwrap();
    world
        .store
        .forget_snapshot(&root(), &snapshot("vm/7", 0))
        .unwrap();

    world.chunks.inner().advance(DAY);
    let report = collect(&world).unwrap();
    assert_eq!((report.index_files, report.index_bytes), (1, 2005));
    assert_eq!(
        (report.sweep.removed_chunks, report.sweep.pending_chunks),
        (0, 2)
    );
    assert_eq!(report.sweep.disk_chunks, 2);

    world.chunks.inner().advance(400);
    let report = collect(&world).unwrap();
    assert_eq!(
        (report.sweep.removed_chunks, report.sweep.pending_chunks),
        (2, 0)
    );
    assert_eq!(world.chunks.inner().digests(), digests([2, 3]));
    assert!(verify(&world.store).0.is_ok());
}

/// A chunk is touched once, however many snapshots, groups and entries name it, also when memory holds few digests at a time.
#[test]
fn each_chunk_is_touched_once() {
    let dir = tempfile::tempdir().unwrap();
    let chunks = Arc::new(Spy::new(MemoryChunks::new()));
    let base = dir.path().join("vault");
    fs::create_dir(&base).unwrap();
    let mut settings = Options::new(dir.path().join("locks"));
    settings.sync = SyncLevel::None;
    let store =
        Datastore::with_chunks(&"vault".parse().unwrap(), &base, settings, chunks.clone()).unwrap();
    for n in 0..5 {
        for group in ["host/a", "host/b", "vm/1"] {
            let first = n as u8;
            let twice = (first..first + 20).chain(first..first + 10);
            backup(&store, &root(), &snapshot(group, n), &pieces(twice)).unwrap();
        }
    }
    for digests_max in [3, 7, 1000] {
        chunks.forget_touches();
        let options = GcOptions {
            digests_max,
            ..options()
        };
        let report = store
            .collect_garbage(&options, chunks.inner().now(), &Unwatched)
            .unwrap();
        let touches = chunks.touches();
        assert_eq!(touches.len(), 24, "every chunk of the store");
        assert!(touches.values().all(|count| *count == 1), "{touches:?}");
        assert_eq!((report.index_files, report.marked_chunks), (15, 24));
        assert_eq!(report.hits + report.misses, 15 * 30);
        assert_eq!(report.sweep.disk_chunks, 24);
    }
}

#[test]
fn damaged_and_missing_chunks() {
    let world = World::new();
    backup(
        &world.store,
        &root(),
        &snapshot("host/a", 0),
        &pieces([1, 2, 3]),
    )
    .unwrap();
    let [needed, gone] = [1, 2].map(|n| digests([n])[0]);
    let chunks = world.store.chunks();
    let aside = |digest: &Digest| {
        let position = chunks.position(digest).unwrap().unwrap();
        chunks.set_aside(digest, position).unwrap().unwrap();
    };
    let (useless, encoded) = crate::world::encode(&pieces([9])[0]);
    chunks.insert(&useless, &encoded).unwrap();
    aside(&useless);
    aside(&needed);
    world.chunks.inner().remove(&gone);
    world.chunks.inner().advance(3 * DAY);
    let notes = Notes::default();
    let now = world.chunks.inner().now();
    let report = world
        .store
        .collect_garbage(&options(), now, &notes)
        .unwrap();
    assert_eq!((report.marked_chunks, report.missing_chunks), (3, 2));
    assert_eq!(
        (report.sweep.removed_bad, report.sweep.removed_chunks),
        (1, 0)
    );
    assert!(
        chunks.touch_aside(&needed).unwrap(),
        "it may still be of use to somebody"
    );
    let text = notes.text();
    assert!(
        text.contains(&format!("WARN chunk {gone} is missing; a verify")),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "WARN chunk {needed} is missing, a damaged one was set aside"
        )),
        "{text}"
    );
}

/// Indexes that lie where none should be keep their chunks.
#[test]
fn strays_are_kept() {
    let world = World::new();
    let first = snapshot("host/a", 0);
    backup(&world.store, &root(), &first, &pieces([1, 2])).unwrap();
    let old = world
        .store
        .snapshot(&root(), &first)
        .unwrap()
        .path()
        .join("root.pxar.didx");
    fs::create_dir(world.base().join("saved by hand")).unwrap();
    fs::rename(&old, world.base().join("saved by hand/copy.didx")).unwrap();
    world.store.forget_snapshot(&root(), &first).unwrap();
    world.chunks.inner().advance(3 * DAY);
    let notes = Notes::default();
    let now = world.chunks.inner().now();
    let report = world
        .store
        .collect_garbage(&options(), now, &notes)
        .unwrap();
    assert_eq!((report.index_files, report.sweep.removed_chunks), (1, 0));
    assert!(
        notes.text().contains("WARN found 1 index files outside"),
        "{}",
        notes.text()
    );
}

/// Whatever is wrong before the sweep, nothing is removed.
#[test]
fn what_cannot_be_read_stops_it() {
    type Damage = fn(&mut Vec<u8>);
    let rows: [(&str, Damage); 4] = [
        ("empty", |bytes| bytes.clear()),
        ("cut in its header", |bytes| bytes.truncate(100)),
        ("cut in an entry", |bytes| bytes.truncate(4096 + 39)),
        ("another magic", |bytes| bytes[0] ^= 1),
    ];
    for (name, damage) in rows {
        let world = World::new();
        for (group, n) in [("host/a", 1), ("host/b", 2)] {
            backup(&world.store, &root(), &snapshot(group, 0), &pieces([n])).unwrap();
        }
        world
            .store
            .forget_snapshot(&root(), &snapshot("host/b", 0))
            .unwrap();
        let dir = world
            .store
            .snapshot(&root(), &snapshot("host/a", 0))
            .unwrap();
        let path = dir.path().join("root.pxar.didx");
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        world.chunks.inner().advance(3 * DAY);
        let error = collect(&world).unwrap_err();
        assert!(
            matches!(&error, GcError::BadIndex { .. } | GcError::ReadIndex { .. }),
            "{name}: {error}"
        );
        assert!(
            error.to_string().contains("root.pxar.didx"),
            "{name}: {error}"
        );
        assert_eq!(world.chunks.inner().digests().len(), 2, "{name}");
    }
}

#[test]
fn every_failing_operation_is_told_and_harmless() {
    for fault in [Fault::Before, Fault::After] {
        for n in 1.. {
            let world = World::new();
            backup(
                &world.store,
                &root(),
                &snapshot("host/a", 0),
                &pieces([1, 2]),
            )
            .unwrap();
            backup(&world.store, &root(), &snapshot("host/b", 0), &pieces([3])).unwrap();
            world
                .store
                .forget_snapshot(&root(), &snapshot("host/b", 0))
                .unwrap();
            world.chunks.inner().advance(3 * DAY);
            world.chunks.arm(n, fault);
            let result = collect(&world);
            let failed = world.chunks.has_failed();
            world.chunks.disarm();
            assert_eq!(result.is_err(), failed, "{n} {fault:?}");
            assert!(verify(&world.store).0.is_ok(), "{n} {fault:?}");
            // The lock is free again, and another run ends it.
            assert_eq!(collect(&world).unwrap().index_files, 1);
            assert_eq!(world.chunks.inner().digests(), digests([1, 2]));
            if !failed {
                assert!(n > 3, "touches, sweep and barrier can fail");
                break;
            }
        }
    }
}

#[test]
fn stopped_before_the_sweep() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/a", 0), &pieces([1])).unwrap();
    world
        .store
        .forget_snapshot(&root(), &snapshot("host/a", 0))
        .unwrap();
    world.chunks.inner().advance(3 * DAY);
    for stop_after in 0..3 {
        let notes = Notes {
            stop_after: Some(stop_after),
            ..Notes::default()
        };
        let now = world.chunks.inner().now();
        let result = world.store.collect_garbage(&options(), now, &notes);
        assert!(matches!(result, Err(GcError::Stopped)), "{stop_after}");
        assert_eq!(world.chunks.inner().digests().len(), 1);
    }
}

/// Does something when the collector asks whether to stop: about once while it reads a group with as many indexes as were added.
struct Meddler<F> {
    act: F,
    asked: AtomicI64,
    acted: AtomicI64,
}

impl<F: Fn() + Sync> Meddler<F> {
    fn new(act: F) -> Meddler<F> {
        let (asked, acted) = (AtomicI64::new(0), AtomicI64::new(0));
        Meddler { act, asked, acted }
    }
}

impl<F: Fn() + Sync> Watch for Meddler<F> {
    fn log(&self, _: &str) {}

    fn warn(&self, _: &str) {}

    fn stopped(&self) -> bool {
        if self.asked.fetch_add(1, Ordering::SeqCst) >= self.acted.load(Ordering::SeqCst) {
            self.asked.store(0, Ordering::SeqCst);
            self.acted.fetch_add(1, Ordering::SeqCst);
            (self.act)();
        }
        false
    }
}

/// Backups that end faster than they are read: in the end the group is held, and they have to wait.
#[test]
fn a_group_that_never_rests_is_held() {
    let world = World::new();
    let next = AtomicI64::new(0);
    let back_up = || {
        let n = next.fetch_add(1, Ordering::SeqCst);
        // Refused while the group is held.
        let _ = backup(
            &world.store,
            &root(),
            &snapshot("host/a", n),
            &pieces([1, 2]),
        );
    };
    back_up();
    let now = world.chunks.inner().now();
    let report = world
        .store
        .collect_garbage(&options(), now, &Meddler::new(back_up))
        .unwrap();
    assert!(report.index_files > 10, "{report:?}");
    assert!(verify(&world.store).0.is_ok());
}

/// A session that closes one index after the other while it holds its group cannot be waited for.
#[test]
fn a_restless_group_ends_the_collection() {
    let world = World::new();
    let session = world
        .store
        .begin(&root(), &snapshot("host/a", 0), &user(), false)
        .unwrap();
    let next = AtomicI64::new(0);
    let close_one_more = || {
        let n = next.fetch_add(1, Ordering::SeqCst);
        archive(&session, &format!("part{n}.didx"), &pieces([1]), |_| false).unwrap();
    };
    close_one_more();
    let now = world.chunks.inner().now();
    let result = world
        .store
        .collect_garbage(&options(), now, &Meddler::new(close_one_more));
    assert!(
        matches!(result, Err(GcError::Restless { .. })),
        "{result:?}"
    );
    drop(session);
    collect(&world).unwrap();
}

#[test]
fn one_at_a_time() {
    let world = World::new();
    let other = world.open_again();
    let own = world.store.lock_exclusive().unwrap();
    for store in [&world.store, &other] {
        let result = store.collect_garbage(&options(), 0, &Unwatched);
        assert!(matches!(
            result,
            Err(GcError::Store(StoreError::ProcessLocked { .. }))
        ));
    }
    drop(own);
    collect(&world).unwrap();
}

/// On a real disk, with the original's settings and the probe: chunks whose time was set back go, the others stay.
#[test]
fn on_disk() {
    let dir = TempDir::new().unwrap();
    let store = local(&dir);
    backup(&store, &root(), &snapshot("host/a", 0), &pieces([1, 2])).unwrap();
    backup(&store, &root(), &snapshot("host/b", 0), &pieces([3, 4])).unwrap();
    store
        .forget_snapshot(&root(), &snapshot("host/b", 0))
        .unwrap();
    for digest in digests([1, 2, 3]) {
        age(&store, &digest, 2 * DAY);
    }
    age(&store, &digests([4])[0], 3600);
    let notes = Notes::default();
    let report = store.collect_garbage_now(&notes).unwrap();
    assert_eq!(
        (
            report.sweep.removed_chunks,
            report.sweep.pending_chunks,
            report.sweep.disk_chunks
        ),
        (1, 1, 3),
        "one was old, one is too young, two and the probe's are in use"
    );
    assert!(!store.chunk_path(&digests([3])[0]).exists());
    assert!(store.chunk_path(&digests([4])[0]).exists());
    assert!(verify(&store).0.is_ok());
    assert!(
        notes
            .text()
            .starts_with("Access time update check successful.\n"),
        "{}",
        notes.text()
    );
    let left: Vec<String> = crate::world::tree(store.base())
        .into_iter()
        .filter(|name| name.contains("tmp_") || name.contains("gc-"))
        .collect();
    assert_eq!(left, [""; 0]);
}

/// Sets a chunk's mark back.
pub fn age(store: &Datastore, digest: &Digest, seconds: i64) {
    let path = store.chunk_path(digest);
    let stat = fs::metadata(&path).unwrap();
    let atime =
        std::time::UNIX_EPOCH + std::time::Duration::from_secs((stat.atime() - seconds) as u64);
    let times = fs::FileTimes::new().set_accessed(atime);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_times(times)
        .unwrap();
}

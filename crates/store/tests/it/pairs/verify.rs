//! A verify that runs: it looks on through its watch, from inside.

use std::sync::Mutex;

use store::{
    Datastore, SessionError, Unwatched, VerifyFilter, VerifyMemory, VerifyOutcome, VerifyReport,
    VerifyScope, Watch,
};

use super::{is_locked, one_snapshot};
use crate::world::{
    Notes, UPID, World, archive, backup, known, local, manifest, pieces, root, snapshot, user,
};

/// Does something once, in the middle of a verify.
struct Meanwhile<F> {
    action: Mutex<Option<F>>,
}

impl<F: FnOnce() + Send> Watch for Meanwhile<F> {
    fn log(&self, text: &str) {
        if text.starts_with("  check")
            && let Some(action) = self.action.lock().unwrap().take()
        {
            action();
        }
    }

    fn warn(&self, _text: &str) {}

    fn stopped(&self) -> bool {
        false
    }
}

fn verify_while(world: &World, action: impl FnOnce() + Send) -> VerifyOutcome {
    let watch = Meanwhile {
        action: Mutex::new(Some(action)),
    };
    let outcome = verify(&world.store, 0, &watch);
    assert!(watch.action.lock().unwrap().is_none(), "it happened");
    outcome
}

fn verify(store: &Datastore, n: i64, watch: &dyn Watch) -> VerifyOutcome {
    let mut memory = VerifyMemory::default();
    store
        .verify_snapshot(
            &root(),
            &snapshot("host/pc", n),
            VerifyFilter::All,
            &mut memory,
            UPID,
            watch,
        )
        .unwrap()
}

#[test]
fn verify_and_forget() {
    let world = one_snapshot();
    let outcome = verify_while(&world, || {
        assert!(is_locked(
            world
                .store
                .forget_snapshot(&root(), &snapshot("host/pc", 0))
        ));
        assert!(is_locked(
            world
                .store
                .forget_group(&root(), &"host/pc".parse().unwrap())
        ));
    });
    assert_eq!(outcome, VerifyOutcome::Ok);
    world
        .store
        .forget_snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
}

#[test]
fn verify_and_backup_on_top() {
    let world = one_snapshot();
    let outcome = verify_while(&world, || {
        backup(
            &world.store,
            &root(),
            &snapshot("host/pc", 1),
            &pieces([1, 2]),
        )
        .unwrap();
    });
    assert_eq!(outcome, VerifyOutcome::Ok);
}

#[test]
fn verify_and_notes() {
    let world = one_snapshot();
    let dir = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    verify_while(&world, || dir.set_notes("meanwhile").unwrap());
    let (manifest, _) = dir.manifest().unwrap();
    assert_eq!(manifest.notes(), "meanwhile");
    assert!(manifest.verify_state().unwrap().is_some());
}

#[test]
fn verify_and_verify() {
    let world = one_snapshot();
    let outcome = verify_while(&world, || {
        assert_eq!(
            verify(&world.store, 0, &Notes::default()),
            VerifyOutcome::Ok
        );
    });
    assert_eq!(outcome, VerifyOutcome::Ok);
}

#[test]
fn verify_skips_a_backup_that_runs() {
    let world = one_snapshot();
    let _session = world
        .store
        .begin(&root(), &snapshot("host/pc", 1), &user(), false)
        .unwrap();
    let notes = Notes::default();
    assert_eq!(verify(&world.store, 1, &notes), VerifyOutcome::Skipped);
    assert!(
        notes.text().starts_with("SKIPPED: verify vault:host/pc/"),
        "{}",
        notes.text()
    );
}

/// Moves and removals between the listing of groups and their turn ended a verify with "failed", though nothing was damaged.
#[test]
fn what_went_away_meanwhile_is_skipped() {
    type Act = fn(&World);
    let rows: [(&str, Act, u64); 4] = [
        ("nothing", |_| {}, 4),
        (
            "a group is moved to where the run has been",
            |world| {
                let (b, to) = ("host/b".parse().unwrap(), "a".parse().unwrap());
                let moved = world.store.move_group(&root(), &b, &to, true, &Unwatched);
                assert_eq!(moved.unwrap(), 1);
            },
            3,
        ),
        (
            "a group is removed",
            |world| {
                let b = "host/b".parse().unwrap();
                world.store.forget_group(&root(), &b).unwrap();
            },
            3,
        ),
        (
            "a namespace is removed",
            |world| {
                let z = "z".parse().unwrap();
                world.store.delete_namespace(&z, true).unwrap();
            },
            3,
        ),
    ];
    for (name, act, verified) in rows {
        let (report, lines) = run_beside(act, None, None);
        assert!(report.is_ok(), "{name}: {report:?}\n{lines}");
        assert_eq!(report.verified, verified, "{name}\n{lines}");
        let skipped = lines.matches("SKIPPED: ").count();
        assert_eq!(skipped, usize::from(verified < 4), "{name}\n{lines}");
    }
}

/// The same of a store whose disk went away is no success, nor is it for a group that was asked for.
#[test]
fn what_should_be_there_is_missed() {
    let (report, lines) = run_beside(|world| go_away(world, true), None, None);
    assert!(!report.is_ok(), "{lines}");
    assert!(lines.contains("datastore vault went away"), "{lines}");
    // The same when it is back before the end: what was missing meanwhile is not gone.
    for (empty, back_at) in [(true, "host/c"), (false, "host/c"), (true, "host/a")] {
        let (report, lines) = run_beside(|world| go_away(world, empty), None, Some(back_at));
        let missed = if back_at == "host/a" { 1 } else { 3 };
        assert_eq!(report.unlisted, missed, "{empty} {back_at}\n{lines}");
        assert_eq!(report.verified, 4 - missed, "{empty} {back_at}\n{lines}");
        assert!(!lines.contains("SKIPPED"), "{lines}");
        assert!(!report.is_ok());
    }
    let (report, lines) = run_beside(|_| {}, Some("host/none"), None);
    assert_eq!(report.unlisted, 1, "{lines}");
}

/// The disk is unmounted: its mount point is empty, or gone as well.
fn go_away(world: &World, empty: bool) {
    std::fs::rename(world.base(), world.dir.path().join("elsewhere")).unwrap();
    if empty {
        std::fs::create_dir(world.base()).unwrap();
    }
}

fn come_back(world: &World) {
    // Onto the empty folder, if there is one.
    std::fs::rename(world.dir.path().join("elsewhere"), world.base()).unwrap();
}

/// Verifies `host/a`, `host/b` of the root, `host/c` of the namespace `a` and `host/d` of `z`; `act` runs once the groups are known, and a store
/// that went away is back once something is wrong with the group `back_after`.
fn run_beside(
    act: impl FnOnce(&World) + Send,
    group: Option<&str>,
    back_after: Option<&str>,
) -> (VerifyReport, String) {
    struct Listed<'a, F> {
        world: &'a World,
        act: Mutex<Option<F>>,
        back_after: Option<&'a str>,
        notes: Notes,
    }
    impl<F: FnOnce(&World) + Send> Watch for Listed<'_, F> {
        fn log(&self, text: &str) {
            if text.starts_with("found 4 groups")
                && let Some(act) = self.act.lock().unwrap().take()
            {
                act(self.world);
            }
            self.notes.log(text);
        }

        fn warn(&self, text: &str) {
            if self.back_after.is_some_and(|group| text.contains(group)) {
                come_back(self.world);
            }
            self.notes.warn(text);
        }

        fn stopped(&self) -> bool {
            false
        }
    }
    let world = World::new();
    for name in ["a", "z"] {
        world.store.create_namespace(&root(), name).unwrap();
    }
    for (ns, group) in [
        ("", "host/a"),
        ("", "host/b"),
        ("a", "host/c"),
        ("z", "host/d"),
    ] {
        let ns = ns.parse().unwrap();
        backup(&world.store, &ns, &snapshot(group, 0), &pieces([1])).unwrap();
    }
    let watch = Listed {
        world: &world,
        act: Mutex::new(Some(act)),
        back_after,
        notes: Notes::default(),
    };
    let scope = VerifyScope {
        ns: root(),
        max_depth: None,
        group: group.map(|group| group.parse().unwrap()),
        owned_by: None,
    };
    let report = world
        .store
        .verify_all(&scope, VerifyFilter::All, UPID, &watch);
    (report, watch.notes.text())
}

/// A backup knew a chunk of its base, a verify (of another process, too) found the chunk damaged and set it aside, and the backup finished
/// as if nothing had happened: without that chunk.
#[test]
fn a_backup_does_not_finish_without_what_verify_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let store = local(&dir);
    backup(&store, &root(), &snapshot("host/pc", 0), &pieces([1, 2])).unwrap();
    let session = store
        .begin(&root(), &snapshot("host/pc", 1), &user(), false)
        .unwrap();
    let known = known(&session).unwrap();
    assert_eq!(known.len(), 2);

    let path = store.chunk_path(&known[0]);
    let mut damaged = std::fs::read(&path).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&path, damaged).unwrap();
    let other = local(&dir);
    assert_eq!(verify(&other, 0, &Notes::default()), VerifyOutcome::Failed);

    let file = archive(&session, "root.pxar.didx", &pieces([1, 2]), |_| true).unwrap();
    manifest(&session, vec![file]).unwrap();
    let refused = session.finish().unwrap_err();
    assert!(
        matches!(&refused, SessionError::ChunksSetAside { first, missing: 1, .. } if *first == known[0]),
        "{refused}"
    );
    drop(session);
    backup(&store, &root(), &snapshot("host/pc", 1), &pieces([1, 2])).unwrap();
    assert_eq!(verify(&store, 1, &Notes::default()), VerifyOutcome::Ok);
}

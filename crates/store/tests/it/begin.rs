//! How a backup begins, and all the ways in which it does not.

use std::fs;

use format::{AuthId, Namespace};
use store::{BeginError, Datastore};

use crate::world::{World, archive, backup, blob, manifest, pieces, root, snapshot, tree, user};

fn refused(
    store: &Datastore,
    ns: &Namespace,
    group: &str,
    n: i64,
    caller: &str,
    benchmark: bool,
) -> String {
    let caller: AuthId = caller.parse().unwrap();
    match store.begin(ns, &snapshot(group, n), &caller, benchmark) {
        Ok(_) => "began".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn refusals_have_the_original_texts() {
    let world = World::new();
    let store = &world.store;
    backup(store, &root(), &snapshot("host/pc", 5), &pieces([1])).unwrap();
    store
        .set_owner(
            &root(),
            &"host/pc".parse().unwrap(),
            &"test@pbs!tok".parse().unwrap(),
        )
        .unwrap();
    // An unfinished snapshot, as a power cut leaves it.
    let unfinished = world.base().join("host/pc/2023-11-14T23:13:20Z");
    fs::create_dir(&unfinished).unwrap();
    fs::write(unfinished.join("root.pxar.didx.tmp"), "half").unwrap();
    // An empty one is in nobody's way.
    fs::create_dir(world.base().join("host/pc/2023-11-14T23:13:28Z")).unwrap();
    let nowhere: Namespace = "nowhere".parse().unwrap();
    let rows = [
        (
            &nowhere,
            "host/pc",
            6,
            "test@pbs",
            false,
            "namespace not found",
        ),
        (
            &root(),
            "host/benchmark",
            6,
            "test@pbs",
            false,
            "unable to run benchmark without --benchmark flags",
        ),
        (
            &root(),
            "host/pc",
            6,
            "test@pbs",
            true,
            "benchmark flags is only allowed on 'host/benchmark'",
        ),
        (
            &root(),
            "host/pc",
            6,
            "other@pbs",
            false,
            "backup owner check failed (other@pbs != test@pbs!tok)",
        ),
        (
            &root(),
            "host/pc",
            6,
            "test@pbs!no",
            false,
            "backup owner check failed (test@pbs!no != test@pbs!tok)",
        ),
        (
            &root(),
            "host/pc",
            5,
            "test@pbs",
            false,
            "backup timestamp is older than last backup.",
        ),
        (
            &root(),
            "host/pc",
            4,
            "test@pbs",
            false,
            "backup timestamp is older than last backup.",
        ),
        (
            &root(),
            "host/pc",
            60,
            "test@pbs",
            false,
            "backup directory already exists.",
        ),
        (&root(), "host/pc", 6, "test@pbs", false, "began"),
        (&root(), "host/pc", 68, "test@pbs", false, "began"),
        (&root(), "host/pc", 7, "test@pbs!tok", false, "began"),
        (&root(), "host/benchmark", 1, "test@pbs", true, "began"),
        (&root(), "host/benchmark", 1, "other@pbs", true, "began"),
    ];
    for (ns, group, n, caller, benchmark, expected) in rows {
        assert_eq!(
            refused(store, ns, group, n, caller, benchmark),
            expected,
            "{group} {n} {caller}"
        );
    }
}

#[test]
fn what_was_refused_leaves_nothing() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 5), &pieces([1])).unwrap();
    let before = tree(&world.base());
    for (group, n, caller) in [
        ("host/pc", 5, "test@pbs"),
        ("host/pc", 6, "other@pbs"),
        ("host/new", 1, "test@pbs"),
    ] {
        refused(&world.store, &root(), group, n, caller, false);
        assert_eq!(tree(&world.base()), before, "{group} {n} {caller}");
    }
}

#[test]
fn group_owner_and_directory_are_made() {
    let world = World::new();
    let session = world
        .store
        .begin(&root(), &snapshot("vm/100", 0), &user(), false)
        .unwrap();
    assert_eq!(
        session.path(),
        world.base().join("vm/100/2023-11-14T22:13:20Z")
    );
    assert_eq!(session.relative_path(), "vm/100/2023-11-14T22:13:20Z");
    assert_eq!(session.previous(), None);
    assert_eq!(
        fs::read_to_string(world.base().join("vm/100/owner")).unwrap(),
        "test@pbs\n"
    );
    let ns = world.store.create_namespace(&root(), "a").unwrap();
    let inner = world
        .store
        .begin(&ns, &snapshot("vm/100", 0), &user(), false)
        .unwrap();
    assert_eq!(inner.relative_path(), "ns/a/vm/100/2023-11-14T22:13:20Z");
}

#[test]
fn the_base_is_the_newest_finished_one_that_did_not_fail() {
    let world = World::new();
    let store = &world.store;
    for n in 0..3 {
        backup(store, &root(), &snapshot("host/pc", n), &pieces([1])).unwrap();
    }
    let base = |n| {
        let session = store
            .begin(&root(), &snapshot("host/pc", n), &user(), false)
            .unwrap();
        session.previous().map(|previous| previous.time.epoch())
    };
    assert_eq!(base(10), Some(snapshot("host/pc", 2).time.epoch()));
    fs::create_dir(world.base().join("host/pc/2023-11-14T22:33:20Z")).unwrap();
    assert_eq!(
        base(10),
        Some(snapshot("host/pc", 2).time.epoch()),
        "an unfinished one is no base"
    );
    let state = format::manifest::VerifyState {
        state: format::manifest::VerifyStateKind::Failed,
        upid: crate::world::UPID.to_owned(),
    };
    let last = store.snapshot(&root(), &snapshot("host/pc", 2)).unwrap();
    last.update_manifest(|manifest| manifest.set_verify_state(Some(&state)))
        .unwrap();
    assert_eq!(
        base(10),
        None,
        "a failed one is none, and no older one takes its place"
    );
    assert_eq!(base(1_000), None);
}

#[test]
fn an_unreadable_base_refuses_the_backup() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    fs::write(
        world
            .base()
            .join("host/pc/2023-11-14T22:13:20Z/index.json.blob"),
        b"nonsense",
    )
    .unwrap();
    let error = world
        .store
        .begin(&root(), &snapshot("host/pc", 1), &user(), false)
        .err()
        .unwrap();
    assert!(matches!(error, BeginError::Store(_)), "{error}");
}

#[test]
fn a_group_without_owner_that_is_empty_gets_one() {
    let world = World::new();
    fs::create_dir_all(world.base().join("host/pc")).unwrap();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    assert_eq!(
        world
            .store
            .owner(&root(), &"host/pc".parse().unwrap())
            .unwrap(),
        user()
    );
}

/// What a server that was killed can leave of its first backup belongs to whom it says, as with the original. Who may write into it took it along when
/// his backup did not finish, or was a dry run, with the owner and the notes that somebody may have given it for what is to come.
#[test]
fn an_empty_group_that_was_there_stays() {
    let world = World::new();
    let group = world.base().join("host/pc");
    fs::create_dir_all(&group).unwrap();
    fs::write(group.join("owner"), "other@pbs\n").unwrap();
    fs::write(group.join("notes"), "of the new machine\n").unwrap();
    let begin = || {
        world
            .store
            .begin(&root(), &snapshot("host/pc", 0), &user(), false)
    };
    let error = begin().err().unwrap();
    assert!(matches!(error, BeginError::Owner { .. }), "{error}");
    fs::write(group.join("owner"), format!("{}\n", user())).unwrap();
    let before = tree(&world.base());
    assert!(before.iter().any(|name| name.ends_with("host/pc/notes")));
    // A dry run.
    drop(begin().unwrap());
    assert_eq!(tree(&world.base()), before);
    // One that breaks.
    let session = begin().unwrap();
    archive(&session, "root.pxar.didx", &pieces([7]), |_| false).unwrap();
    session.abort();
    drop(session);
    assert_eq!(tree(&world.base()), before);
    assert_eq!(
        fs::read_to_string(group.join("notes")).unwrap(),
        "of the new machine\n"
    );
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
}

#[test]
fn a_benchmark_never_stays() {
    let world = World::new();
    let session = world
        .store
        .begin(&root(), &snapshot("host/benchmark", 0), &user(), true)
        .unwrap();
    let files = vec![
        archive(&session, "root.pxar.didx", &pieces([1]), |_| false).unwrap(),
        blob(&session, "a.blob", b"a").unwrap(),
    ];
    manifest(&session, files).unwrap();
    session.finish().unwrap();
    drop(session);
    assert!(!world.base().join("host/benchmark").exists());
}

#[test]
fn an_unfinished_backup_leaves_nothing_but_chunks() {
    for group_exists in [false, true] {
        let world = World::new();
        if group_exists {
            backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
        }
        let before = tree(&world.base());
        let session = world
            .store
            .begin(&root(), &snapshot("host/pc", 1), &user(), false)
            .unwrap();
        archive(&session, "root.pxar.didx", &pieces([7]), |_| false).unwrap();
        session.open_dynamic("other.pxar.didx").unwrap();
        session.open_fixed("disk.img.fidx", Some(1), None).unwrap();
        blob(&session, "a.blob", b"a").unwrap();
        session.abort();
        session.abort();
        let mut after = tree(&world.base());
        // The folder of the type stays; it belongs to no group.
        after.retain(|name| group_exists || name != "host");
        assert_eq!(after, before);
        assert!(session.open_dynamic("more.pxar.didx").is_err());
        assert!(
            world
                .chunks
                .inner()
                .digests()
                .contains(&format::Digest::of(&pieces([7])[0]))
        );
        backup(&world.store, &root(), &snapshot("host/pc", 1), &pieces([1])).unwrap();
    }
}

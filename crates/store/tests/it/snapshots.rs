//! Snapshots and groups at rest: notes, owners, protection, logs, removal.

use std::fs;

use format::ArchiveName;
use store::{Datastore, ForgetReport, Options, StoreError, Unwatched};

use crate::world::{World, backup, encode, pieces, root, snapshot, tree, user};

#[test]
fn notes_and_owner() {
    let world = World::new();
    let store = &world.store;
    let group = "host/pc".parse().unwrap();
    assert!(matches!(
        store.owner(&root(), &group),
        Err(StoreError::NoGroup { .. })
    ));
    assert!(matches!(
        store.set_group_notes(&root(), &group, "x"),
        Err(StoreError::NoGroup { .. })
    ));
    backup(store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    assert_eq!(store.group_notes(&root(), &group).unwrap(), "");
    store
        .set_group_notes(&root(), &group, "first line\nsecond ü")
        .unwrap();
    assert_eq!(
        store.group_notes(&root(), &group).unwrap(),
        "first line\nsecond ü"
    );
    assert_eq!(store.owner(&root(), &group).unwrap(), user());
    let token = "test@pbs!tok".parse().unwrap();
    store.set_owner(&root(), &group, &token).unwrap();
    assert_eq!(store.owner(&root(), &group).unwrap(), token);
    assert_eq!(
        fs::read_to_string(world.base().join("host/pc/owner")).unwrap(),
        "test@pbs!tok\n"
    );
    let other = "other@pbs!tok".parse().unwrap();
    assert!(
        matches!(
            store.pass_on(&root(), &group, &other, &user()),
            Err(StoreError::OwnerChanged { owner, .. }) if owner == token
        ),
        "who decided about another owner must decide again"
    );
    store.pass_on(&root(), &group, &token, &other).unwrap();
    assert_eq!(store.owner(&root(), &group).unwrap(), other);
    for bad in ["", "\n", "no realm\n", "\u{fffd}"] {
        fs::write(world.base().join("host/pc/owner"), bad).unwrap();
        assert!(
            matches!(
                store.owner(&root(), &group),
                Err(StoreError::BadOwner { .. })
            ),
            "{bad:?}"
        );
    }
    fs::write(world.base().join("host/pc/owner"), "test@pbs  \nmore\n").unwrap();
    assert_eq!(store.owner(&root(), &group).unwrap(), user());

    let dir = store.snapshot(&root(), &snapshot("host/pc", 0)).unwrap();
    assert_eq!(dir.notes().unwrap(), "");
    dir.set_notes("of the snapshot").unwrap();
    assert_eq!(dir.notes().unwrap(), "of the snapshot");
    assert!(
        dir.manifest()
            .unwrap()
            .0
            .chunk_upload_stats()
            .unwrap()
            .is_some(),
        "the rest stays"
    );
}

#[test]
fn the_log_is_stored_once() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    let dir = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    let (_, log) = encode(b"log line 1\n");
    let mut bad = log.clone();
    bad[8] ^= 1;
    assert!(matches!(dir.store_log(&bad), Err(StoreError::Blob(_))));
    dir.store_log(&log).unwrap();
    assert_eq!(
        dir.store_log(&log).unwrap_err().to_string(),
        "backup already contains a log."
    );
    assert_eq!(
        fs::read(dir.path().join(ArchiveName::CLIENT_LOG)).unwrap(),
        log
    );
}

#[test]
fn files_of_a_list() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    let dir = world
        .store
        .snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    // What a power cut leaves, and what others put there.
    for name in [
        "root.pxar.tmp_didx",
        "index.json.tmp_abc123",
        "readme.txt",
        ".hidden.blob",
    ] {
        fs::write(dir.path().join(name), b"").unwrap();
    }
    fs::create_dir(dir.path().join("folder.blob")).unwrap();
    let files: Vec<String> = dir
        .info()
        .unwrap()
        .files
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        files,
        ["index.json.blob", "note.conf.blob", "root.pxar.didx"]
    );
    for name in ["2023-11-14T22:13:60Z", "2023-11-14", "nonsense"] {
        fs::create_dir(world.base().join("host/pc").join(name)).unwrap();
    }
    fs::write(world.base().join("host/pc/2023-11-14T22:20:20Z"), b"a file").unwrap();
    assert_eq!(
        world
            .store
            .snapshots(&root(), &"host/pc".parse().unwrap())
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn removal() {
    let world = World::new();
    let store = &world.store;
    let group = "host/pc".parse().unwrap();
    for n in 0..3 {
        backup(store, &root(), &snapshot("host/pc", n), &pieces([1])).unwrap();
    }
    store.set_group_notes(&root(), &group, "notes").unwrap();
    assert!(matches!(
        store.forget_snapshot(&root(), &snapshot("host/pc", 9)),
        Err(StoreError::NoSnapshot { .. })
    ));
    store
        .forget_snapshot(&root(), &snapshot("host/pc", 1))
        .unwrap();
    let dir = store.snapshot(&root(), &snapshot("host/pc", 0)).unwrap();
    dir.set_protected(true).unwrap();
    assert!(dir.protected() && dir.info().unwrap().protected);
    assert_eq!(
        store
            .forget_snapshot(&root(), dir.snapshot())
            .unwrap_err()
            .to_string(),
        "failed to delete snapshot - cannot remove protected snapshot"
    );
    let report = store.forget_group(&root(), &group).unwrap();
    assert_eq!(
        report,
        ForgetReport {
            removed_groups: 0,
            removed_snapshots: 1,
            protected_snapshots: 1
        }
    );
    dir.set_protected(false).unwrap();
    store.forget_snapshot(&root(), dir.snapshot()).unwrap();
    assert_eq!(
        tree(&world.base()),
        [".lock", "host"],
        "the last snapshot takes the group with it"
    );
    assert!(matches!(
        store.forget_group(&root(), &group),
        Err(StoreError::NoGroup { .. })
    ));
    assert_eq!(
        tree(&world.dir.path().join("locks")),
        ["vault"],
        "lock files go with their objects"
    );

    backup(store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    fs::create_dir(world.base().join("host/pc/unknown")).unwrap();
    store
        .forget_snapshot(&root(), &snapshot("host/pc", 0))
        .unwrap();
    assert!(
        world.base().join("host/pc/owner").exists(),
        "a group with something strange in it stays"
    );
    assert_eq!(
        store.forget_group(&root(), &group).unwrap().removed_groups,
        1
    );
}

#[test]
fn places_that_become_no_datastore() {
    // A new store takes 65536 directories: in memory where there is such a place.
    let dir = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let base = dir.path().join("deep/vault");
    let name = "vault".parse().unwrap();
    let options = || Options::new(dir.path().join("locks"));
    assert!(matches!(
        Datastore::open(&name, &base, options()),
        Err(StoreError::NotADatastore { .. })
    ));
    for path in ["relative", "/"] {
        assert!(
            matches!(
                Datastore::create(path.as_ref()),
                Err(StoreError::BadPlace { .. })
            ),
            "{path}"
        );
    }
    fs::create_dir_all(&base).unwrap();
    fs::write(base.join("file"), b"").unwrap();
    assert!(matches!(
        Datastore::create(&base),
        Err(StoreError::BadPlace { .. })
    ));
    fs::remove_file(base.join("file")).unwrap();
    fs::create_dir(base.join("lost+found")).unwrap();
    Datastore::create(&base).unwrap();
    assert!(matches!(
        Datastore::create(&base),
        Err(StoreError::DatastoreAlready { .. })
    ));
    let store = Datastore::open(&name, &base, options()).unwrap();
    backup(&store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    assert!(crate::world::verify(&store).0.is_ok());
}

#[test]
fn a_datastore_is_destroyed_unless_it_is_written() {
    let world = World::new();
    backup(
        &world.store,
        &root(),
        &snapshot("host/a", 1),
        &pieces([1, 2]),
    )
    .unwrap();
    world.store.create_namespace(&root(), "deep").unwrap();
    let session = world
        .open_again()
        .begin(&root(), &snapshot("host/a", 2), &user(), false)
        .unwrap();
    assert!(matches!(
        world.store.clone().destroy(&Unwatched),
        Err(StoreError::ProcessLocked { .. })
    ));
    assert!(world.base().join("host/a").exists(), "nothing is gone");
    drop(session);
    fs::write(world.base().join("mine.txt"), b"not a backup").unwrap();
    world.open_again().destroy(&Unwatched).unwrap();
    assert_eq!(tree(&world.base()), ["mine.txt"], "what is not ours stays");
    fs::remove_file(world.base().join("mine.txt")).unwrap();
    fs::write(world.base().join(".lock"), b"").unwrap();
    world.store.clone().destroy(&Unwatched).unwrap();
    assert!(!world.base().exists());
}

//! Damaged input: what verify finds, names and sets aside, and how the next backup mends it.

use std::fs;
use std::path::{Path, PathBuf};

use format::Digest;
use store::{Datastore, StoreError, VerifyFilter, VerifyMemory, VerifyOutcome};

use crate::world::{Notes, UPID, World, backup, local, pieces, root, snapshot, user, verify};

fn chunk_file(store: &Datastore, number: u8) -> PathBuf {
    store.chunk_path(&Digest::of(&pieces([number])[0]))
}

fn snapshot_dir(store: &Datastore) -> PathBuf {
    store.base().join("host/pc/2023-11-14T22:13:20Z")
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, by: u64) {
    let len = fs::metadata(path).unwrap().len();
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(len - by)
        .unwrap();
}

#[test]
fn damaged_chunks_are_named_set_aside_and_mended() {
    type Damage = fn(&Path);
    let rows: [(&str, Damage, bool); 6] = [
        ("cut short", |path| cut(path, 1), true),
        ("emptied", |path| fs::write(path, b"").unwrap(), true),
        ("a bit of the body", |path| flip(path, 15), true),
        ("a bit of the checksum", |path| flip(path, 9), true),
        ("a bit of the magic", |path| flip(path, 0), true),
        ("gone", |path| fs::remove_file(path).unwrap(), false),
    ];
    for (name, damage, set_aside) in rows {
        let dir = tempfile::tempdir().unwrap();
        let store = local(&dir);
        backup(&store, &root(), &snapshot("host/pc", 0), &pieces([1, 2, 3])).unwrap();
        backup(&store, &root(), &snapshot("host/pc", 1), &pieces([3, 4])).unwrap();
        let path = chunk_file(&store, 2);
        damage(&path);

        let (report, log) = verify(&store);
        assert_eq!(
            report.failed,
            [(root(), snapshot("host/pc", 0))],
            "{name}: {log}"
        );
        assert_eq!(report.verified, 1, "{name}");
        let digest = Digest::of(&pieces([2])[0]);
        let named =
            format!("WARN chunk {digest} of vault:host/pc/2023-11-14T22:13:20Z/root.pxar.didx: ");
        assert!(log.contains(&named), "{name}: {log}");
        let aside = path.with_extension("0.bad");
        assert_eq!(
            (path.exists(), aside.exists()),
            (false, set_aside),
            "{name}"
        );
        assert_eq!(
            log.contains("corrupted chunk renamed to"),
            set_aside,
            "{name}"
        );

        backup(&store, &root(), &snapshot("host/new", 0), &pieces([2])).unwrap();
        let (report, log) = verify(&store);
        assert!(report.is_ok(), "{name}: {log}");
    }
}

/// Content that is a right blob under a wrong name.
#[test]
fn a_chunk_with_foreign_content_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = local(&dir);
    backup(&store, &root(), &snapshot("host/pc", 0), &pieces([1, 2])).unwrap();
    fs::copy(chunk_file(&store, 1), chunk_file(&store, 2)).unwrap();
    let (report, log) = verify(&store);
    assert_eq!(report.failed.len(), 1);
    assert!(log.contains("its content has another digest"), "{log}");
    assert!(!chunk_file(&store, 2).exists() && chunk_file(&store, 1).exists());
}

#[test]
fn damaged_files_fail_their_snapshot() {
    type Damage = fn(&Path);
    let rows: [(&str, &str, Damage, &str); 7] = [
        (
            "index cut inside an entry",
            "root.pxar.didx",
            |path| cut(path, 7),
            "index",
        ),
        (
            "index cut by an entry",
            "root.pxar.didx",
            |path| cut(path, 40),
            "wrong size",
        ),
        (
            "index, a bit of a digest",
            "root.pxar.didx",
            |path| flip(path, 4096 + 10),
            "wrong checksum",
        ),
        (
            "index, its magic",
            "root.pxar.didx",
            |path| flip(path, 0),
            "index",
        ),
        (
            "index gone",
            "root.pxar.didx",
            |path| fs::remove_file(path).unwrap(),
            "Unable to open dynamic index",
        ),
        (
            "blob, a bit",
            "note.conf.blob",
            |path| flip(path, 14),
            "wrong checksum",
        ),
        (
            "blob cut",
            "note.conf.blob",
            |path| cut(path, 1),
            "wrong size",
        ),
    ];
    for (name, file, damage, expected) in rows {
        let world = World::new();
        backup(
            &world.store,
            &root(),
            &snapshot("host/pc", 0),
            &pieces([1, 2]),
        )
        .unwrap();
        damage(&snapshot_dir(&world.store).join(file));
        let (report, log) = verify(&world.store);
        assert_eq!(report.failed.len(), 1, "{name}: {log}");
        let line = log
            .lines()
            .find(|line| line.starts_with("WARN verify vault:host/pc/"))
            .unwrap_or_default();
        assert!(
            line.contains(file) && line.contains(expected),
            "{name}: {log}"
        );
        // A failed snapshot is no base, so the next backup is whole.
        let session = world
            .store
            .begin(&root(), &snapshot("host/pc", 1), &user(), false)
            .unwrap();
        assert_eq!(session.previous(), None, "{name}");
    }
}

/// It fails, as with the original (formats.md 10.1), and whoever reads why is told what to do, if nothing can be lost by it.
#[test]
fn a_snapshot_without_a_manifest_fails() {
    let world = World::new();
    let store = &world.store;
    backup(store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    let left = store.base().join("host/pc/2023-11-14T23:13:20Z");
    fs::create_dir(&left).unwrap();
    for (file, is_unfinished) in [
        (None, true),
        // The second archive was being written.
        (Some("b.img.tmp_fidx"), true),
        (Some("a.pxar.didx"), true),
    ] {
        if let Some(file) = file {
            fs::write(left.join(file), b"x").unwrap();
        }
        let (report, log) = verify(store);
        assert!(
            !report.is_ok() && log.contains("manifest load error"),
            "{log}"
        );
        let is_told = log.contains("a backup that was never finished");
        assert_eq!(is_told, is_unfinished, "{file:?} {log}");
    }
    // All in it is whole: this one may have lost its manifest.
    fs::remove_file(left.join("b.img.tmp_fidx")).unwrap();
    let (_, log) = verify(store);
    assert!(!log.contains("never finished"), "{log}");
}

#[test]
fn manifests_that_are_none() {
    let world = World::new();
    let store = &world.store;
    backup(store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    let path = snapshot_dir(store).join("index.json.blob");
    let good = fs::read(&path).unwrap();
    let write = |json: &str| fs::write(&path, crate::world::encode(json.as_bytes()).1).unwrap();
    let names_outside = r#"{"backup-type":"host","backup-id":"pc","backup-time":1700000000,"signature":null,"unprotected":{},
        "files":[{"filename":"../../../etc/passwd.blob","size":1,"csum":"CSUM"}]}"#;
    let rows = [
        ("a bit", None),
        ("no JSON", Some("nonsense".to_owned())),
        (
            "names a file outside",
            Some(names_outside.replace("CSUM", &"0".repeat(64))),
        ),
    ];
    for (name, json) in rows {
        fs::write(&path, &good).unwrap();
        match json {
            None => flip(&path, 20),
            Some(json) => write(&json),
        }
        let (report, log) = verify(store);
        assert_eq!(report.failed.len(), 1, "{name}");
        assert!(log.contains("manifest load error"), "{name}: {log}");
    }
    fs::write(&path, &good).unwrap();
    // A renamed folder is no damage, but worth a line.
    fs::rename(
        store.base().join("host/pc"),
        store.base().join("host/renamed"),
    )
    .unwrap();
    let (report, log) = verify(store);
    assert!(report.is_ok());
    assert!(log.contains("says that it belongs to host/pc/"), "{log}");
}

#[test]
fn a_chunk_of_the_wrong_kind_is_an_error_but_stays() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    let digest = Digest::of(&pieces([1])[0]);
    let sealed = store::suite::blob(format::BlobKind::Encrypted, &[1; 50]);
    world.chunks.inner().put(&digest, sealed);
    let (report, log) = verify(&world.store);
    assert_eq!(report.failed.len(), 1);
    assert!(
        log.contains("chunk CryptMode (encrypt) does not match index CryptMode (none)"),
        "{log}"
    );
    assert_eq!(world.chunks.inner().digests(), [digest]);
}

/// Makes the index of the group's first snapshot say that its chunk is a byte longer or shorter; checksums are right.
fn lie(store: &Datastore, group: &str) {
    let dir = store.snapshot(&root(), &snapshot(group, 0)).unwrap();
    let path = dir.path().join("root.pxar.didx");
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let index = format::DynamicIndex::parse(bytes).unwrap();
    dir.update_manifest(|manifest| {
        (manifest.files[0].size, manifest.files[0].csum) = (index.size(), index.csum());
    })
    .unwrap();
}

/// The chunk had been verified for another snapshot, so its length was not looked at: all was said to be well, and a restore failed.
#[test]
fn a_wrong_index_is_found_though_its_chunk_was_seen() {
    let world = World::new();
    for group in ["host/a", "host/b"] {
        backup(&world.store, &root(), &snapshot(group, 0), &pieces([1])).unwrap();
    }
    lie(&world.store, "host/b");
    let (report, log) = verify(&world.store);
    assert_eq!(report.verified, 1, "{log}");
    assert_eq!(report.failed.len(), 1, "{log}");
    assert!(
        log.contains("the index says that it has 1000 bytes, but it has 1001"),
        "{log}"
    );
    assert_eq!(world.chunks.inner().digests().len(), 1);
}

/// An index that lies about a chunk's length does no harm to the chunk.
#[test]
fn a_right_chunk_in_a_wrong_index_stays() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    lie(&world.store, "host/pc");
    let (report, log) = verify(&world.store);
    assert_eq!(report.failed.len(), 1);
    assert!(
        log.contains("the index says that it has 1000 bytes, but it has 1001"),
        "{log}"
    );
    assert_eq!(world.chunks.inner().digests().len(), 1);
}

#[test]
fn a_run_remembers_what_is_corrupt() {
    let world = World::new();
    backup(
        &world.store,
        &root(),
        &snapshot("host/a", 0),
        &pieces([1, 2]),
    )
    .unwrap();
    backup(
        &world.store,
        &root(),
        &snapshot("host/b", 0),
        &pieces([2, 3]),
    )
    .unwrap();
    let lost = Digest::of(&pieces([2])[0]);
    world.chunks.inner().remove(&lost);
    let (report, log) = verify(&world.store);
    assert_eq!(report.failed.len(), 2);
    assert!(
        log.contains(&format!("WARN chunk {lost} was marked as corrupt")),
        "{log}"
    );
    let end = "Failed to verify the following snapshots/groups:\n\thost/a/2023-11-14T22:13:20Z\n\thost/b/2023-11-14T22:13:20Z";
    assert!(log.ends_with(end), "{log}");
}

#[test]
fn a_stopped_run_stores_nothing() {
    let world = World::new();
    backup(
        &world.store,
        &root(),
        &snapshot("host/pc", 0),
        &pieces([1, 2]),
    )
    .unwrap();
    for stop_after in 0..4 {
        let notes = Notes {
            stop_after: Some(stop_after),
            ..Notes::default()
        };
        let mut memory = VerifyMemory::default();
        let snapshot = snapshot("host/pc", 0);
        let outcome = world
            .store
            .verify_snapshot(
                &root(),
                &snapshot,
                VerifyFilter::All,
                &mut memory,
                UPID,
                &notes,
            )
            .unwrap();
        let (manifest, _) = world
            .store
            .snapshot(&root(), &snapshot)
            .unwrap()
            .manifest()
            .unwrap();
        assert_eq!(
            outcome,
            VerifyOutcome::Stopped,
            "{stop_after}: {}",
            notes.text()
        );
        assert_eq!(manifest.verify_state().unwrap(), None);
    }
}

#[test]
fn what_is_gone_is_skipped() {
    let world = World::new();
    let notes = Notes::default();
    let gone = snapshot("host/pc", 0);
    let outcome = world.store.verify_snapshot(
        &root(),
        &gone,
        VerifyFilter::All,
        &mut VerifyMemory::default(),
        UPID,
        &notes,
    );
    assert_eq!(outcome.unwrap(), VerifyOutcome::Skipped);
    assert!(matches!(
        world.store.snapshot(&root(), &gone),
        Err(StoreError::NoSnapshot { .. })
    ));
}

//! The original's datastore, as its own programs wrote it, is read, listed and verified here.

use std::path::PathBuf;

use format::manifest::VerifyStateKind;
use format::{ArchiveName, Namespace, Snapshot};
use store::{Datastore, Options, VerifyFilter, VerifyScope};
use tempfile::TempDir;

use crate::world::{self, Notes, UPID};

fn fixtures() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let path = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    if !path.is_dir() {
        eprintln!("skipped: no fixtures in {}", path.display());
        return None;
    }
    Some(path)
}

fn peer() -> Option<(TempDir, Datastore)> {
    let dir = tempfile::tempdir().unwrap();
    world::copy(&fixtures()?.join("datastore"), &dir.path().join("peer"));
    let options = Options::new(dir.path().join("locks"));
    let store =
        Datastore::open(&"peer".parse().unwrap(), &dir.path().join("peer"), options).unwrap();
    Some((dir, store))
}

fn ns_ab() -> Namespace {
    "a/b".parse().unwrap()
}

#[test]
fn lists() {
    let Some((_dir, store)) = peer() else { return };
    let root = Namespace::root();
    let namespaces: Vec<String> = store
        .namespaces(&root, None)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(namespaces, ["", "a", "a/b"]);
    let groups: Vec<String> = store
        .groups(&root)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        groups,
        [
            "host/enc",
            "host/fail",
            "host/plain",
            "host/signed",
            "host/small",
            "vm/100"
        ]
    );
    assert_eq!(store.groups(&ns_ab()).unwrap(), ["ct/200".parse().unwrap()]);

    let group = "host/plain".parse().unwrap();
    let snapshots = store.snapshots(&root, &group).unwrap();
    let names: Vec<String> = snapshots
        .iter()
        .map(|info| info.snapshot.to_string())
        .collect();
    assert_eq!(
        names,
        [
            "host/plain/2023-11-14T22:13:20Z",
            "host/plain/2023-11-15T22:13:20Z"
        ]
    );
    let files: Vec<&str> = snapshots[0].files.iter().map(ArchiveName::as_str).collect();
    let expected = [
        "catalog.pcat1.didx",
        "client.log.blob",
        "disk.img.fidx",
        "index.json.blob",
        "root.pxar.didx",
    ];
    assert_eq!(files, expected);
    assert!(snapshots[0].is_finished() && !snapshots[0].protected);
    assert_eq!(store.owner(&root, &group).unwrap().to_string(), "test@pbs");
    assert_eq!(store.group_notes(&root, &group).unwrap(), "");
    assert_eq!(
        store
            .snapshots(&root, &"host/fail".parse().unwrap())
            .unwrap(),
        []
    );
    assert_eq!(
        store
            .last_finished(&root, &group)
            .unwrap()
            .unwrap()
            .snapshot(),
        &snapshots[1].snapshot
    );

    let counts = store.counts().unwrap();
    assert_eq!((counts.ct.groups, counts.ct.snapshots), (1, 1));
    assert_eq!((counts.host.groups, counts.host.snapshots), (4, 5));
    assert_eq!((counts.vm.groups, counts.vm.snapshots), (1, 1));
    let usage = store.usage().unwrap();
    assert!(usage.total > 0 && usage.used <= usage.total && usage.avail <= usage.total);
}

#[test]
fn reads_manifest_index_and_chunks() {
    let Some((_dir, store)) = peer() else { return };
    let snapshot: Snapshot = "host/plain/2023-11-14T22:13:20Z".parse().unwrap();
    let dir = store.snapshot(&Namespace::root(), &snapshot).unwrap();
    let _lock = dir.lock_shared().unwrap();
    let (manifest, encoded_len) = dir.manifest().unwrap();
    assert_eq!(manifest.snapshot, snapshot);
    assert_eq!(
        encoded_len,
        std::fs::metadata(dir.path().join(ArchiveName::MANIFEST))
            .unwrap()
            .len()
    );
    for file in &manifest.files {
        let index = dir.open_index(&file.filename).unwrap();
        assert_eq!(
            (index.csum(), index.size()),
            (file.csum, file.size),
            "{}",
            file.filename
        );
        let mut encoded = Vec::new();
        for (_, digest) in index.iter() {
            store.chunks().load(&digest, &mut encoded).unwrap();
            assert!(store.chunk_path(&digest).is_file());
        }
    }
}

/// The lines of the original's task log, apart from numbers that depend on the machine's speed and on threads.
#[test]
fn verifies_with_the_original_log() {
    let Some((_dir, store)) = peer() else { return };
    let (report, log) = world::verify(&store);
    assert!(report.is_ok(), "{log}");
    assert_eq!((report.verified, report.skipped), (7, 0));
    let path = fixtures().unwrap().join("server-state/task-log-verify.txt");
    let theirs = std::fs::read_to_string(path).unwrap();
    let without_speed = |line: &str| match line.split_once(" in ") {
        Some((head, _)) if head.starts_with("  verified") => head.to_owned(),
        _ => line.to_owned(),
    };
    let theirs: Vec<String> = theirs
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(_, l)| without_speed(l))
        .collect();
    // The zero chunk is in that image twice; the original reads it twice, we read each chunk once.
    let theirs: Vec<String> = theirs
        .into_iter()
        .map(|line| line.replace("0.00/13.00 MiB", "0.00/9.00 MiB"))
        .collect();
    let mut ours: Vec<String> = log.lines().map(without_speed).collect();
    ours.push("TASK OK".to_owned());
    assert_eq!(ours, theirs);

    for ns in store.namespaces(&Namespace::root(), None).unwrap() {
        for group in store.groups(&ns).unwrap() {
            for info in store.snapshots(&ns, &group).unwrap() {
                let (manifest, _) = store
                    .snapshot(&ns, &info.snapshot)
                    .unwrap()
                    .manifest()
                    .unwrap();
                let state = manifest.verify_state().unwrap().unwrap();
                assert_eq!(
                    (state.state, state.upid.as_str()),
                    (VerifyStateKind::Ok, UPID)
                );
            }
        }
    }
}

#[test]
fn scope_filter_and_owner_choose() {
    let Some((_dir, store)) = peer() else { return };
    let scope = |ns: &str, depth, group: Option<&str>, owner: Option<&str>| VerifyScope {
        ns: ns.parse().unwrap(),
        max_depth: depth,
        group: group.map(|group| group.parse().unwrap()),
        owned_by: owner.map(|owner| owner.parse().unwrap()),
    };
    let all = VerifyFilter::All;
    let rows = [
        ("root alone", scope("", Some(0), None, None), all, (6, 0)),
        ("below a", scope("a", None, None, None), all, (1, 0)),
        (
            "one group",
            scope("", None, Some("host/plain"), None),
            all,
            (2, 0),
        ),
        (
            "nobody's groups",
            scope("", None, None, Some("other@pbs")),
            all,
            (0, 0),
        ),
        (
            "not seen yet",
            scope("", None, None, None),
            VerifyFilter::Unverified,
            (0, 7),
        ),
    ];
    for (name, scope, filter, expected) in rows {
        let notes = Notes::default();
        let report = store.verify_all(&scope, filter, UPID, &notes);
        assert_eq!(
            (report.verified, report.skipped),
            expected,
            "{name}: {}",
            notes.text()
        );
        assert!(report.is_ok(), "{name}");
    }
}

/// A backup on top of the original's, then the original's layout still holds.
#[test]
fn continues_a_group_of_the_original() {
    let Some((_dir, store)) = peer() else { return };
    let next = world::snapshot("host/small", 100_000);
    world::backup(&store, &Namespace::root(), &next, &world::pieces([1, 2])).unwrap();
    let (report, log) = world::verify(&store);
    assert!(report.is_ok(), "{log}");
    assert_eq!(report.verified, 8);
}

//! Requests inside a backup: the recorded exchanges of the original, and what they do not show.

use std::fs;

use format::{ArchiveName, Blob, Digest, Namespace};
use store::{CloseStats, Part, Session, SessionError, WriterKind};

use crate::world::{
    World, archive, backup, blob, encode, known, manifest, pieces, root, snapshot, tree, upload,
    user, verify,
};

const D: WriterKind = WriterKind::Dynamic;
const F: WriterKind = WriterKind::Fixed;

pub fn begin(world: &World, group: &str, n: i64) -> Session {
    world
        .store
        .begin(&root(), &snapshot(group, n), &user(), false)
        .unwrap()
}

pub fn text<T>(result: Result<T, SessionError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn digest(hex: &str) -> Digest {
    hex.parse().unwrap()
}

/// `backup-complete` of the fixtures: the checksum was computed by another program and accepted by the original.
#[test]
fn a_complete_backup() {
    let world = World::new();
    let session = begin(&world, "host/h2cap", 0);
    assert_eq!(session.open_dynamic("root.pxar.didx").unwrap(), 1);
    let parts = [vec![b'A'; 5000], vec![b'B'; 3000]];
    let digests: Vec<Digest> = parts
        .iter()
        .map(|part| upload(&session, 1, D, part).unwrap())
        .collect();
    assert_eq!(
        digests[0],
        digest("260679791fa8da4dddc6aa3b243c514025e83d3a2f60800b9734b990be5d11a0")
    );
    assert_eq!(
        session
            .append(1, D, &[(digests[0], 0), (digests[1], 5000)])
            .unwrap(),
        [5000, 3000]
    );
    assert_eq!(tree(session.path()), ["root.pxar.tmp_didx"]);
    let csum = digest("ddaeb228e937e93944b90e07a5a4cb40d2d73cb0df3dd58356ea978c46d2d940");
    let stats = session.close(1, D, 2, 8000, &csum).unwrap();
    let stored: u64 = parts.iter().map(|part| encode(part).1.len() as u64).sum();
    let expected = CloseStats {
        name: "root.pxar.didx".parse().unwrap(),
        uuid: stats.uuid.clone(),
        csum,
        size: 8000,
        chunk_count: 2,
        uploaded_chunks: 2,
        uploaded_bytes: 8000,
        compressed_bytes: stored,
        duplicates: 0,
    };
    assert_eq!(stats, expected);
    assert_eq!(stats.uuid.len(), 32);
    // The Go client closes twice and needs an error that ends nothing.
    assert_eq!(
        text(session.close(1, D, 2, 8000, &csum)),
        "dynamic writer '1' not registered"
    );

    let index = format::ManifestFile {
        crypt_mode: format::CryptMode::None,
        csum,
        filename: "root.pxar.didx".parse().unwrap(),
        size: 8000,
    };
    let conf = blob(&session, "test.conf.blob", b"conf").unwrap();
    let conf_len = conf.size;
    manifest(&session, vec![index, conf]).unwrap();
    assert!(
        !session.path().join(ArchiveName::MANIFEST).exists(),
        "held back until the end"
    );
    session.finish().unwrap();
    assert_eq!(
        tree(session.path()),
        ["index.json.blob", "root.pxar.didx", "test.conf.blob"]
    );

    let dir = world.store.snapshot(&root(), session.snapshot()).unwrap();
    let (manifest, _) = dir.manifest().unwrap();
    let stats = manifest.chunk_upload_stats().unwrap().unwrap();
    assert_eq!(
        (stats.count, stats.compressed_size, stats.duplicates),
        (2, stored, 0)
    );
    assert!(
        stats.size > 8000 + conf_len,
        "the manifest counts too: {}",
        stats.size
    );
    let encoded = fs::read(dir.path().join(ArchiveName::MANIFEST)).unwrap();
    assert!(Blob::parse(&encoded).unwrap().kind().is_compressed());
    assert!(verify(&world.store).0.is_ok());
}

/// `backup-errors` of the fixtures, and the rest of the table in protocol.md 3.3.
#[test]
fn errors_of_chunks_and_appends() {
    let world = World::new();
    let session = begin(&world, "host/h2err", 0);
    assert_eq!(
        text(session.open_dynamic("root.pxar")),
        "wrong archive extension: 'root.pxar'"
    );
    assert_eq!(
        text(session.open_dynamic("x.fidx")),
        "wrong archive extension: 'x.fidx'"
    );
    assert_eq!(
        text(session.open_fixed("x.didx", Some(100), None)),
        "wrong archive extension: 'x.didx'"
    );
    assert!(matches!(
        session.open_dynamic("../x.didx"),
        Err(SessionError::Name { .. })
    ));
    assert_eq!(session.open_dynamic("root.pxar.didx").unwrap(), 1);
    assert_eq!(
        session.open_dynamic("root.pxar.didx").unwrap(),
        2,
        "the same archive again"
    );
    assert_eq!(session.open_fixed("d.img.fidx", Some(10), None).unwrap(), 3);

    let content = vec![b'A'; 5000];
    let (a, encoded) = encode(&content);
    let insert = |wid, kind, digest, size, bytes: &[u8]| {
        text(session.insert_chunk(wid, kind, &digest, size, &mut bytes.to_vec()))
    };
    let b = digest("19f2a4b976c8390457042c54cbaa196fe13b2747caddd9f160754a63029b8ac8");
    type Row<'a> = (&'a str, u32, WriterKind, Digest, u64, &'a [u8], &'a str);
    let rows: [Row<'_>; 8] = [
        (
            "unknown id",
            9,
            D,
            a,
            5000,
            &encoded,
            "dynamic writer '9' not registered",
        ),
        (
            "id of the other kind",
            3,
            D,
            a,
            5000,
            &encoded,
            "dynamic writer '3' not registered",
        ),
        (
            "id of the other kind",
            1,
            F,
            a,
            5000,
            &encoded,
            "fixed writer '1' not registered",
        ),
        (
            "digest",
            1,
            D,
            b,
            5000,
            &encoded,
            "detected chunk with wrong digest.",
        ),
        (
            "size",
            1,
            D,
            a,
            4999,
            &encoded,
            "detected chunk with wrong length (4999 != 5000)",
        ),
        (
            "magic",
            1,
            D,
            a,
            5000,
            &[0; 100],
            "unable to parse raw blob - wrong magic",
        ),
        ("good", 1, D, a, 5000, &encoded, "ok"),
        ("again", 1, D, a, 5000, &encoded, "ok"),
    ];
    for (name, wid, kind, digest, size, bytes, expected) in rows {
        assert_eq!(insert(wid, kind, digest, size, bytes), expected, "{name}");
    }

    let append = |wid, kind, chunks: &[(Digest, u64)]| text(session.append(wid, kind, chunks));
    let strange =
        "dynamic writer 'root.pxar.didx' append chunk failed - got strange chunk offset (0 != 7)";
    assert_eq!(append(1, D, &[(a, 7)]), strange);
    assert_eq!(
        append(1, D, &[(Digest::ZERO, 0)]),
        format!("no such chunk {}", "0".repeat(64))
    );
    assert_eq!(append(9, D, &[(a, 0)]), "dynamic writer '9' not registered");
    assert_eq!(append(1, F, &[(a, 0)]), "fixed writer '1' not registered");
    assert_eq!(
        append(1, D, &[(a, 0), (b, 5000)]),
        format!("no such chunk {b}"),
        "the pair before it stays"
    );
    let csum = digest("592683fbd1d1d6219870c879d45f12504076d1c6d67fdb2f087f5a47a2468def");
    let close = |count, size, csum: &Digest| text(session.close(1, D, count, size, csum));
    let start = "dynamic writer 'root.pxar.didx' close failed -";
    assert_eq!(
        close(2, 5000, &csum),
        format!("{start} unexpected chunk count (1 != 2)")
    );
    assert_eq!(
        text(session.finish()),
        "found open index writer - unable to finish backup"
    );
    assert_eq!(
        close(1, 4999, &csum),
        format!("{start} unexpected file size (5000 != 4999)")
    );
    assert_eq!(
        close(1, 5000, &Digest::ZERO),
        format!("{start} got unexpected checksum")
    );
    assert!(
        !session.path().join("root.pxar.didx").exists(),
        "a refused index gets no name"
    );
    assert_eq!(close(1, 5000, &csum), "ok");
    session.append(2, D, &[(a, 0)]).unwrap();
    let twice = text(session.close(2, D, 1, 5000, &csum));
    assert_eq!(
        twice,
        "archive 'root.pxar.didx' is already stored in this backup"
    );
}

#[test]
fn errors_of_blobs_and_finish() {
    let world = World::new();
    let session = begin(&world, "host/h2err", 0);
    assert_eq!(
        text(session.finish()),
        "backup does not contain valid files (file count == 0)"
    );
    let (_, good) = encode(b"conf");
    let mut bad_crc = good.clone();
    bad_crc[8] ^= 1;
    let len = good.len() as u64;
    let rows: [(&str, u64, &[u8], &str); 6] = [
        ("x", len, &good, "wrong blob file extension: 'x'"),
        (
            "x.blob",
            99,
            &good,
            &format!("got blob with unexpected length (99 != {len})"),
        ),
        (
            "x.blob",
            16,
            &[0; 16],
            "unable to parse raw blob - wrong magic",
        ),
        (
            "x.blob",
            3,
            &[0; 3],
            "unable to parse raw blob - 3 bytes are too few",
        ),
        ("x.blob", len, &bad_crc, "Data blob has wrong CRC checksum."),
        ("x.blob", len, &good, "ok"),
    ];
    for (name, announced, bytes, expected) in rows {
        assert_eq!(text(session.add_blob(name, announced, bytes)), expected);
    }
    let path = session.path().join("index.json.blob");
    let missing = format!(
        "unable to update manifest blob - unable to load blob '{path:?}' - No such file or directory (os error 2)"
    );
    assert_eq!(text(session.finish()), missing);
    blob(&session, "index.json.blob", b"{}").unwrap();
    let reason = text(session.finish());
    assert!(
        reason.starts_with("unable to update manifest blob - manifest "),
        "{reason}"
    );
    let other = format::Manifest::new(&snapshot("host/other", 0));
    blob(&session, "index.json.blob", other.to_json().as_bytes()).unwrap();
    let foreign = text(session.finish());
    assert!(foreign.ends_with(
        "it belongs to 'host/other/2023-11-14T22:13:20Z', not to 'host/h2err/2023-11-14T22:13:20Z'"
    ));

    manifest(&session, vec![]).unwrap();
    session.finish().unwrap();
    assert!(session.is_finished());
    for refused in [
        text(session.finish()),
        text(session.open_dynamic("x.didx")),
        text(session.open_fixed("x.fidx", None, None)),
        text(session.append(1, D, &[])),
        text(session.close(1, D, 0, 0, &Digest::ZERO)),
        text(session.add_blob("late.blob", len, &good)),
        text(upload(&session, 1, D, b"late")),
    ] {
        assert_eq!(refused, "backup already marked as finished.");
    }
}

/// An index was right, but the disk failed when it got its name. The client was told so, yet the writer was forgotten: a client that did
/// not care could finish a backup whose manifest named an archive that was not there.
#[test]
fn an_archive_that_is_lost_spoils_the_backup() {
    let world = World::new();
    let session = begin(&world, "host/pc", 0);
    blob(&session, "note.conf.blob", b"a note").unwrap();
    fs::create_dir(session.path().join("root.pxar.didx")).unwrap();
    let lost = archive(&session, "root.pxar.didx", &pieces([1]), |_| false).unwrap_err();
    assert!(matches!(lost, SessionError::Store(_)), "{lost}");
    manifest(&session, vec![]).unwrap();
    assert_eq!(
        text(session.finish()),
        "archive 'root.pxar.didx' could not be stored, so this backup cannot be finished; start it again"
    );
    drop(session);
    assert!(!world.base().join("host/pc").exists());
}

#[test]
fn previous_files() {
    let world = World::new();
    let session = begin(&world, "host/pc", 0);
    assert_eq!(
        text(session.previous_file("root.pxar.didx")),
        "no valid previous backup"
    );
    drop(session);
    backup(
        &world.store,
        &root(),
        &snapshot("host/pc", 0),
        &pieces([1, 2]),
    )
    .unwrap();
    let session = begin(&world, "host/pc", 1);
    let base = world.base().join("host/pc/2023-11-14T22:13:20Z");
    let open = |name: &str| text(session.previous_file(name));
    let missing = base.join("nope.didx");
    let not_there = format!(
        "Unable to open dynamic index {missing:?} - No such file or directory (os error 2)"
    );
    assert_eq!(open("nope.didx"), not_there);
    assert_eq!(
        open("nope.blob"),
        format!("open file {:?} failed - not found", base.join("nope.blob"))
    );
    assert_eq!(open("x"), "unknown archive type: \"x\"");
    assert_eq!(
        session.known_chunks(),
        0,
        "nothing is known before it was asked for"
    );

    let file = session.previous_file("index.json.blob").unwrap();
    assert_eq!(
        (file.registered, &file.path),
        (None, &base.join("index.json.blob"))
    );
    let file = session.previous_file("root.pxar.didx").unwrap();
    assert_eq!((file.registered, session.known_chunks()), (Some(2), 2));
    let files = vec![archive(&session, "root.pxar.didx", &pieces([2, 1]), |_| true).unwrap()];
    manifest(&session, files).unwrap();
    session.finish().unwrap();
    assert_eq!(
        text(session.previous_file("root.pxar.didx")),
        "backup already marked as finished."
    );
    session.previous_file("index.json.blob").unwrap();
}

/// A chunk of the base is missing: the base's index is refused, and a client that then uploads everything makes a whole backup.
#[test]
fn an_incomplete_base_is_not_built_upon() {
    let world = World::new();
    backup(
        &world.store,
        &root(),
        &snapshot("host/pc", 0),
        &pieces([1, 2, 3]),
    )
    .unwrap();
    let lost = Digest::of(&pieces([2])[0]);
    world.chunks.inner().remove(&lost);
    let session = begin(&world, "host/pc", 1);
    let refused = session
        .previous_file("root.pxar.didx")
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(&format!(
            "1 chunks of 'root.pxar.didx' are missing, the first is {lost}"
        )),
        "{refused}"
    );
    assert_eq!(session.known_chunks(), 0);
    assert!(known(&session).unwrap().is_empty());
    drop(session);
    backup(
        &world.store,
        &root(),
        &snapshot("host/pc", 1),
        &pieces([1, 2, 3]),
    )
    .unwrap();
    assert!(
        verify(&world.store).0.is_ok(),
        "the upload mended the old backup too"
    );
}

/// Chunks that are only referenced are marked when they become known, so the new backup does not need the old one.
#[test]
fn known_chunks_are_marked() {
    let world = World::new();
    backup(
        &world.store,
        &root(),
        &snapshot("host/pc", 0),
        &pieces([1, 2]),
    )
    .unwrap();
    let chunks = world.chunks.inner();
    chunks.advance(100_000);
    let cutoff = chunks.now();
    chunks.advance(10);
    let session = begin(&world, "host/pc", 1);
    session.previous_file("root.pxar.didx").unwrap();
    let report = world
        .store
        .chunks()
        .sweep(Part::ALL, cutoff, cutoff, &store::Unwatched)
        .unwrap();
    assert_eq!((report.removed_chunks, report.disk_chunks), (0, 2));
}

#[test]
fn many_known_chunks_are_marked_in_parallel() {
    let world = World::new();
    let session = begin(&world, "host/pc", 0);
    let many: Vec<Vec<u8>> = (0..20_000_u32).map(|n| n.to_le_bytes().to_vec()).collect();
    let file = archive(&session, "root.pxar.didx", &many, |_| false).unwrap();
    manifest(&session, vec![file]).unwrap();
    session.finish().unwrap();
    drop(session);
    let session = begin(&world, "host/pc", 1);
    assert_eq!(
        session.previous_file("root.pxar.didx").unwrap().registered,
        Some(20_000)
    );
    let mut lost: Vec<Digest> = [1_u32, 7000, 19_999]
        .iter()
        .map(|n| Digest::of(&n.to_le_bytes()))
        .collect();
    lost.iter()
        .for_each(|digest| world.chunks.inner().remove(digest));
    lost.sort();
    match session.previous_file("root.pxar.didx").unwrap_err() {
        SessionError::PreviousIncomplete { missing, first, .. } => {
            assert_eq!((missing, first), (3, lost[0]))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_base_that_vanishes_refuses_the_finish() {
    let world = World::new();
    backup(&world.store, &root(), &snapshot("host/pc", 0), &pieces([1])).unwrap();
    let session = begin(&world, "host/pc", 1);
    manifest(&session, vec![]).unwrap();
    fs::remove_dir_all(world.base().join("host/pc/2023-11-14T22:13:20Z")).unwrap();
    let expected = "base snapshot host/pc/2023-11-14T22:13:20Z was removed during backup, cannot finish as chunks might be missing";
    assert_eq!(text(session.finish()), expected);
}

#[test]
fn many_threads_fill_one_session() {
    let world = World::new();
    let ns = Namespace::root();
    let session = world
        .store
        .begin(&ns, &snapshot("host/pc", 0), &user(), false)
        .unwrap();
    session.open_dynamic("root.pxar.didx").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let session = &session;
            scope.spawn(move || {
                for n in 0..30_u8 {
                    upload(session, 1, D, &[thread, n].repeat(2000)).unwrap();
                }
            });
        }
    });
    assert_eq!(session.known_chunks(), 240);
    session.abort();
}

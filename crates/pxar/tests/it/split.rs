//! Split archives: the vector of the specification's section 8.2, the original's metadata halves, and halves made to do harm.

use std::io::Read;

use pxar::item::{self, Header};
use pxar::{
    AccessError, Accessor, Decoder, EncodeError, Encoder, EntryKind, FileOffset, Metadata, Mtime,
    PayloadRef, ReadAt, Step, name,
};

use crate::support::{fixtures, unhex};

const METADATA_HALF: &str = "
0da416df756c0f73 1800000000000000 0200000000000000 1b777b9f9dd709e3
2c00000000000000 7b226578636c7564 652d706174746572 6e73223a222a2e6f
5c6e227defac88e5 746495d538000000 00000000ed410000 0000000000000000
0000000000000000 0000000000f15365 0000000000000000 00000000b3173906
211170161a000000 0000000068656c6c 6f2e74787400efac 88e5746495d53800
000000000000a481 0000000000000000 0000000000000000 00000000000000f1
53650000000015cd 5b07000000007e97 bac46b3d9d412000 0000000000001000
0000000000000500 000000000000b317 3906211170161500 0000000000006c69
6e6b00efac88e574 6495d53800000000 000000ffa1000000 0000000000000000
0000000000000000 00000000f1536500 0000000065cd1d00 0000005fdcf5dbe7
71f9271a00000000 00000068656c6c6f 2e747874001d73d5 42a64fec2f580000
00000000000c1966 4cb8e01e9bd90000 0000000000770000 0000000000efc00f
cf2e0bfe04670000 0000000000670000 000000000055153e 755bed5eef550100
0000000000580000 0000000000";

const PAYLOAD_HALF: &str = "
d24e4a19c2684c83 1000000000000000 251a7c0b1b7a1428 1500000000000000
68656c6c6fb5814c 988bb7726c100000 0000000000";

const PRELUDE: &[u8] = b"{\"exclude-patterns\":\"*.o\\n\"}";

fn metadata(mode: u64, nanos: u32) -> Metadata {
    Metadata {
        mode,
        mtime: Mtime {
            secs: 1_700_000_000,
            nanos,
        },
        ..Metadata::default()
    }
}

fn halves() -> (Vec<u8>, Vec<u8>) {
    (unhex(METADATA_HALF), unhex(PAYLOAD_HALF))
}

#[test]
fn the_vector_is_written() {
    let (root, file) = (metadata(0o040_755, 0), metadata(0o100_644, 123_456_789));
    let link = metadata(0o120_777, 500_000_000);
    let mut encoder = Encoder::split(Vec::new(), Vec::new(), Some(PRELUDE), &root).expect("root");
    let mut data = &b"hello"[..];
    encoder
        .add_file(b"hello.txt", &file, 5, &mut |b| data.read(b))
        .expect("file");
    encoder
        .add_symlink(b"link", &link, b"hello.txt")
        .expect("link");
    let (metadata, payload) = encoder.finish_split().expect("end");
    assert_eq!((metadata.len(), payload.len()), (429, 53));
    assert_eq!((metadata, payload), halves());
}

#[test]
fn the_vector_is_read() {
    let (metadata, payload) = halves();
    let mut decoder = Decoder::split_archive(metadata.as_slice(), payload.as_slice());
    let mut seen = Vec::new();
    while let Some(step) = decoder.advance().expect("valid") {
        if step == Step::Entry {
            let (path, reference) = (decoder.path().to_vec(), decoder.payload_ref());
            let mut data = Vec::new();
            decoder.contents().read_to_end(&mut data).expect("there");
            seen.push((String::from_utf8(path).expect("text"), reference, data));
        }
    }
    let reference = PayloadRef {
        offset: 16,
        size: 5,
    };
    let expected = [
        ("/", None, &b""[..]),
        ("/hello.txt", Some(reference), b"hello"),
        ("/link", None, b""),
    ];
    let expected = expected.map(|(path, reference, data)| (path.into(), reference, data.to_vec()));
    assert_eq!(seen, expected);
    assert_eq!(decoder.prelude(), Some(PRELUDE));
    assert!(decoder.is_split());

    let accessor = Accessor::open_split(metadata, payload).expect("opens");
    assert_eq!(accessor.prelude(), Some(PRELUDE));
    let node = accessor
        .lookup(b"/hello.txt")
        .expect("fine")
        .expect("there");
    let contents = accessor.contents(&node).expect("data");
    let mut data = vec![0; contents.size() as usize];
    contents.read_exact_at(&mut data, 0).expect("data");
    assert_eq!(data, b"hello");
}

#[test]
fn the_metadata_half_alone_lists_but_has_no_data() {
    let (metadata, _) = halves();
    let mut decoder = Decoder::new(metadata.as_slice());
    let mut sizes = Vec::new();
    while let Some(step) = decoder.advance().expect("valid") {
        if step == Step::Entry
            && let EntryKind::File { size } = decoder.entry().kind
        {
            sizes.push(size);
            let error = decoder.contents().read(&mut [0]).expect_err("no data");
            assert!(error.to_string().contains("was not given"), "{error}");
        }
    }
    assert_eq!(sizes, [5]);
    let accessor = Accessor::open(metadata).expect("opens");
    assert!(accessor.is_split());
    let node = accessor.lookup(b"hello.txt").expect("fine").expect("there");
    assert!(matches!(
        accessor.contents(&node),
        Err(AccessError::Payload { .. })
    ));
}

/// Encodes a metadata half again from what the decoder sees. Whether a file was stored or taken over is told by its row in the
/// goodbye table: only the former's counts the data.
fn encode_again(archive: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(archive);
    let mut encoder: Option<Encoder<Vec<u8>, Vec<u8>>> = None;
    let mut files: Vec<(Vec<u8>, FileOffset)> = Vec::new();
    while let Some(step) = decoder.advance().expect("valid") {
        let (path, entry) = (decoder.path().to_vec(), decoder.entry().clone());
        let (reference, prelude) = (decoder.payload_ref(), decoder.prelude().map(<[u8]>::to_vec));
        let Some(encoder) = encoder.as_mut() else {
            let root = Encoder::split(Vec::new(), Vec::new(), prelude.as_deref(), &entry.metadata);
            encoder = Some(root.expect("root"));
            continue;
        };
        if step == Step::Leave {
            if path != b"/" {
                encoder.finish_dir().expect("open");
            }
            continue;
        }
        let (name, metadata) = (&entry.name[..], &entry.metadata);
        match (&entry.kind, reference) {
            (EntryKind::Directory, _) => drop(encoder.create_dir(name, metadata).expect("dir")),
            (EntryKind::File { size }, Some(reference)) => {
                let hash = name::hash(name).to_le_bytes();
                let row = archive.windows(8).rposition(|w| w == hash).expect("a row");
                let counted =
                    u64::from_le_bytes(archive[row + 16..row + 24].try_into().expect("8 bytes"));
                let own = 16 + name.len() as u64 + 1 + 56 + 32;
                let position = encoder.payload_position().expect("split");
                let offset = if counted == own && *size > 0 {
                    encoder.add_file_ref(name, metadata, reference)
                } else {
                    assert_eq!(counted, own + size, "{}", String::from_utf8_lossy(&path));
                    let gap = reference.offset - position;
                    encoder.advance_payload(gap).expect("a gap");
                    encoder
                        .add_file(name, metadata, *size, &mut |b| Ok(b.len()))
                        .map(|written| written.offset)
                };
                files.push((path, offset.expect("file")));
            }
            (EntryKind::Symlink { target }, _) => {
                encoder.add_symlink(name, metadata, target).expect("link")
            }
            (EntryKind::Hardlink { path: target, .. }, _) => {
                let found = files.iter().find(|(p, _)| p[1..] == target[..]);
                let (_, offset) = found.expect("the target was stored");
                encoder.add_hardlink(name, target, *offset).expect("link");
            }
            other => panic!("not in the fixtures: {other:?}"),
        }
    }
    encoder.expect("a root").finish_split().expect("balanced").0
}

#[test]
fn the_originals_metadata_is_encoded_again_to_the_same_bytes() {
    let Some(dir) = fixtures() else { return };
    for name in ["split-1", "split-2", "split-3", "mid-2", "split-enc-2"] {
        let path = dir.join(format!("split/streams/{name}.mpxar"));
        let archive = std::fs::read(path).expect(name);
        assert!(encode_again(&archive) == archive, "{name} differs");

        // The tables lead to every member.
        let accessor = Accessor::open(archive.clone()).expect(name);
        let mut decoder = Decoder::new(archive.as_slice());
        while let Some(step) = decoder.advance().expect(name) {
            if step == Step::Entry {
                let node = accessor.lookup(decoder.path()).expect(name).expect(name);
                assert_eq!(node.entry, *decoder.entry(), "{name}");
                assert_eq!(node.payload_ref(), decoder.payload_ref(), "{name}");
            }
        }
    }
}

fn raw(item: u64, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Header::new(item, content.len() as u64).encode(&mut out);
    out.extend_from_slice(content);
    out
}

fn numbers(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn entry(mode: u64) -> Vec<u8> {
    raw(item::ENTRY, &[numbers(&[mode]), vec![0; 32]].concat())
}

fn version(number: u64) -> Vec<u8> {
    raw(item::FORMAT_VERSION, &numbers(&[number]))
}

/// A metadata half with one file per reference, without tables.
fn with_refs(references: &[(u64, u64)]) -> Vec<u8> {
    let mut out = [version(2), entry(0o040_755)].concat();
    for (index, (offset, size)) in references.iter().enumerate() {
        out.extend(raw(item::FILENAME, format!("f{index}\0").as_bytes()));
        out.extend(entry(0o100_644));
        out.extend(raw(item::PAYLOAD_REF, &numbers(&[*offset, *size])));
    }
    out.extend(raw(item::GOODBYE, &[]));
    out
}

/// Reads everything; what went wrong first, with its causes.
fn failure(mut decoder: Decoder<&[u8]>) -> Option<String> {
    let text = |error: &dyn std::error::Error| {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            text = format!("{text}: {next}");
            cause = next.source();
        }
        text
    };
    let mut total = 0;
    loop {
        match decoder.advance() {
            Err(error) => return Some(text(&error)),
            Ok(None) => return None,
            Ok(Some(Step::Leave)) => {}
            Ok(Some(Step::Entry)) => {
                let mut buf = [0; 64];
                loop {
                    match decoder.contents().read(&mut buf) {
                        Ok(0) => break,
                        Ok(n) => total += n,
                        Err(error) => return Some(text(&error)),
                    }
                    assert!(total < 1 << 20, "endless");
                }
            }
        }
    }
}

/// What it is, both halves, and words of the error if there is one.
type Case = (&'static str, Vec<u8>, Vec<u8>, Option<&'static str>);

#[test]
fn halves_that_do_not_fit_are_refused() {
    let start = || raw(item::PAYLOAD_START_MARKER, &[]);
    let payload = [
        start(),
        raw(item::PAYLOAD, b"abc"),
        raw(item::PAYLOAD, b"defg"),
    ]
    .concat();
    let rows: Vec<Case> = vec![
        (
            "both files",
            with_refs(&[(16, 3), (35, 4)]),
            payload.clone(),
            None,
        ),
        (
            "only the second",
            with_refs(&[(35, 4)]),
            payload.clone(),
            None,
        ),
        (
            "empty payload",
            with_refs(&[]),
            vec![],
            Some("it is cut off"),
        ),
        (
            "payload of something else",
            with_refs(&[]),
            b"#!/bin/sh\necho hello\n".to_vec(),
            Some("no payload half"),
        ),
        (
            "tail marker first",
            with_refs(&[]),
            raw(item::PAYLOAD_TAIL_MARKER, &[]),
            Some("its first item is PAYLOAD_TAIL_MARKER"),
        ),
        (
            "marker with content",
            with_refs(&[]),
            raw(item::PAYLOAD_START_MARKER, &[0]),
            Some("no payload half"),
        ),
        (
            "other size",
            with_refs(&[(16, 4)]),
            payload.clone(),
            Some("has 3 bytes where the metadata promises 4"),
        ),
        (
            "no header there",
            with_refs(&[(17, 3)]),
            payload.clone(),
            Some("do not belong together"),
        ),
        (
            "at the marker",
            with_refs(&[(0, 1)]),
            payload.clone(),
            Some("passed already"),
        ),
        (
            "twice the same",
            with_refs(&[(16, 3), (16, 3)]),
            payload.clone(),
            Some("passed already"),
        ),
        (
            "backwards",
            with_refs(&[(35, 4), (16, 3)]),
            payload.clone(),
            Some("passed already"),
        ),
        (
            "behind the end",
            with_refs(&[(4096, 3)]),
            payload.clone(),
            Some("it is cut off"),
        ),
        (
            "far behind the end",
            with_refs(&[(1 << 62, 3)]),
            payload.clone(),
            Some("it is cut off"),
        ),
        (
            "longer than any stream",
            with_refs(&[(u64::MAX - 8, 3)]),
            payload.clone(),
            Some("no stream is as long"),
        ),
        (
            "huge size",
            with_refs(&[(16, u64::MAX - 20)]),
            payload.clone(),
            Some("no stream is as long"),
        ),
        (
            "large size, cut off",
            with_refs(&[(16, 1 << 40)]),
            [start(), {
                let mut header = Vec::new();
                Header::new(item::PAYLOAD, 1 << 40).encode(&mut header);
                header
            }]
            .concat(),
            Some("it is cut off"),
        ),
        (
            "in one piece",
            [entry(0o040_755), raw(item::GOODBYE, &[])].concat(),
            payload.clone(),
            Some("leave it out"),
        ),
        (
            "version 3",
            [version(3), entry(0o040_755)].concat(),
            payload.clone(),
            Some("format version 3"),
        ),
        (
            "version twice",
            [version(2), version(2)].concat(),
            payload.clone(),
            Some("may not stand here"),
        ),
        (
            "version later",
            [version(2), entry(0o040_755), version(2)].concat(),
            payload.clone(),
            Some("may not stand here"),
        ),
        (
            "prelude twice",
            [
                version(2),
                raw(item::PRELUDE, b"a"),
                raw(item::PRELUDE, b"b"),
            ]
            .concat(),
            payload.clone(),
            Some("may not stand here"),
        ),
        (
            "prelude of version 1",
            [version(1), raw(item::PRELUDE, b"a")].concat(),
            payload.clone(),
            Some("may not stand here"),
        ),
        (
            "giant prelude",
            [version(2), numbers(&[item::PRELUDE, 1 << 60])].concat(),
            payload.clone(),
            Some("outside of its limits"),
        ),
        (
            "large prelude, cut off",
            [version(2), numbers(&[item::PRELUDE, 60 << 20])].concat(),
            payload.clone(),
            Some("ends here"),
        ),
        (
            "data among the metadata",
            [
                version(2),
                entry(0o040_755),
                raw(item::FILENAME, b"a\0"),
                entry(0o100_644),
                raw(item::PAYLOAD, b"x"),
            ]
            .concat(),
            payload.clone(),
            Some("may not stand here"),
        ),
        (
            "a directory with data",
            [
                version(2),
                entry(0o040_755),
                raw(item::PAYLOAD_REF, &numbers(&[16, 3])),
            ]
            .concat(),
            payload,
            Some("does not fit"),
        ),
    ];
    for (what, metadata, payload, expected) in rows {
        let found = failure(Decoder::split_archive(&metadata, &payload));
        match (&found, expected) {
            (None, None) => {}
            (Some(found), Some(expected)) if found.contains(expected) => {}
            _ => panic!("{what}: {found:?}"),
        }
    }
    let reference = [
        entry(0o040_755),
        raw(item::FILENAME, b"a\0"),
        entry(0o100_644),
        raw(item::PAYLOAD_REF, &numbers(&[16, 3])),
    ]
    .concat();
    let found = failure(Decoder::new(&reference));
    assert!(found.expect("refused").contains("may not stand here"));
}

/// Random access makes the same checks, and a row that is too long is believed only of a file whose data is elsewhere.
#[test]
fn random_access_checks_what_it_opens() {
    let build = |reference: (u64, u64)| {
        let (root, file) = (metadata(0o040_755, 0), metadata(0o100_644, 0));
        let mut encoder = Encoder::split(Vec::new(), Vec::new(), None, &root).expect("root");
        let (offset, size) = reference;
        encoder
            .add_file_ref(b"f", &file, PayloadRef { offset, size })
            .expect("file");
        encoder.create_dir(b"sub", &root).expect("dir");
        encoder.finish_dir().expect("open");
        encoder.finish_split().expect("end").0
    };
    let start = raw(item::PAYLOAD_START_MARKER, &[]);
    let payload = [start, raw(item::PAYLOAD, b"abc")].concat();
    let rows = [
        ("as it is", (16, 3), None),
        ("other size", (16, 2), Some("promises 2")),
        ("no header", (17, 2), Some("do not belong together")),
        ("reaches behind the end", (16, 4), Some("cut off")),
        ("behind the end", (1 << 50, 4), Some("cut off")),
        ("cannot be", (16, 1 << 62), Some("cut off")),
    ];
    for (what, reference, expected) in rows {
        let accessor = Accessor::open_split(build(reference), payload.clone()).expect(what);
        let node = accessor.lookup(b"f").expect(what).expect(what);
        let found = accessor.contents(&node).map(drop);
        match (found, expected) {
            (Ok(()), None) => {}
            (Err(AccessError::Payload { fault, .. }), Some(expected))
                if fault.to_string().contains(expected) => {}
            (found, _) => panic!("{what}: {found:?}"),
        }
    }
    let metadata_half = build((16, 3));
    for (what, payload, expected) in [
        ("empty", vec![], "cut off"),
        ("the other half", metadata_half.clone(), "FORMAT_VERSION"),
    ] {
        match Accessor::open_split(metadata_half.clone(), payload) {
            Err(AccessError::Payload { fault, .. }) if fault.to_string().contains(expected) => {}
            other => panic!("{what}: {:?}", other.map(drop)),
        }
    }
    // A directory whose row reaches behind its parent's table.
    let mut broken = metadata_half;
    let hash = name::hash(b"sub").to_le_bytes();
    let row = broken
        .windows(8)
        .rposition(|w| w == hash)
        .expect("in there");
    broken[row + 16..row + 24].copy_from_slice(&(1u64 << 20).to_le_bytes());
    let accessor = Accessor::open(broken).expect("opens");
    assert!(matches!(
        accessor.lookup(b"sub"),
        Err(AccessError::Table { .. })
    ));
}

/// Every byte of both halves, changed to several values, and every prefix: an error or another archive, and an end in any case.
#[test]
fn changed_bytes_never_panic() {
    let (metadata, payload) = halves();
    let mut refused = 0;
    for at in 0..metadata.len() {
        for value in [0, 1, 0x10, 0x7f, 0x80, 0xff, metadata[at] ^ 1] {
            let mut broken = metadata.clone();
            broken[at] = value;
            refused += usize::from(failure(Decoder::split_archive(&broken, &payload)).is_some());
            if let Ok(accessor) = Accessor::open_split(broken, payload.clone())
                && let Ok(Some(node)) = accessor.lookup(b"/hello.txt")
            {
                drop(accessor.contents(&node));
            }
        }
        let found = failure(Decoder::split_archive(&metadata[..at], &payload));
        assert!(found.is_some(), "metadata cut off at {at}");
    }
    for at in 0..payload.len() {
        let mut broken = payload.clone();
        broken[at] ^= 0x40;
        let found = failure(Decoder::split_archive(&metadata, &broken)).is_some();
        // The data itself and the tail marker are not the format's to check.
        assert_eq!(found, at < 32, "payload changed at {at}");
        let found = failure(Decoder::split_archive(&metadata, &payload[..at])).is_some();
        assert_eq!(found, at < 37, "payload cut off at {at}");
    }
    assert!(refused > 100);
}

#[test]
fn references_of_the_writer_must_increase() {
    let (root, file) = (metadata(0o040_755, 0), metadata(0o100_644, 0));
    let reference = |offset, size| PayloadRef { offset, size };
    let start = || Encoder::split(Vec::new(), Vec::new(), None, &root).expect("root");
    let mut encoder = start();
    let refused = |result: Result<FileOffset, EncodeError>| {
        assert!(matches!(result, Err(EncodeError::PayloadOrder { .. })));
    };
    refused(encoder.add_file_ref(b"before the start", &file, reference(8, 1)));
    encoder
        .add_file_ref(b"a", &file, reference(16, 100))
        .expect("ahead");
    refused(encoder.add_file_ref(b"same", &file, reference(16, 100)));
    refused(encoder.add_file_ref(b"no such stream", &file, reference(u64::MAX - 5, 1)));
    encoder.advance_payload(500).expect("room");
    refused(encoder.add_file_ref(b"passed", &file, reference(515, 1)));
    encoder
        .add_file(b"b", &file, 3, &mut |b| Ok(b.len()))
        .expect("stored");
    let (_, payload) = encoder.finish_split().expect("end");
    assert_eq!(payload.len(), 16 + 19 + 16);

    let mut encoder = Encoder::new(Vec::new(), &root).expect("root");
    refused(encoder.add_file_ref(b"in one piece", &file, reference(16, 1)));
    assert!(encoder.advance_payload(1).is_err());
}

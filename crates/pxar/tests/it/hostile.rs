//! Archives that somebody made to do harm: each is an error, none a panic, a loop or a gigabyte.

use pxar::goodbye::{self, Row};
use pxar::item::{self, Header};
use pxar::name::hash;
use pxar::{AccessError, Accessor, Encoder, EntryKind, Metadata, Mtime};

use crate::support::{check_random_access, decode, decode_with, unhex};

fn entry(mode: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Header::new(item::ENTRY, 40).encode(&mut out);
    out.extend_from_slice(&mode.to_le_bytes());
    out.extend_from_slice(&[0; 32]);
    out
}

fn raw(item: u64, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Header::new(item, content.len() as u64).encode(&mut out);
    out.extend_from_slice(content);
    out
}

fn claim(item: u64, full_size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    Header { item, full_size }.encode(&mut out);
    out
}

fn numbers(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn with_member(name: &[u8], rest: &[Vec<u8>]) -> Vec<u8> {
    [entry(0o040_755), raw(item::FILENAME, name), rest.concat()].concat()
}

fn fault(archive: &[u8]) -> String {
    let error = decode(archive).expect_err("must be refused");
    std::error::Error::source(&error)
        .expect("a fault")
        .to_string()
}

#[test]
fn broken_items_are_refused() {
    let file = || entry(0o100_644);
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "ends here"),
        (
            "no archive",
            b"#!/bin/sh\necho hello, world\n".to_vec(),
            "unknown item",
        ),
        ("half a header", entry(0o040_755)[..9].to_vec(), "ends here"),
        (
            "header too small",
            claim(item::ENTRY, 15),
            "smaller than its own header",
        ),
        (
            "header of zero",
            claim(item::ENTRY, 0),
            "smaller than its own header",
        ),
        (
            "ENTRY too short",
            raw(item::ENTRY, &[0; 39]),
            "outside of its limits",
        ),
        (
            "ENTRY too long",
            raw(item::ENTRY, &[0; 41]),
            "outside of its limits",
        ),
        (
            "root is a file",
            [file(), raw(item::PAYLOAD, b"")].concat(),
            "does not fit",
        ),
        (
            "root is a name",
            raw(item::FILENAME, b"a\0"),
            "may not stand here",
        ),
        (
            "version 2 and nothing else",
            raw(item::FORMAT_VERSION, &numbers(&[2])),
            "ends here",
        ),
        (
            "version 3",
            raw(item::FORMAT_VERSION, &numbers(&[3])),
            "version 3",
        ),
        (
            "giant name",
            [entry(0o040_755), claim(item::FILENAME, u64::MAX)].concat(),
            "outside of its limits",
        ),
        (
            "giant xattr",
            [entry(0o040_755), claim(item::XATTR, 1 << 40)].concat(),
            "outside of its limits",
        ),
        (
            "giant file",
            with_member(b"a\0", &[file(), claim(item::PAYLOAD, u64::MAX)]),
            "outside of its limits",
        ),
        (
            "large file",
            with_member(b"a\0", &[file(), claim(item::PAYLOAD, 1 << 62)]),
            "reading failed",
        ),
        ("name without NUL", with_member(b"ab", &[]), "does not end"),
        ("empty name", with_member(b"\0\0", &[]), "name is not valid"),
        (
            "name with NUL",
            with_member(b"a\0b\0", &[]),
            "name is not valid",
        ),
        (
            "name with slash",
            with_member(b"a/b\0", &[]),
            "name is not valid",
        ),
        (
            "absolute name",
            with_member(b"/etc\0", &[]),
            "name is not valid",
        ),
        ("dot", with_member(b".\0", &[]), "name is not valid"),
        ("dots", with_member(b"..\0", &[]), "name is not valid"),
        (
            "name twice",
            with_member(b"a\0", &[raw(item::FILENAME, b"b\0")]),
            "may not stand here",
        ),
        (
            "payload of a directory",
            with_member(b"a\0", &[entry(0o040_755), raw(item::PAYLOAD, b"x")]),
            "does not fit",
        ),
        (
            "file without payload",
            with_member(b"a\0", &[file(), claim(item::GOODBYE, 40)]),
            "does not fit",
        ),
        (
            "link target with NUL",
            with_member(b"a\0", &[entry(0o120_777), raw(item::SYMLINK, b"x\0y\0")]),
            "only NUL",
        ),
        (
            "hard link without path",
            with_member(b"a\0", &[raw(item::HARDLINK, &[0; 8])]),
            "outside of its limits",
        ),
        (
            "hard link path with NUL",
            with_member(b"a\0", &[raw(item::HARDLINK, b"12345678a\0b\0")]),
            "only NUL",
        ),
        (
            "xattr without name",
            with_member(b"a\0", &[file(), raw(item::XATTR, b"\0value")]),
            "no valid name",
        ),
        (
            "xattr without NUL",
            with_member(b"a\0", &[file(), raw(item::XATTR, &[b'x'; 300])]),
            "no valid name",
        ),
        (
            "two fcaps",
            with_member(
                b"a\0",
                &[file(), raw(item::FCAPS, b"1"), raw(item::FCAPS, b"2")],
            ),
            "second FCAPS",
        ),
        (
            "stray item",
            [entry(0o040_755), raw(item::PAYLOAD_REF, &[0; 16])].concat(),
            "may not stand here",
        ),
        ("nanoseconds", nanoseconds(), "nanoseconds"),
        (
            "trailing bytes",
            [unhex_empty(), vec![0; 16]].concat(),
            "follow after the end",
        ),
        (
            "trailing byte",
            [unhex_empty(), vec![0]].concat(),
            "follow after the end",
        ),
    ];
    for (name, archive, expected) in rows {
        let text = fault(&archive);
        assert!(text.contains(expected), "{name}: {text}");
        assert!(
            Accessor::open(archive).and_then(|a| walk(&a)).is_err(),
            "{name} by table"
        );
    }
}

fn nanoseconds() -> Vec<u8> {
    let mut archive = entry(0o040_755);
    archive[48..52].copy_from_slice(&1_000_000_000u32.to_le_bytes());
    archive
}

fn unhex_empty() -> Vec<u8> {
    Encoder::new(
        Vec::new(),
        &Metadata {
            mode: 0o040_755,
            ..Metadata::default()
        },
    )
    .and_then(Encoder::finish)
    .expect("an empty directory")
}

fn walk(accessor: &Accessor<Vec<u8>>) -> Result<usize, AccessError> {
    let mut open = vec![accessor.root().clone()];
    let mut count = 0;
    while let Some(node) = open.pop() {
        let directory = accessor.open_directory(&node)?;
        for member in accessor.read_dir(&directory) {
            let member = member?;
            count += 1;
            accessor.follow_hardlink(&member)?;
            if member.entry.is_dir() {
                open.push(member);
            }
        }
    }
    Ok(count)
}

#[test]
fn attributes_are_bounded() {
    let xattr = raw(item::XATTR, &[&b"user.x\0"[..], &[b'v'; 65000]].concat());
    let many = with_member(b"a\0", &[entry(0o100_644), xattr.repeat(1100)]);
    assert!(fault(&many).contains("more attributes"));
    // Tiny attributes cost memory by their number: headers count too, as they do for the encoder.
    let tiny = raw(item::XATTR, b"a\0");
    let xattrs = [xattr.repeat(1032), tiny.repeat(300)].concat();
    let many = with_member(b"a\0", &[entry(0o100_644), xattrs]);
    assert!(fault(&many).contains("more attributes"));
    let acl = raw(item::ACL_USER, &[0; 16]);
    let many = with_member(b"a\0", &[entry(0o100_644), acl.repeat(70_000)]);
    assert!(fault(&many).contains("more attributes"));
}

/// A seek behind the end of a file succeeds, so an archive cut off in its last table used to pass when data was skipped by
/// seeking (`pxar list`, and each restore from a file).
#[test]
fn a_cut_off_end_is_noticed_when_seeking() {
    let whole = unhex_empty();
    for cut in 1..whole.len() {
        let decoder = pxar::Decoder::seekable(std::io::Cursor::new(&whole[..cut]));
        let error = decode_with(decoder).expect_err("must be refused");
        let fault = std::error::Error::source(&error).expect("a fault");
        assert!(fault.to_string().contains("cut off"), "{cut}: {fault}");
    }
}

#[test]
fn depth_is_bounded_on_both_ways() {
    let level = [raw(item::FILENAME, b"d\0"), entry(0o040_755)].concat();
    let archive = [entry(0o040_755), level.repeat(10_000)].concat();
    assert!(fault(&archive).contains("inside each other"));
    let directory = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &directory).expect("root");
    let refused = (0..10_000).find_map(|_| encoder.create_dir(b"d", &directory).err());
    assert!(matches!(refused, Some(pxar::EncodeError::TooDeep)));
}

/// Every byte of a small archive, changed to several values: an error or another archive, and an end in any case.
#[test]
fn changed_bytes_never_panic() {
    let root = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    let file = Metadata {
        mode: 0o100_644,
        mtime: Mtime { secs: 5, nanos: 6 },
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &root).expect("root");
    encoder.create_dir(b"d", &root).expect("dir");
    let a = encoder
        .add_file(b"a", &file, 3, &mut |b| Ok(b.len()))
        .expect("file");
    encoder.add_hardlink(b"b", b"d/a", a.offset).expect("link");
    encoder.finish_dir().expect("open");
    let archive = encoder.finish().expect("end");
    check_random_access(&archive);
    let mut refused = 0;
    for at in 0..archive.len() {
        for value in [
            0,
            1,
            0x10,
            0x7f,
            0x80,
            0xff,
            archive[at] ^ 1,
            archive[at].wrapping_add(24),
        ] {
            let mut broken = archive.clone();
            broken[at] = value;
            refused += usize::from(decode(&broken).is_err());
            if let Ok(accessor) = Accessor::open(broken) {
                let _ = walk(&accessor);
                let _ = accessor.lookup(b"/d/a");
            }
        }
    }
    assert!(refused > 100);
}

/// A table whose row leads to its own directory would be an endless tree.
#[test]
fn tables_cannot_lead_in_circles() {
    let tiny = {
        let root = Metadata {
            mode: 0o040_755,
            ..Metadata::default()
        };
        let mut encoder = Encoder::new(Vec::new(), &root).expect("root");
        encoder.create_dir(b"d", &root).expect("dir");
        encoder.finish_dir().expect("open");
        encoder.finish().expect("end")
    };
    let len = tiny.len();
    let table = len - 16 - 48;
    let field = |archive: &mut Vec<u8>, at: usize, value: u64| {
        archive[at..at + 8].copy_from_slice(&value.to_le_bytes())
    };
    let rows: [(&str, usize, u64); 7] = [
        (
            "member starts before the directory",
            table + 16 + 8,
            table as u64 + 1,
        ),
        (
            "member starts at the directory itself",
            table + 16 + 8,
            table as u64,
        ),
        ("member starts at the table", table + 16 + 8, 0),
        ("member reaches the table's end", table + 16 + 16, u64::MAX),
        ("tail leads to another entry", len - 16, 8),
        ("tail claims a giant table", len - 8, u64::MAX - 23),
        ("tail claims half a row", len - 8, 16 + 25),
    ];
    for (name, at, value) in rows {
        let mut broken = tiny.clone();
        field(&mut broken, at, value);
        let accessor = Accessor::open(broken).expect("the root is intact");
        assert!(walk(&accessor).is_err(), "{name}");
    }
}

#[test]
fn hard_links_lead_back_to_files_only() {
    let root = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    let file = Metadata {
        mode: 0o100_644,
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &root).expect("root");
    let a = encoder
        .add_file(b"a", &file, 3, &mut |b| Ok(b.len()))
        .expect("file");
    encoder.add_hardlink(b"b", b"a", a.offset).expect("link");
    let archive = encoder.finish().expect("end");
    let at = archive
        .windows(8)
        .position(|w| w == item::HARDLINK.to_le_bytes())
        .expect("there is one")
        + 16;
    let right = u64::from_le_bytes(archive[at..at + 8].try_into().expect("8 bytes"));
    for wrong in [0, 1, right - 1, right + 1, right + 56, u64::MAX] {
        let mut broken = archive.clone();
        broken[at..at + 8].copy_from_slice(&wrong.to_le_bytes());
        let accessor = Accessor::open(broken).expect("opens");
        let link = accessor.lookup(b"/b").expect("decodes").expect("is there");
        assert!(matches!(link.entry.kind, EntryKind::Hardlink { .. }));
        assert!(accessor.follow_hardlink(&link).is_err(), "{wrong}");
    }
}

#[test]
fn the_encoder_refuses_what_a_reader_would() {
    let directory = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    let file = Metadata {
        mode: 0o100_644,
        ..Metadata::default()
    };
    let link = Metadata {
        mode: 0o120_777,
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &directory).expect("root");
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0", &[b'x'; 4097]] {
        assert!(
            encoder
                .add_fifo(
                    name,
                    &Metadata {
                        mode: 0o010_644,
                        ..Metadata::default()
                    }
                )
                .is_err()
        );
        assert!(encoder.create_dir(name, &directory).is_err());
    }
    assert!(encoder.create_dir(b"d", &file).is_err());
    assert!(encoder.add_symlink(b"l", &link, b"").is_err());
    assert!(encoder.add_symlink(b"l", &link, b"a\0b").is_err());
    assert!(encoder.add_symlink(b"l", &link, &[b'x'; 4097]).is_err());
    assert!(
        encoder
            .add_hardlink(b"h", b"x", pxar::FileOffset(1 << 40))
            .is_err()
    );
    assert!(encoder.finish_dir().is_err());
    encoder
        .create_dir(b"d", &directory)
        .expect("a good one still works");
    encoder.finish_dir().expect("open");
    let archive = encoder
        .finish()
        .expect("what was refused left nothing behind");
    check_random_access(&archive);
    assert_eq!(decode(&archive).expect("valid").len(), 2);
    assert_eq!(unhex("00ff"), [0, 255]);
}

/// Two rows for one directory in each of a few nested ones: a member at the bottom would have a path for every way down.
#[test]
fn a_directory_has_one_place() {
    let dir = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    // Of a directory with two others, the second row is made the first one's equal, or to begin inside of it.
    for shift in [None, Some(0), Some(1)] {
        let mut encoder = Encoder::new(Vec::new(), &dir).expect("root");
        for name in [b"a", b"b"] {
            encoder.create_dir(name, &dir).expect("dir");
            encoder.create_dir(b"in", &dir).expect("dir");
            encoder.finish_dir().expect("open");
            encoder.finish_dir().expect("open");
        }
        let mut archive = encoder.finish().expect("end");
        let rows = archive.len() - 3 * 24;
        let row = |archive: &[u8], i: usize| {
            let number = |at: usize| archive[at..at + 8].try_into().expect("8 bytes");
            let at = rows + i * 24;
            let [offset, size] = [at + 8, at + 16].map(|at| u64::from_le_bytes(number(at)));
            (offset, size)
        };
        let (low, high) = match row(&archive, 0).0 > row(&archive, 1).0 {
            true => (0, 1),
            false => (1, 0),
        };
        if let Some(shift) = shift {
            // The member `in` begins behind the name and the ENTRY of its parent.
            let (offset, size) = row(&archive, low);
            let distance = shift * (18 + 56);
            let at = rows + high * 24 + 8;
            archive[at..at + 8].copy_from_slice(&(offset - distance).to_le_bytes());
            let size = size - shift * (18 + 56 + 16 + 2 * 24);
            archive[at + 8..at + 16].copy_from_slice(&size.to_le_bytes());
        }
        let accessor = Accessor::open(archive).expect("a root");
        let root = accessor.open_directory(accessor.root()).expect("a table");
        let members: Vec<_> = accessor.read_dir(&root).collect();
        let paths = members
            .into_iter()
            .flatten()
            .map(|node| accessor.open_directory(&node).expect("a table").len())
            .sum::<usize>();
        assert_eq!(paths, [2, 0][usize::from(shift.is_some())], "{shift:?}");
    }
}

/// An archive with `/a/in`, so many other members, and a row of the root that leads to `in` as well.
fn with_a_second_way(others: u32) -> Accessor<Vec<u8>> {
    let metadata = |mode| Metadata {
        mode,
        ..Metadata::default()
    };
    let (dir, fifo) = (metadata(0o040_755), metadata(0o010_644));
    let mut encoder = Encoder::new(Vec::new(), &dir).expect("root");
    encoder.create_dir(b"a", &dir).expect("dir");
    encoder.create_dir(b"in", &dir).expect("dir");
    encoder.finish_dir().expect("open");
    encoder.finish_dir().expect("open");
    for number in 0..others {
        let name = format!("f{number}");
        encoder.add_fifo(name.as_bytes(), &fifo).expect("fifo");
    }
    let mut archive = encoder.finish().expect("end");
    let count = others as usize + 1;
    let table = archive.split_off(archive.len() - 16 - 24 * (count + 1));
    let (rows, _) = table[16..].as_chunks::<24>();
    let mut rows: Vec<Row> = rows[..count].iter().map(Row::decode).collect();
    let a = rows.iter().find(|row| row.hash == hash(b"a"));
    let Row { offset, size, .. } = *a.expect("it is there");
    // It begins behind the name and the ENTRY of `a`, and ends before its table of one row.
    rows.push(Row {
        hash: hash(b"in"),
        offset: offset - (18 + 56),
        size: size - (18 + 56) - (16 + 2 * 24),
    });
    let distance = archive.len() as u64;
    goodbye::encode(&mut rows, distance, &mut archive);
    Accessor::open(archive).expect("a root")
}

/// What comes of names one by one is less than what comes of a directory that was opened: a table that comes with one read shows that a
/// directory lies inside of another one, a large one does not. Also then each step leads further inside, and so to an end.
#[test]
fn what_a_lookup_promises() {
    const INSIDE: &str = "a member lies inside of another one";
    let small = with_a_second_way(100);
    for path in ["/a", "/a/in"] {
        let error = small.lookup(path.as_bytes()).expect_err(path);
        assert!(error.to_string().contains(INSIDE), "{path}: {error}");
    }
    let large = with_a_second_way(1000);
    for accessor in [&small, &large] {
        let root = accessor.open_directory(accessor.root()).expect("a table");
        let error = accessor.find(&root, b"a").expect_err("refused");
        assert!(error.to_string().contains(INSIDE), "{error}");
        let refused = accessor.read_dir(&root).filter(Result::is_err).count();
        assert_eq!(refused, 1);
    }
    let found = |path: &str| {
        let node = large.lookup(path.as_bytes()).expect(path);
        node.unwrap_or_else(|| panic!("{path} is there"))
    };
    let (above, inner, again) = (found("/a"), found("/a/in"), found("/in"));
    assert_eq!(inner.entry_offset, again.entry_offset);
    assert!(above.entry_offset < inner.entry_offset && inner.end < above.end);
    for path in ["/in/in", "/in/a", "/a/a", "/a/in/in"] {
        let further = large.lookup(path.as_bytes()).expect(path);
        assert!(further.is_none(), "{path}");
    }
}

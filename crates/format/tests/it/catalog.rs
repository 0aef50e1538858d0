//! Catalogs: V12 of the specification, the original's catalogs read and written again, damage.

use std::io::Cursor;

use format::catalog::{Catalog, CatalogError, CatalogWriter, Entry, EntryKind};
use format::{DynamicIndex, Index};
use proptest::prelude::*;

use crate::fixtures::{content, dir, hex};

fn specified() -> Vec<u8> {
    let mut writer = CatalogWriter::new(Vec::new()).unwrap();
    writer.start_dir(b"root.pxar.didx").unwrap();
    writer.add_file(b"a.txt", 300, 1_700_000_000).unwrap();
    writer.start_dir(b"sub").unwrap();
    writer.end_dir().unwrap();
    writer.add_symlink(b"z-link").unwrap();
    writer.end_dir().unwrap();
    writer.finish().unwrap()
}

fn open(bytes: &[u8]) -> Result<Catalog<Cursor<&[u8]>>, CatalogError> {
    Catalog::open(Cursor::new(bytes))
}

/// Every entry as a line: letter, path, size and time.
fn dump(bytes: &[u8]) -> Result<Vec<String>, CatalogError> {
    let mut catalog = open(bytes)?;
    let root = catalog.root();
    let mut walk = catalog.walk(root, 100_000)?;
    let mut lines = Vec::new();
    while let Some((path, entry)) = walk.next()? {
        let letter = entry.kind.letter();
        let path = String::from_utf8_lossy(path);
        lines.push(match entry.kind {
            EntryKind::File { size, mtime } => format!("{letter} {path} {size} {mtime}"),
            _ => format!("{letter} {path}"),
        });
    }
    Ok(lines)
}

#[test]
fn catalog_of_the_specification() {
    let expected = hex(
        "91fd60f9c46758d5 0100 1d03 6605612e747874ac0280e2cfaa06 640373756202 6c067a2d6c696e6b
         1201 640e726f6f742e707861722e646964781e 2800000000000000",
    );
    assert_eq!(specified(), expected);
    assert_eq!(
        dump(&expected).unwrap(),
        [
            "d root.pxar.didx",
            "f root.pxar.didx/a.txt 300 1700000000",
            "d root.pxar.didx/sub",
            "l root.pxar.didx/z-link"
        ]
    );
    let mut writer = CatalogWriter::new(Vec::new()).unwrap();
    writer.start_dir(b"root.pxar.didx").unwrap();
    writer.add_file(b"old", 0, -5).unwrap();
    writer.end_dir().unwrap();
    let old = hex(
        "91fd60f9c46758d5090166036f6c640085001201640e726f6f742e707861722e646964780a1200000000000000",
    );
    assert_eq!(writer.finish().unwrap(), old);
    assert_eq!(dump(&old).unwrap()[1], "f root.pxar.didx/old 0 -5");
}

#[test]
fn every_kind_survives() {
    let mut writer = CatalogWriter::new(Vec::new()).unwrap();
    writer.start_dir(b"a").unwrap();
    writer.add_block_device(b"b").unwrap();
    writer.add_char_device(b"c").unwrap();
    writer.add_hardlink(b"h").unwrap();
    writer.add_fifo(b"p").unwrap();
    writer.add_socket(b"s").unwrap();
    writer.add_symlink(b"\xff\x01").unwrap();
    writer.end_dir().unwrap();
    writer.start_dir(b"b").unwrap();
    writer.end_dir().unwrap();
    let bytes = writer.finish().unwrap();
    let mut catalog = open(&bytes).unwrap();
    let Some(EntryKind::Directory(directory)) = catalog.lookup(b"a").unwrap() else {
        panic!("a is a directory");
    };
    let entries = catalog.read_dir(directory).unwrap();
    let letters: String = entries.iter().map(|entry| entry.kind.letter()).collect();
    assert_eq!(letters, "bchpsl");
    assert_eq!(
        entries[5],
        Entry {
            name: vec![0xff, 1],
            kind: EntryKind::Symlink
        }
    );
}

#[test]
fn paths_are_looked_up() {
    let bytes = specified();
    let mut catalog = open(&bytes).unwrap();
    let root = catalog.root();
    assert_eq!(
        catalog.lookup(b"").unwrap(),
        Some(EntryKind::Directory(root))
    );
    assert_eq!(
        catalog.lookup(b"/").unwrap(),
        Some(EntryKind::Directory(root))
    );
    for (path, letter) in [
        ("root.pxar.didx", Some('d')),
        ("/root.pxar.didx/", Some('d')),
        ("/root.pxar.didx/a.txt", Some('f')),
        ("root.pxar.didx/z-link", Some('l')),
        ("root.pxar.didx/a.txt/x", None),
        ("root.pxar.didx/b", None),
        ("a.txt", None),
    ] {
        let found = catalog.lookup(path.as_bytes()).unwrap();
        assert_eq!(found.map(|kind| kind.letter()), letter, "{path}");
    }
}

#[test]
fn a_walk_can_leave_out_directories() {
    let bytes = specified();
    let mut catalog = open(&bytes).unwrap();
    let root = catalog.root();
    let mut walk = catalog.walk(root, 10).unwrap();
    walk.next().unwrap().unwrap();
    walk.skip_children();
    assert!(walk.next().unwrap().is_none());
    let mut walk = catalog.walk(root, 2).unwrap();
    walk.next().unwrap();
    walk.next().unwrap();
    assert!(matches!(
        walk.next(),
        Err(CatalogError::TooManyEntries { entries_max: 2 })
    ));
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut writer = CatalogWriter::new(Vec::new()).unwrap();
    let long = vec![b'a'; 4096];
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0b", &long] {
        assert!(matches!(
            writer.add_symlink(name),
            Err(CatalogError::Name { .. })
        ));
        assert!(matches!(
            writer.start_dir(name),
            Err(CatalogError::Name { .. })
        ));
    }
    writer.add_symlink(&long[1..]).unwrap();
    assert!(matches!(
        writer.end_dir(),
        Err(CatalogError::Unbalanced { .. })
    ));
    writer.start_dir(b"a").unwrap();
    assert!(matches!(
        writer.finish(),
        Err(CatalogError::Unbalanced { .. })
    ));
    let mut writer = CatalogWriter::new(Vec::new()).unwrap();
    let too_deep = (0..10_000).find_map(|_| writer.start_dir(b"a").err());
    assert!(matches!(too_deep, Some(CatalogError::TooDeep)));
}

#[test]
fn damaged_catalogs_are_refused() {
    let good = specified();
    // name, changed byte, new value
    let cases = [
        ("magic", 0, 0),
        ("root behind the end", 59, 60),
        ("root inside of the magic", 59, 7),
        ("root at no block", 60, 1),
        ("block too long", 40, 100),
        ("block of length zero", 40, 0),
        ("too few entries", 11, 2),
        ("too many entries", 11, 4),
        ("absurd number of entries", 11, 0x7f),
        ("unknown kind", 12, b'x'),
        ("name too long for the block", 13, 0x7f),
        ("slash in a name", 14, b'/'),
        ("directory at itself", 32, 0),
        ("directory in the magic", 32, 3),
        ("directory before the start", 32, 11),
    ];
    for (name, at, value) in cases {
        let mut bytes = good.clone();
        bytes[at] = value;
        let error = dump(&bytes).expect_err(name);
        assert!(
            matches!(
                error,
                CatalogError::NotACatalog { .. }
                    | CatalogError::Damaged { .. }
                    | CatalogError::Name { .. }
            ),
            "{name}: {error}"
        );
    }
    for len in 0..good.len() {
        assert!(dump(&good[..len]).is_err(), "{len}");
    }
}

/// Each directory names the one before it twice, so that sixty of them have 2^60 paths, which `catalog dump` began to print.
#[test]
fn directories_that_are_in_several_places_are_refused() {
    let mut bytes = vec![0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5];
    // No entries at first; then two each, `a` and `b`, which lead back to the block before.
    let mut block = vec![1, 0];
    let mut root = bytes.len();
    for _ in 0..60 {
        root = bytes.len();
        let back = u8::try_from(block.len()).unwrap();
        bytes.extend(block);
        block = vec![9, 2, b'd', 1, b'a', back, b'd', 1, b'b', back];
    }
    bytes.extend(root.to_le_bytes());
    let error = dump(&bytes).unwrap_err();
    assert!(matches!(error, CatalogError::Damaged { .. }), "{error}");
}

/// Zeros without end, as an index makes them that names one chunk many times, with other bytes in a few places.
struct Sparse {
    len: u64,
    position: u64,
    pieces: Vec<(u64, Vec<u8>)>,
}

impl std::io::Read for Sparse {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let len = buf.len().min((self.len - self.position) as usize);
        for (at, byte) in (self.position..).zip(&mut buf[..len]) {
            let piece = self.pieces.iter().find_map(|(start, bytes)| {
                let offset = usize::try_from(at.checked_sub(*start)?).ok()?;
                bytes.get(offset).copied()
            });
            *byte = piece.unwrap_or(0);
        }
        self.position += len as u64;
        Ok(len)
    }
}

impl std::io::Seek for Sparse {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.position = match to {
            std::io::SeekFrom::Start(at) => at,
            std::io::SeekFrom::End(by) => self.len.saturating_add_signed(by),
            std::io::SeekFrom::Current(by) => self.position.saturating_add_signed(by),
        };
        Ok(self.position)
    }
}

/// An index may name one small chunk so often that a catalog of a few uploaded bytes has a hundred gigabytes. A directory as large as that
/// was read into memory as a whole, which was the end of the server that only wanted to list it.
#[test]
fn a_directory_larger_than_memory_is_refused() {
    let magic = vec![0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5];
    // 2^36 bytes behind the number in front of them.
    let head = vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x02];
    let len = 8 + 6 + (1 << 36) + 8;
    let root = 8_u64.to_le_bytes().to_vec();
    let source = Sparse {
        len,
        position: 0,
        pieces: vec![(0, magic), (8, head), (len - 8, root)],
    };
    let mut catalog = Catalog::open(source).unwrap();
    let root = catalog.root();
    let too_large = |error| matches!(error, CatalogError::DirectoryTooLarge { start: 8 });
    assert!(too_large(catalog.read_dir(root).unwrap_err()));
    assert!(too_large(catalog.lookup(b"root.pxar.didx").unwrap_err()));
    assert!(catalog.walk(root, 10).is_err_and(too_large));
}

/// Writes the directory again, entry by entry.
fn copy(
    catalog: &mut Catalog<Cursor<&[u8]>>,
    directory: format::catalog::Directory,
    writer: &mut CatalogWriter<Vec<u8>>,
) {
    for Entry { name, kind } in catalog.read_dir(directory).unwrap() {
        match kind {
            EntryKind::Directory(child) => {
                writer.start_dir(&name).unwrap();
                copy(catalog, child, writer);
                writer.end_dir().unwrap();
            }
            EntryKind::File { size, mtime } => writer.add_file(&name, size, mtime).unwrap(),
            EntryKind::Symlink => writer.add_symlink(&name).unwrap(),
            EntryKind::Hardlink => writer.add_hardlink(&name).unwrap(),
            EntryKind::BlockDevice => writer.add_block_device(&name).unwrap(),
            EntryKind::CharDevice => writer.add_char_device(&name).unwrap(),
            EntryKind::Fifo => writer.add_fifo(&name).unwrap(),
            EntryKind::Socket => writer.add_socket(&name).unwrap(),
        }
    }
}

#[test]
fn catalogs_of_the_original_are_written_again_byte_for_byte() {
    let Some(fixtures) = dir() else { return };
    let store = fixtures.join("datastore");
    let stored = |path: &str| {
        let bytes = std::fs::read(store.join(path).join("catalog.pcat1.didx")).unwrap();
        content(&store, &Index::Dynamic(DynamicIndex::parse(bytes).unwrap()))
    };
    let plain = std::fs::read(fixtures.join("catalog/plain.pcat1")).unwrap();
    assert!(stored("host/plain/2023-11-14T22:13:20Z") == plain);
    for bytes in [
        plain,
        stored("host/small/2023-11-14T22:21:40Z"),
        stored("ns/a/ns/b/ct/200/2023-11-14T22:20:00Z"),
    ] {
        let mut catalog = open(&bytes).unwrap();
        let root = catalog.root();
        let mut writer = CatalogWriter::new(Vec::new()).unwrap();
        copy(&mut catalog, root, &mut writer);
        assert!(writer.finish().unwrap() == bytes);
    }
}

#[test]
fn a_walk_sees_what_the_original_dumps() {
    let Some(fixtures) = dir() else { return };
    let recorded = crate::fixtures::files(&fixtures.join("cli"))
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find(|text| {
            text.starts_with("$ proxmox-backup-client catalog dump host/plain/2023-11-14")
                && text.contains("\nd \"./root")
        })
        .expect("a recorded dump");
    let listed: Vec<&str> = recorded
        .lines()
        .filter(|line| line.get(1..4) == Some(" \"."))
        .collect();
    let plain = std::fs::read(fixtures.join("catalog/plain.pcat1")).unwrap();
    let mut catalog = open(&plain).unwrap();
    let root = catalog.root();
    let mut walk = catalog.walk(root, 100_000).unwrap();
    let mut found = Vec::new();
    while let Some((path, entry)) = walk.next().unwrap() {
        let path = String::from_utf8_lossy(path).into_owned();
        let mut line = format!("{} {:?}", entry.kind.letter(), format!("./{path}"));
        if let EntryKind::File { size, mtime } = entry.kind {
            line += &format!(" {size} {}", format::time::rfc3339_utc(mtime).unwrap());
        }
        found.push(line);
    }
    // Names that are no UTF-8 are shown differently.
    let comparable = |line: &&str| !line.contains('\\') && !line.contains('\u{fffd}');
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found.len(), listed.len());
    let mut compared = 0;
    for (found, listed) in found.iter().zip(&listed) {
        if comparable(found) && comparable(listed) {
            assert_eq!(found, listed);
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reading_undoes_writing(steps in prop::collection::vec((0u8..4, "[a-zA-Z0-9. -]{3,40}", any::<u64>(), any::<i64>()), 0..60)) {
        let mut writer = CatalogWriter::new(Vec::new()).unwrap();
        let (mut expected, mut open_dirs) = (Vec::new(), Vec::<String>::new());
        for (step, name, size, mtime) in steps {
            let path = |open: &[String]| open.iter().map(|dir| format!("{dir}/")).collect::<String>() + &name;
            match step {
                0 => {
                    expected.push(format!("d {}", path(&open_dirs)));
                    writer.start_dir(name.as_bytes()).unwrap();
                    open_dirs.push(name);
                }
                1 if !open_dirs.is_empty() => {
                    writer.end_dir().unwrap();
                    open_dirs.pop();
                }
                2 => {
                    expected.push(format!("l {}", path(&open_dirs)));
                    writer.add_symlink(name.as_bytes()).unwrap();
                }
                _ => {
                    expected.push(format!("f {} {size} {mtime}", path(&open_dirs)));
                    writer.add_file(name.as_bytes(), size, mtime).unwrap();
                }
            }
        }
        for _ in open_dirs {
            writer.end_dir().unwrap();
        }
        let bytes = writer.finish().unwrap();
        prop_assert_eq!(dump(&bytes).unwrap(), expected);
        for len in 0..bytes.len() {
            // A prefix may end in eight bytes that point at a whole block, but it never holds the root.
            if let Ok(lines) = dump(&bytes[..len]) {
                prop_assert_ne!(lines, dump(&bytes).unwrap());
            }
        }
    }

    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = specified();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let _ = dump(&bytes);
    }
}

//! Streams out of small archives.

use std::sync::Mutex;

use pxar::{Encoder, Metadata};

use super::*;

/// An archive that notes how many bytes are read of it.
struct Counted(Vec<u8>, Mutex<u64>);

impl ReadAt for Counted {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let n = self.0.as_slice().read_at(buf, offset)?;
        *self.1.lock().expect("not poisoned") += n as u64;
        Ok(n)
    }

    fn size(&self) -> u64 {
        self.0.len() as u64
    }
}

#[test]
fn a_file_from_an_offset_on() {
    let data: Vec<u8> = (0..3 * PIECE_BYTES + 5).map(|n| (n % 251) as u8).collect();
    let root = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    let meta = Metadata {
        mode: 0o100_644,
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &root).expect("archive");
    let mut rest = data.as_slice();
    let mut read = |buf: &mut [u8]| io::Read::read(&mut rest, buf);
    encoder
        .add_file(b"f", &meta, data.len() as u64, &mut read)
        .expect("file");
    let bytes = encoder.finish().expect("archive");
    let archive = Accessor::open(Counted(bytes, Mutex::new(0))).expect("archive");
    let archive = Arc::new(archive);
    let node = archive.lookup(b"/f").expect("read").expect("there");
    let size = data.len() as u64;
    for offset in [0, 1, size / 2, size - 1, size, size + 9, u64::MAX] {
        let before = bytes_read(&archive);
        let found: Vec<u8> = file(Arc::clone(&archive), node.clone(), offset)
            .map(|piece| piece.expect("fine"))
            .collect::<Vec<_>>()
            .concat();
        let from = offset.min(size) as usize;
        assert!(found == data[from..], "from {offset}");
        let more = bytes_read(&archive) - before;
        // The heads of items around the data may be looked at.
        assert!(
            more < size - from as u64 + 4096,
            "{more} bytes from {offset}"
        );
    }
}

fn bytes_read(archive: &Accessor<Counted>) -> u64 {
    *archive.source().1.lock().expect("not poisoned")
}

/// An archive of these; a path that ends in a slash is a directory, one with `=` a hard link to the first file.
fn archive(members: &[&str]) -> Arc<Accessor<Vec<u8>>> {
    let of = |mode| Metadata {
        mode,
        ..Metadata::default()
    };
    let (dir, file) = (of(0o040_755), of(0o100_644));
    let mut encoder = Encoder::new(Vec::new(), &dir).expect("archive");
    let mut first = None;
    for member in members {
        if *member == ".." {
            encoder.finish_dir().expect("end");
        } else if let Some(name) = member.strip_suffix('/') {
            encoder.create_dir(name.as_bytes(), &dir).expect("dir");
        } else if let Some((name, target)) = member.split_once('=') {
            let offset = first.expect("a file came before");
            encoder
                .add_hardlink(name.as_bytes(), target.as_bytes(), offset)
                .expect("link");
        } else {
            let mut data = member.as_bytes();
            let size = data.len() as u64;
            let mut read = |buf: &mut [u8]| io::Read::read(&mut data, buf);
            let written = encoder
                .add_file(member.as_bytes(), &file, size, &mut read)
                .expect("file");
            first.get_or_insert(written.offset);
        }
    }
    Arc::new(Accessor::open(encoder.finish().expect("archive")).expect("archive"))
}

/// Names, kinds and data of a tar without long names.
fn untar(tar: &[u8]) -> Vec<String> {
    let text = |field: &[u8]| {
        let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let (mut all, mut at) = (Vec::new(), 0);
    while tar[at] != 0 {
        let size = usize::from_str_radix(&text(&tar[at + 124..at + 136]), 8).expect("size");
        let (name, kind) = (text(&tar[at..at + 100]), char::from(tar[at + 156]));
        all.push(format!("{kind}{name}{}", text(&tar[at + 157..at + 257])));
        at += 512 + size.next_multiple_of(512);
    }
    all
}

fn scratch() -> MakeScratch {
    Box::new(|| Ok(Box::new(io::Cursor::new(Vec::new()))))
}

fn packed(tree: &Arc<Accessor<Vec<u8>>>, paths: &[&str], format: Format) -> io::Result<Vec<u8>> {
    let find = |path: &&str| {
        let node = tree.lookup(path.as_bytes()).expect("read").expect("there");
        (path.as_bytes().to_vec(), node)
    };
    let members = paths.iter().map(find).collect();
    let zstd = false;
    let pieces = selection(
        Arc::clone(tree),
        members,
        Packing { format, zstd },
        scratch(),
    )?;
    Ok(pieces.collect::<Result<Vec<_>, _>>()?.concat())
}

#[test]
fn what_is_selected_comes_once_below_what_holds_it_all() {
    let tree = archive(&[
        "top", "a/", "b/", "one", "two", "c/", "deep", "..", "..", "link=top", "..", "z",
    ]);
    for (paths, expected) in [
        (&["/a/b/one", "/a/b/two"][..], "0one 0two"),
        // In the order of the archive, whatever the order of the request; twice or inside of another one is once.
        (&["a/b/two", "/a/b/one", "a/b/two/"], "0one 0two"),
        (
            &["/a/b/c/deep", "/a/b", "/a/b/c"],
            "5b 0b/one 0b/two 5b/c 0b/c/deep",
        ),
        (&["/a/b/c", "/z"], "5a/b/c 0a/b/c/deep 0z"),
        // A link whose file comes too is a link; else it is the file.
        (&["/a/link", "/top"], "0top 1a/linktop"),
        (&["/a/link", "/a/b/one"], "0b/one 0link"),
        (
            &["/", "/a"],
            "0top 5a 5a/b 0a/b/one 0a/b/two 5a/b/c 0a/b/c/deep 1a/linktop 0z",
        ),
        (&["/z"], "0z"),
    ] {
        let tar = packed(&tree, paths, Format::Tar).expect("tar");
        assert_eq!(untar(&tar).join(" "), expected, "{paths:?}");
    }
}

#[test]
fn names_from_hostile_archives_lead_nowhere_and_come_once() {
    let tree = archive(&["d/", r"..\..\evil", r"C:\x", r"a\x2db", ".."]);
    let tar = packed(&tree, &["/d"], Format::Tar).expect("tar");
    assert_eq!(
        untar(&tar),
        ["5d", r"0d/.._.._evil", r"0d/C:_x", r"0d/a\x2db"]
    );
    for twice in [["x", "x"], [r"..\x", ".._x"]] {
        let tree = archive(&["d/", twice[0], twice[1], ".."]);
        for format in [Format::Zip, Format::Tar] {
            let error = packed(&tree, &["/d"], format).expect_err("twice");
            assert!(error.to_string().contains("twice"), "{error}");
        }
    }
    // Of those that were asked for none is left out without a word.
    let tree = archive(&[
        "d/", r"..\x", ".._x", r"\y/", "z", "..", "_y/", "a", "..", "..",
    ]);
    for paths in [[r"/d/..\x", "/d/.._x"], [r"/d/\y", "/d/_y/a"]] {
        let error = packed(&tree, &paths, Format::Tar).expect_err("twice");
        assert!(error.to_string().contains("twice"), "{error}");
    }
}

/// Each open directory kept its whole path: an archive of 16 MiB with long names in each other took gigabytes.
#[test]
fn paths_are_kept_once_and_have_an_end() {
    let name = "n".repeat(4000) + "/";
    let deep = |levels: usize, last: &str| {
        let mut members = vec![name.as_str(); levels];
        members.push(last);
        members.extend(std::iter::repeat_n("..", levels));
        members.push("z");
        archive(&members)
    };
    // 16 times a name with its slash leave room for 1518 bytes more.
    let (fits, too_long) = ("f".repeat(1518), "f".repeat(1519));
    for format in [Format::Tar, Format::Zip] {
        packed(&deep(16, &fits), &["/"], format).expect("it just fits");
        for tree in [deep(16, &too_long), deep(17, "f"), deep(1000, "f")] {
            let error = packed(&tree, &["/"], format).expect_err("too long");
            let text = error.to_string();
            assert!(text.contains("65534 bytes") && text.len() < 500, "{text}");
        }
    }
    // After the deep one comes the other, under its own name.
    let small = archive(&["a/", "b/", "one", "..", "two", "..", "z"]);
    let tar = packed(&small, &["/"], Format::Tar).expect("tar");
    assert_eq!(untar(&tar).join(" "), "5a 5a/b 0a/b/one 0a/two 0z");
}

/// An archive of zeros, but for a few parts: where they begin, and their bytes.
struct Sparse(u64, Vec<(u64, Vec<u8>)>);

impl ReadAt for Sparse {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        for (at, byte) in (offset..self.0).zip(buf.iter_mut()) {
            let of = |(start, part): &(u64, Vec<u8>)| {
                let within = usize::try_from(at.checked_sub(*start)?).ok()?;
                part.get(within).copied()
            };
            *byte = self.1.iter().find_map(of).unwrap_or(0);
        }
        let left = usize::try_from(self.0.saturating_sub(offset)).expect("64 bits");
        Ok(buf.len().min(left))
    }

    fn size(&self) -> u64 {
        self.0
    }
}

/// The error told what was left of the limit, a number that changes with where the folder lies, and no way out.
#[test]
fn a_folder_that_is_too_large_is_named_with_the_limit() {
    use pxar::goodbye::{ROW_LEN, Row};
    use pxar::item::{GOODBYE, GOODBYE_TAIL_MARKER, HEADER_LEN, Header};
    const MEMBERS: u64 = (1 << 22) + 1;
    let of = |mode| Metadata {
        mode,
        ..Metadata::default()
    };
    let mut encoder = Encoder::new(Vec::new(), &of(0o040_755)).expect("archive");
    encoder.add_fifo(b"f", &of(0o010_644)).expect("fifo");
    let mut head = encoder.finish().expect("archive");
    head.truncate(head.len() - 64);
    // Before the table there is room for as many members, and at both of its ends is what is looked at first.
    let (table, full_size) = (MEMBERS * 64, HEADER_LEN + ROW_LEN * (MEMBERS + 1));
    let mut begin = Vec::new();
    let item = GOODBYE;
    Header { item, full_size }.encode(&mut begin);
    let tail = Row {
        hash: GOODBYE_TAIL_MARKER,
        offset: table,
        size: full_size,
    };
    let tail = (table + full_size - ROW_LEN, tail.encode().to_vec());
    let parts = vec![(0, head), (table, begin), tail];
    let tree = Arc::new(Accessor::open(Sparse(table + full_size, parts)).expect("archive"));
    let asked = vec![(b"/".to_vec(), tree.root().clone())];
    let (format, zstd) = (Format::Tar, false);
    let error = selection(tree, asked, Packing { format, zstd }, scratch()).err();
    assert_eq!(
        error.expect("too large").to_string(),
        "the folder \"/\" has 4194305 members, but one download can have folders in each other with at most 4194304 members together; \
         download the folders below it one by one"
    );
}

/// The list at the end of a zip was held whole; a long one now goes through a file, and comes back in pieces.
#[test]
fn a_long_list_of_members_ends_a_zip() {
    let names: Vec<String> = (0..3000).map(|n| format!("{n:0200}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tree = archive(&names);
    let zip = packed(&tree, &["/"], Format::Zip).expect("packed");
    let end = &zip[zip.len() - 22..];
    assert_eq!(&end[..4], b"PK\x05\x06");
    let field = |at: usize| u32::from_le_bytes(end[at..at + 4].try_into().expect("four")) as usize;
    assert_eq!(u16::from_le_bytes([end[10], end[11]]), 3000);
    let list = &zip[field(16)..field(16) + field(12)];
    assert_eq!(field(16) + list.len(), zip.len() - 22);
    let entries: Vec<&[u8]> = list.chunks(46 + 200).collect();
    assert_eq!(entries.len(), names.len());
    for (entry, name) in entries.iter().zip(names) {
        assert_eq!(&entry[..4], b"PK\x01\x02");
        assert_eq!(&entry[46..], name.as_bytes());
    }
    // No piece is much larger than others.
    let node = tree.lookup(b"/").expect("read").expect("there");
    let packing = Packing {
        format: Format::Zip,
        zstd: false,
    };
    let pieces = directory(tree, b"/", node, packing, scratch()).expect("pieces");
    let longest = pieces.map(|piece| piece.expect("fine").len()).max();
    assert!(longest < Some(4 * PIECE_BYTES), "{longest:?}");
}

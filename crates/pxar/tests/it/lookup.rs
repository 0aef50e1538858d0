//! What is read to find one member, and what of a directory that is larger than somebody wants to hold.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use pxar::{AccessError, Accessor, Encoder, Metadata, ReadAt};

/// An archive that counts what is read of it.
struct Counted {
    bytes: Vec<u8>,
    read: AtomicU64,
}

impl ReadAt for Counted {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let n = self.bytes.as_slice().read_at(buf, offset)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// `/large` with so many members, and `/large/last` with `file`.
fn archive(members: u32) -> Accessor<Counted> {
    let metadata = |mode| Metadata {
        mode,
        ..Metadata::default()
    };
    let (dir, fifo) = (metadata(0o040_755), metadata(0o010_644));
    let mut encoder = Encoder::new(Vec::new(), &dir).expect("root");
    encoder.create_dir(b"large", &dir).expect("dir");
    for number in 0..members - 1 {
        let name = format!("a{number:08}");
        encoder.add_fifo(name.as_bytes(), &fifo).expect("fifo");
    }
    encoder.create_dir(b"last", &dir).expect("dir");
    encoder.add_fifo(b"file", &fifo).expect("fifo");
    for _ in 0..2 {
        encoder.finish_dir().expect("open");
    }
    let bytes = encoder.finish().expect("end");
    let read = AtomicU64::new(0);
    Accessor::open(Counted { bytes, read }).expect("opens")
}

fn read_by<T>(accessor: &Accessor<Counted>, work: impl FnOnce() -> T) -> (T, u64) {
    let read = || accessor.source().read.load(Ordering::Relaxed);
    let before = read();
    let done = work();
    (done, read() - before)
}

/// Each path of a selection read the whole table of every directory on the way.
#[test]
fn a_lookup_reads_no_whole_tables() {
    const MEMBERS: u32 = 50_000;
    let accessor = archive(MEMBERS);
    let table = u64::from(MEMBERS) * 24;
    for (path, is_there) in [
        ("/large/last/file", true),
        ("/large/a00000000", true),
        ("/large/a00049998", true),
        ("/large/a00031415", true),
        ("/large/last/none", false),
        ("/large/a00050000", false),
        ("/large/zzz", false),
    ] {
        let (found, read) = read_by(&accessor, || accessor.lookup(path.as_bytes()));
        let found = found.expect(path);
        assert_eq!(found.is_some(), is_there, "{path}");
        if let Some(node) = found {
            let name = path.rsplit('/').next().expect("a name");
            assert_eq!(node.entry.name, name.as_bytes());
        }
        // A page each for the table and the member, on three levels; a row for each step down.
        assert!(read < 32_768 && read < table / 30, "{path}: {read} bytes");
    }
}

#[test]
fn a_directory_is_refused_before_its_table_is_read() {
    let accessor = archive(50_000);
    let node = accessor.lookup(b"/large").expect("fine").expect("there");
    let (refused, read) = read_by(&accessor, || accessor.open_directory_within(&node, 49_999));
    let error = refused.expect_err("one too many");
    assert!(
        matches!(
            error,
            AccessError::TooManyMembers {
                members: 50_000,
                max: 49_999,
                ..
            }
        ),
        "{error}"
    );
    assert!(read < 100, "{read} bytes");
    let opened = accessor.open_directory_within(&node, 50_000);
    assert_eq!(opened.expect("just fits").len(), 50_000);
}

/// Rows of zeros cost nothing where archives are compressed, and 30 bytes each in memory.
#[test]
fn a_table_with_more_rows_than_the_directory_can_hold() {
    let dir = Metadata {
        mode: 0o040_755,
        ..Metadata::default()
    };
    let empty = Encoder::new(Vec::new(), &dir).and_then(Encoder::finish);
    let mut archive = empty.expect("an empty directory");
    let (rows, full_size) = (1000u64, 16 + 24 * 1001u64);
    let tail = archive.split_off(archive.len() - 24);
    let table = archive.len() - 16;
    archive[table + 8..].copy_from_slice(&full_size.to_le_bytes());
    archive.resize(archive.len() + rows as usize * 24, 0);
    archive.extend_from_slice(&tail[..16]);
    archive.extend_from_slice(&full_size.to_le_bytes());
    let accessor = Accessor::open(archive).expect("a root");
    let error = accessor
        .open_directory(accessor.root())
        .expect_err("impossible");
    assert!(error.to_string().contains("than fit into"), "{error}");
    let error = accessor.lookup(b"/x").expect_err("impossible");
    assert!(error.to_string().contains("than fit into"), "{error}");
}

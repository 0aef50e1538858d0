//! The vectors of the specification, sections 1.1, 8.1, 8.3 and 8.4.

use pxar::goodbye::{self, Row};
use pxar::{Encoder, EntryKind, Metadata, Mtime, Sink, WriteSink, item, name};

use crate::support::{check_random_access, decode, encode_again, unhex};

const TINY: &str = "
efac88e5746495d5 3800000000000000 ed41000000000000 0000000000000000
0000000000000000 00f1536500000000 0000000000000000 b317390621117016
1a00000000000000 68656c6c6f2e7478 7400efac88e57464 95d5380000000000
0000a48100000000 0000000000000000 0000000000000000 000000f153650000
000015cd5b070000 0000251a7c0b1b7a 1428150000000000 000068656c6c6fb3
1739062111701615 000000000000006c 696e6b00efac88e5 746495d538000000
00000000ffa10000 0000000000000000 0000000000000000 0000000000f15365
000000000065cd1d 000000005fdcf5db e771f9271a000000 0000000068656c6c
6f2e747874001d73 d542a64fec2f5800 0000000000000c19 664cb8e01e9bce00
0000000000006700 000000000000efc0 0fcf2e0bfe046700 0000000000006700
0000000000005515 3e755bed5eef0601 0000000000005800 000000000000";

const HARDLINK: &str = "
efac88e5746495d5 3800000000000000 ed41000000000000 0000000000000000
0000000000000000 00f1536500000000 0000000000000000 b317390621117016
1200000000000000 6100efac88e57464 95d5380000000000 0000a48100000000
0000000000000000 0000000000000000 000000f153650000 0000000000000000
0000251a7c0b1b7a 1428100000000000 0000b31739062111 7016120000000000
00006400efac88e5 746495d538000000 00000000ed410000 0000000000000000
0000000000000000 0000000000f15365 0000000000000000 00000000b3173906
2111701612000000 0000000068007572 bd22849c26511a00 000000000000a400
0000000000006100 1d73d542a64fec2f 4000000000000000 008069b2b217b5fc
2c00000000000000 2c00000000000000 55153e755bed5eef 6400000000000000
4000000000000000 1d73d542a64fec2f 5800000000000000 c3472fbc6c1db625
b600000000000000 b600000000000000 cf7b2c7c06e9260c 1001000000000000
5a00000000000000 55153e755bed5eef 4801000000000000 5800000000000000";

const OLD_STAT: &str = "ffce1c1c0a85da113000000000000000ed410000000000000000000000000000e8030000e803000005002a36fe9c9717\
    1d73d542a64fec2f280000000000000055153e755bed5eef30000000000000002800000000000000";

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

fn write_tiny<S: Sink>(sink: S) -> S {
    let mut data = &b"hello"[..];
    let mut encoder = Encoder::new(sink, &metadata(0o040_755, 0)).expect("root");
    let file = metadata(0o100_644, 123_456_789);
    encoder
        .add_file(b"hello.txt", &file, 5, &mut |b| {
            std::io::Read::read(&mut data, b)
        })
        .expect("file");
    encoder
        .add_symlink(b"link", &metadata(0o120_777, 500_000_000), b"hello.txt")
        .expect("link");
    encoder.finish().expect("end")
}

#[test]
fn tiny_archive_is_written_and_read() {
    let expected = unhex(TINY);
    assert_eq!(expected.len(), 350);
    assert_eq!(write_tiny(Vec::new()), expected);
    assert_eq!(
        write_tiny(WriteSink::new(Vec::new()))
            .finish()
            .expect("memory"),
        expected
    );
    assert_eq!(encode_again(&expected), expected);
    check_random_access(&expected);
    let seen = decode(&expected).expect("valid");
    let paths: Vec<_> = seen
        .iter()
        .map(|m| String::from_utf8_lossy(&m.path).into_owned())
        .collect();
    assert_eq!(paths, ["/", "/hello.txt", "/link"]);
    assert_eq!(seen[1].data, b"hello");
    assert_eq!(seen[1].entry.metadata, metadata(0o100_644, 123_456_789));
    assert_eq!(
        seen[2].entry.kind,
        EntryKind::Symlink {
            target: b"hello.txt".to_vec()
        }
    );
}

#[test]
fn hard_link_archive_is_written_and_read() {
    let expected = unhex(HARDLINK);
    let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755, 0)).expect("root");
    let a = encoder
        .add_file(b"a", &metadata(0o100_644, 0), 0, &mut |_| Ok(0))
        .expect("file");
    encoder
        .create_dir(b"d", &metadata(0o040_755, 0))
        .expect("dir");
    encoder.add_hardlink(b"h", b"a", a.offset).expect("link");
    encoder.finish_dir().expect("open");
    assert_eq!(encoder.finish().expect("end"), expected);
    assert_eq!(encode_again(&expected), expected);
    check_random_access(&expected);
    let seen = decode(&expected).expect("valid");
    assert_eq!(
        seen[3].entry.kind,
        EntryKind::Hardlink {
            path: b"a".to_vec(),
            offset: 164
        }
    );
}

#[test]
fn old_stat_item_is_read() {
    let seen = decode(&unhex(OLD_STAT)).expect("valid");
    let root = &seen[0].entry.metadata;
    assert_eq!((root.mode, root.uid, root.gid), (0o040_755, 1000, 1000));
    assert_eq!(
        root.mtime,
        Mtime {
            secs: 1_700_000_000,
            nanos: 5
        }
    );
    check_random_access(&unhex(OLD_STAT));
}

#[test]
fn magics_are_hashes_of_their_tags() {
    let tags = [
        ("FORMAT_VERSION", item::FORMAT_VERSION),
        ("FORMAT_ENTRY_V2", item::ENTRY),
        ("FORMAT_ENTRY", item::ENTRY_OLD),
        ("FORMAT_PRELUDE", item::PRELUDE),
        ("FORMAT_FILENAME", item::FILENAME),
        ("FORMAT_SYMLINK", item::SYMLINK),
        ("FORMAT_DEVICE", item::DEVICE),
        ("FORMAT_XATTR", item::XATTR),
        ("FORMAT_ACL_USER", item::ACL_USER),
        ("FORMAT_ACL_GROUP", item::ACL_GROUP),
        ("FORMAT_ACL_GROUP_OBJ", item::ACL_GROUP_OBJ),
        ("FORMAT_ACL_DEFAULT", item::ACL_DEFAULT),
        ("FORMAT_ACL_DEFAULT_USER", item::ACL_DEFAULT_USER),
        ("FORMAT_ACL_DEFAULT_GROUP", item::ACL_DEFAULT_GROUP),
        ("FORMAT_FCAPS", item::FCAPS),
        ("FORMAT_QUOTA_PROJID", item::QUOTA_PROJID),
        ("FORMAT_HARDLINK", item::HARDLINK),
        ("FORMAT_PXAR_PAYLOAD", item::PAYLOAD),
        ("FORMAT_PXAR_PAYLOAD_REF", item::PAYLOAD_REF),
        ("FORMAT_GOODBYE", item::GOODBYE),
        ("FORMAT_PXAR_GOODBYE_TAIL_MARKER", item::GOODBYE_TAIL_MARKER),
        (
            "FORMAT_PXAR_PAYLOAD_START_MARKER",
            item::PAYLOAD_START_MARKER,
        ),
        ("FORMAT_PXAR_PAYLOAD_TAIL_MARKER", item::PAYLOAD_TAIL_MARKER),
    ];
    for (tag, magic) in tags {
        assert_eq!(
            name::hash(format!("__PROXMOX_{tag}__").as_bytes()),
            magic,
            "{tag}"
        );
    }
}

#[test]
fn name_hashes() {
    let rows: [(&[u8], u64); 5] = [
        (b"", 0x7661_4015_f8d1_bb6c),
        (b"a", 0x0c26_e906_7c2c_7bcf),
        (b"link", 0x04fe_0b2e_cf0f_c0ef),
        (b"hello.txt", 0x9b1e_e0b8_4c66_190c),
        (b"lost+found", 0xedc9_3cb8_2478_96c7),
    ];
    for (name, hash) in rows {
        assert_eq!(name::hash(name), hash);
    }
}

#[test]
fn goodbye_rows_lie_as_a_tree() {
    let rows: [&[usize]; 17] = [
        &[0],
        &[1, 0],
        &[1, 0, 2],
        &[2, 1, 3, 0],
        &[3, 1, 4, 0, 2],
        &[3, 1, 5, 0, 2, 4],
        &[3, 1, 5, 0, 2, 4, 6],
        &[4, 2, 6, 1, 3, 5, 7, 0],
        &[5, 3, 7, 1, 4, 6, 8, 0, 2],
        &[6, 3, 8, 1, 5, 7, 9, 0, 2, 4],
        &[7, 3, 9, 1, 5, 8, 10, 0, 2, 4, 6],
        &[7, 3, 10, 1, 5, 9, 11, 0, 2, 4, 6, 8],
        &[7, 3, 11, 1, 5, 9, 12, 0, 2, 4, 6, 8, 10],
        &[7, 3, 11, 1, 5, 9, 13, 0, 2, 4, 6, 8, 10, 12],
        &[7, 3, 11, 1, 5, 9, 13, 0, 2, 4, 6, 8, 10, 12, 14],
        &[8, 4, 12, 2, 6, 10, 14, 1, 3, 5, 7, 9, 11, 13, 15, 0],
        &[9, 5, 13, 3, 7, 11, 15, 1, 4, 6, 8, 10, 12, 14, 16, 0, 2],
    ];
    for expected in rows {
        let mut placed = vec![usize::MAX; expected.len()];
        goodbye::place(expected.len(), &mut |row, sorted| placed[row] = sorted);
        assert_eq!(placed, expected);
    }
}

fn count_with_hash(rows: &[Row], hash: u64) -> usize {
    let mut search = goodbye::Search::new(hash);
    let mut row = |index: usize| Ok::<_, std::convert::Infallible>(rows.get(index).copied());
    std::iter::from_fn(|| search.next(&mut row).expect("nothing is read")).count()
}

/// The original loses some of three or more names with the same hash.
#[test]
fn all_colliding_rows_are_found() {
    for same in 0..=9 {
        for before in 0..=9 {
            for after in 0..=9 {
                let hashes = std::iter::repeat_n(1, before).chain(std::iter::repeat_n(5, same));
                let hashes: Vec<u64> = hashes.chain(std::iter::repeat_n(9, after)).collect();
                let mut rows = vec![
                    Row {
                        hash: 0,
                        offset: 0,
                        size: 0
                    };
                    hashes.len()
                ];
                goodbye::place(hashes.len(), &mut |row, sorted| {
                    rows[row].hash = hashes[sorted]
                });
                assert_eq!(count_with_hash(&rows, 5), same, "{before} {same} {after}");
            }
        }
    }
}

#[test]
fn what_is_missing_of_a_file_becomes_zeros() {
    let mut data = &b"abc"[..];
    let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755, 0)).expect("root");
    let read = &mut |b: &mut [u8]| std::io::Read::read(&mut data, b);
    let written = encoder
        .add_file(b"f", &metadata(0o100_644, 0), 70_000, read)
        .expect("file");
    assert_eq!(written.missing, 69_997);
    let archive = encoder.finish().expect("end");
    let seen = decode(&archive).expect("valid");
    assert_eq!(seen[1].data.len(), 70_000);
    assert_eq!(seen[1].data[..3], b"abc"[..]);
    assert!(seen[1].data[3..].iter().all(|b| *b == 0));
    check_random_access(&archive);
}

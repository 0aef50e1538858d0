//! Index files: V4 and V5 of the specification, every index of the fixtures, hostile headers.

use format::index::{DynamicEntry, HEADER_LEN};
use format::{
    ArchiveKind, ArchiveName, Digest, DynamicHeader, DynamicIndex, FixedHeader, FixedIndex, Index,
    IndexError,
};
use proptest::prelude::*;

use crate::fixtures::{archives, dir, hex};

const UUID: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const CTIME: i64 = 1_700_000_000;

fn digests() -> [Digest; 2] {
    [Digest::of(b"chunk1"), Digest::of(b"chunk2")]
}

fn fixed() -> FixedIndex {
    FixedIndex::build(UUID, CTIME, 4_195_304, 4 << 20, &digests()).unwrap()
}

fn dynamic() -> DynamicIndex {
    let [d1, d2] = digests();
    let entries = [
        DynamicEntry {
            end: 1000,
            digest: d1,
        },
        DynamicEntry {
            end: 3500,
            digest: d2,
        },
    ];
    DynamicIndex::build(UUID, CTIME, &entries).unwrap()
}

#[test]
fn fixed_index_of_the_specification() {
    let index = fixed();
    let csum = "e93628d077cdc465bd3d6d096966935bd3d22888a086a999d4db1037d2f48a93";
    assert_eq!(index.csum().to_string(), csum);
    assert_eq!(index.header().csum.to_string(), csum);
    let head = "2f7f41ed91fd0fcd000102030405060708090a0b0c0d0e0f00f1536500000000\
                e93628d077cdc465bd3d6d096966935bd3d22888a086a999d4db1037d2f48a93\
                e8034000000000000000400000000000";
    assert_eq!(index.as_bytes()[..80], hex(head));
    assert_eq!(index.as_bytes().len(), 4160);
    let file = "2a3c470d98321baf678e8d0b33487b2f003271d316c3e0b842dae1837e06f4b3";
    assert_eq!(Digest::of(index.as_bytes()).to_string(), file);
    assert_eq!(
        (index.len(), index.size(), index.chunk_size()),
        (2, 4_195_304, 4 << 20)
    );
    assert_eq!(
        (index.range(0), index.range(1)),
        (0..4_194_304, 4_194_304..4_195_304)
    );
    assert_eq!([index.digest(0), index.digest(1)], digests());
    for (offset, chunk) in [
        (0, Some(0)),
        (4_194_303, Some(0)),
        (4_194_304, Some(1)),
        (4_195_303, Some(1)),
        (4_195_304, None),
        (u64::MAX, None),
    ] {
        assert_eq!(index.lookup(offset), chunk, "{offset}");
    }
}

#[test]
fn dynamic_index_of_the_specification() {
    let index = dynamic();
    let csum = "80686d3e642285d4b9ce0b27a30829dd63a8d96c056f7af419502bc9d9c0de13";
    assert_eq!(index.csum().to_string(), csum);
    let head = "1c914ea519bab3cd000102030405060708090a0b0c0d0e0f00f1536500000000\
                80686d3e642285d4b9ce0b27a30829dd63a8d96c056f7af419502bc9d9c0de13";
    assert_eq!(index.as_bytes()[..64], hex(head));
    let [d1, d2] = digests();
    let entries = [
        &hex("e803000000000000")[..],
        d1.as_bytes(),
        &hex("ac0d000000000000"),
        d2.as_bytes(),
    ]
    .concat();
    assert_eq!(index.as_bytes()[HEADER_LEN..], entries);
    let file = "a1a21a49982aef123c775d4453e924d4328e14ab24a522eefa9083defb686250";
    assert_eq!(Digest::of(index.as_bytes()).to_string(), file);
    assert_eq!((index.len(), index.size()), (2, 3500));
    assert_eq!((index.range(0), index.range(1)), (0..1000, 1000..3500));
    for (offset, chunk) in [
        (0, Some(0)),
        (999, Some(0)),
        (1000, Some(1)),
        (3499, Some(1)),
        (3500, None),
        (u64::MAX, None),
    ] {
        assert_eq!(index.lookup(offset), chunk, "{offset}");
    }
}

#[test]
fn damaged_fixed_indexes_are_refused() {
    let good = fixed().into_bytes();
    let with = |at: usize, value: u64| {
        let mut bytes = good.clone();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        FixedIndex::parse(bytes).unwrap_err()
    };
    assert!(matches!(with(0, 0), IndexError::UnknownMagic { .. }));
    for chunk_size in [0, 3, (4 << 20) + 1, u64::MAX] {
        assert_eq!(with(72, chunk_size), IndexError::ChunkSize { chunk_size });
    }
    assert!(matches!(with(72, 1), IndexError::Length { .. }));
    assert!(matches!(with(72, 1 << 63), IndexError::Length { .. }));
    assert!(matches!(with(64, u64::MAX), IndexError::Length { .. }));
    let mut empty = good.clone();
    empty[64..72].fill(0);
    assert_eq!(
        FixedIndex::parse(empty[..HEADER_LEN].to_vec()).unwrap_err(),
        IndexError::Empty
    );
    let dynamic_magic = FixedIndex::parse(dynamic().into_bytes()).unwrap_err();
    assert!(matches!(
        dynamic_magic,
        IndexError::UnknownMagic {
            expected: "fixed",
            ..
        }
    ));
    for len in 0..good.len() {
        assert!(FixedIndex::parse(good[..len].to_vec()).is_err(), "{len}");
    }
}

#[test]
fn largest_chunk_size_does_not_overflow() {
    let index = FixedIndex::build(UUID, CTIME, 1 << 62, 1 << 63, &[Digest::ZERO]).unwrap();
    assert_eq!(index.range(0), 0..1 << 62);
    let index = FixedIndex::build(UUID, CTIME, u64::MAX, 1 << 63, &digests()).unwrap();
    assert_eq!(index.range(1), 1 << 63..u64::MAX);
}

#[test]
fn damaged_dynamic_indexes_are_refused() {
    let good = dynamic().into_bytes();
    for len in 0..good.len() {
        match DynamicIndex::parse(good[..len].to_vec()) {
            // The entries are not counted in the file, so only the manifest knows how many there were.
            Ok(index) => assert_eq!(HEADER_LEN + index.len() * DynamicEntry::LEN, len),
            Err(error) if len < HEADER_LEN => assert_eq!(error, IndexError::TooShort { len }),
            Err(error) => assert_eq!(error, IndexError::PartEntry { len }),
        }
    }
    let [d1, d2] = digests();
    let entries = [
        DynamicEntry {
            end: 1000,
            digest: d1,
        },
        DynamicEntry {
            end: 999,
            digest: d2,
        },
    ];
    let error = DynamicIndex::build(UUID, CTIME, &entries).unwrap_err();
    assert_eq!(error, IndexError::NotAscending { chunk: 1 });
    let empty = DynamicIndex::build(UUID, CTIME, &[]).unwrap();
    assert_eq!((empty.len(), empty.size(), empty.lookup(0)), (0, 0, None));
}

#[test]
fn every_index_of_the_original() {
    let Some(fixtures) = dir() else { return };
    for (path, name) in archives(&fixtures, ArchiveKind::Fixed) {
        let bytes = std::fs::read(&path).unwrap();
        let index = FixedIndex::parse(bytes.clone()).unwrap();
        assert_eq!(index.csum(), index.header().csum, "{}", path.display());
        assert!(
            index.header().encode() == bytes[..HEADER_LEN],
            "{}",
            path.display()
        );
        let digests: Vec<Digest> = index.iter().map(|(_, digest)| digest).collect();
        let header = index.header();
        let again = FixedIndex::build(
            header.uuid,
            header.ctime,
            header.size,
            header.chunk_size,
            &digests,
        )
        .unwrap();
        assert!(again.as_bytes() == bytes, "{}", path.display());
        assert!(Index::parse(&name, bytes).is_ok());
    }
    for (path, name) in archives(&fixtures, ArchiveKind::Dynamic) {
        let bytes = std::fs::read(&path).unwrap();
        let index = DynamicIndex::parse(bytes.clone()).unwrap();
        assert_eq!(index.csum(), index.header().csum, "{}", path.display());
        let entries: Vec<DynamicEntry> = index
            .iter()
            .map(|(range, digest)| DynamicEntry {
                end: range.end,
                digest,
            })
            .collect();
        let header = index.header();
        let again = DynamicIndex::build(header.uuid, header.ctime, &entries).unwrap();
        assert!(again.as_bytes() == bytes, "{}", path.display());
        assert!(Index::parse(&name, bytes).is_ok());
    }
}

#[test]
fn split_archives_have_the_listed_chunks() {
    let Some(fixtures) = dir() else { return };
    let list = std::fs::read_to_string(fixtures.join("split/split-chunks.txt")).unwrap();
    let mut compared = 0;
    for section in list
        .split("\n\n")
        .filter(|section| !section.starts_with('#'))
    {
        let mut lines = section.lines().filter(|line| !line.is_empty());
        let Some(head) = lines.next() else { continue };
        let words: Vec<&str> = head.split_whitespace().collect();
        let name: ArchiveName = words[0].rsplit('/').next().unwrap().parse().unwrap();
        let bytes = std::fs::read(fixtures.join("split/datastore").join(words[0])).unwrap();
        let index = Index::parse(&name, bytes).unwrap();
        assert_eq!(index.csum().to_string(), words[4], "{head}");
        assert_eq!(
            index.uuid().to_vec(),
            hex(&words[2].replace('-', "")),
            "{head}"
        );
        let listed: Vec<(u64, u64, Digest)> = lines
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                (
                    words[0].parse().unwrap(),
                    words[1].parse().unwrap(),
                    words[2].parse().unwrap(),
                )
            })
            .collect();
        let found: Vec<_> = index
            .iter()
            .map(|(range, digest)| (range.end, range.end - range.start, digest))
            .collect();
        assert_eq!(found, listed, "{head}");
        compared += 1;
    }
    assert_eq!(compared, 18);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn headers_survive(uuid: [u8; 16], ctime: i64, csum: [u8; 32], size: u64, shift in 0u32..64) {
        let header = FixedHeader { uuid, ctime, csum: Digest(csum), size, chunk_size: 1 << shift };
        prop_assert_eq!(FixedHeader::decode(&header.encode()).unwrap(), header);
        let header = DynamicHeader { uuid, ctime, csum: Digest(csum) };
        prop_assert_eq!(DynamicHeader::decode(&header.encode()).unwrap(), header);
    }

    #[test]
    fn lookup_finds_the_chunk_around_the_offset(lengths in prop::collection::vec(1u64..50, 1..40)) {
        let mut end = 0;
        let entries: Vec<DynamicEntry> = lengths.iter().map(|len| {
            end += len;
            DynamicEntry { end, digest: Digest::of(&end.to_le_bytes()) }
        }).collect();
        let index = DynamicIndex::build(UUID, CTIME, &entries).unwrap();
        prop_assert_eq!(index.size(), end);
        for offset in 0..end {
            let chunk = index.lookup(offset).unwrap();
            prop_assert!(index.range(chunk).contains(&offset));
        }
        prop_assert_eq!(index.lookup(end), None);
        let again = DynamicIndex::parse(index.as_bytes().to_vec()).unwrap();
        prop_assert!(again.iter().eq(index.iter()));
    }
}

//! The chunker: V6 and V7 of the specification, the original's chunk lists, a plain second implementation, and all ways to slice.

use std::path::Path;

use format::index::DynamicEntry;
use format::{
    Chunker, ChunkerError, Digest, DigestWriter, DynamicIndex, FIXED_CHUNK, FixedIndex, Index,
};
use proptest::prelude::*;

use crate::fixtures::{content, dir, generated};

const ENDS_4M: &[usize] = &[
    1073993, 3754750, 4842168, 6026645, 13156102, 15991607, 16777216,
];
const ENDS_512K: &[usize] = &[
    774232, 1073993, 1280813, 1451158, 1720132, 2000647, 2371678, 2702436, 2943194, 3228389,
    3754750, 3969293, 4444239, 4734894, 5698622, 6026645, 6216354, 6583080, 6782594, 6936272,
    7652565, 7927517, 8169712, 8821071, 10052243, 10589737, 10964943, 11509070, 11780279, 11991038,
    12279396, 13085412, 13687244, 13881264, 14447642, 14585026, 15991607, 16237446, 16379885,
    16757606, 16777216,
];

/// Ends of all chunks of `data`, which comes in slices of `step` bytes.
fn ends(avg: usize, data: &[u8], step: usize) -> Vec<usize> {
    let mut chunker = Chunker::new(avg).unwrap();
    let (mut ends, mut offset) = (Vec::new(), 0);
    for mut piece in data.chunks(step) {
        while let Some(len) = chunker.scan(piece) {
            assert!(len > 0 && len <= piece.len());
            offset += len;
            piece = &piece[len..];
            ends.push(offset);
            if piece.is_empty() {
                break;
            }
        }
        offset += piece.len();
    }
    if ends.last().copied().unwrap_or(0) < data.len() {
        ends.push(data.len());
    }
    ends
}

#[test]
fn borders_of_the_specification() {
    let data = generated("", 16 << 20);
    let sum = "01c65c8d6d336a8f1e9acf8bbfe807f7c1d0ec666ff41bc2db9f679849f03c03";
    assert_eq!(Digest::of(&data).to_string(), sum, "the input itself");
    // average, chunks, SHA-256 of the ends, csum of the index, first digest
    let cases = [
        (
            4 << 20,
            7,
            "502062a3080eeab6dcf6e2e410182cdafdb95aeea3cffc588f5784bda17431aa",
            "6c07bf44b5b282d3fe40427869fa6fcfe1c52bc81e1094720eb0380d55769cac",
            "110f5e12f8ac8881309793e210395a19e45ffdada4b983066016968f2b219e57",
        ),
        (
            512 << 10,
            41,
            "56ec29c6e5d512c210ea5d7af9b6929d5935a86a135351846ae3e3098ca5db7c",
            "c7da031aefb811730e3fc1e2b6e8aa53989322bf9c97bfd20313b55c9bf63390",
            "e6526a8b413b564281ff3d90614946ba3405fd72282663f568dc563a5fb553bc",
        ),
        (
            64 << 10,
            278,
            "cbcce50f47d7ac6e42f8b019b44d1569796acca09dc28a0aa3eed1a620567ee7",
            "693264023784571096c9c395bea09ac8d09276133873ec4575c983ce2f18ba2d",
            "786662da9150ddb00515efbbd38741c4df4a32c2f901ea16bd303197f9944850",
        ),
    ];
    for (avg, count, sum_of_ends, csum, first) in cases {
        let found = ends(avg, &data, data.len());
        assert_eq!(found.len(), count, "{avg}");
        let mut writer = DigestWriter::new();
        found
            .iter()
            .for_each(|end| writer.update(&(*end as u64).to_le_bytes()));
        assert_eq!(writer.finish().to_string(), sum_of_ends, "{avg}");
        let mut start = 0;
        let mut entries = Vec::new();
        for end in &found {
            entries.push(DynamicEntry {
                end: *end as u64,
                digest: Digest::of(&data[start..*end]),
            });
            start = *end;
        }
        assert_eq!(entries[0].digest.to_string(), first, "{avg}");
        let index = DynamicIndex::build([0; 16], 0, &entries).unwrap();
        assert_eq!(index.csum().to_string(), csum, "{avg}");
    }
    assert_eq!(ends(4 << 20, &data, 1 << 20), ENDS_4M);
    assert_eq!(ends(512 << 10, &data, 1 << 20), ENDS_512K);
    let small = ends(64 << 10, &data, 1 << 20);
    assert_eq!(
        small[..8],
        [
            66406, 127144, 252581, 304107, 320900, 338383, 392621, 436552
        ]
    );
    assert_eq!(small[274..], [16654731, 16687005, 16753545, 16777216]);
}

#[test]
fn chunks_without_a_border_end_at_the_largest_size() {
    let counters: Vec<u8> = (0u32..262_144).flat_map(u32::to_le_bytes).collect();
    assert_eq!(
        ends(64 << 10, &counters, 4096),
        [143_377, 405_521, 667_665, 929_809, 1_048_576]
    );
    let zeros = vec![0; 1 << 20];
    assert_eq!(
        ends(64 << 10, &zeros, 1 << 20),
        [1 << 18, 2 << 18, 3 << 18, 4 << 18]
    );
}

#[test]
fn average_is_a_power_of_two_within_bounds() {
    for avg in [
        0,
        1,
        512,
        1000,
        (4 << 20) - 1,
        (4 << 20) + 1,
        8 << 20,
        usize::MAX,
    ] {
        assert_eq!(Chunker::new(avg).unwrap_err(), ChunkerError(avg));
    }
    let chunker = Chunker::new(4 << 20).unwrap();
    assert_eq!(
        (chunker.min(), chunker.avg(), chunker.max()),
        (1 << 20, 4 << 20, format::CHUNK_RAW_MAX)
    );
}

/// The rules of the specification word for word, byte by byte and without the jump.
fn ends_slowly(avg: usize, data: &[u8], table: &[u32; 256]) -> Vec<usize> {
    let (min, max, mask) = (avg / 4, avg * 4, 2 * avg as u32 - 1);
    let (mut ends, mut start) = (Vec::new(), 0);
    let mut hash = 0u32;
    for at in 0..data.len() {
        let size = at + 1 - start;
        hash = hash.rotate_left(1) ^ table[usize::from(data[at])];
        if size > 64 {
            hash ^= table[usize::from(data[at - 64])];
            if size >= max || (size >= min && hash & mask >= mask - 2) {
                ends.push(at + 1);
                start = at + 1;
                hash = 0;
            }
        }
    }
    if start < data.len() {
        ends.push(data.len());
    }
    ends
}

/// Recovers the table from the specification's text, if it is there: the second implementation shares nothing with the first.
fn table_of_the_specification(fixtures: &Path) -> Option<[u32; 256]> {
    let text = std::fs::read_to_string(fixtures.join("../spec/formats.md")).ok()?;
    let section = text.split("### 5.4").nth(1)?.split("### 5.5").next()?;
    let numbers: Vec<u32> = section
        .lines()
        .filter(|line| line.get(2..4) == Some(": "))
        .flat_map(|line| line[4..].split_whitespace())
        .map(|word| u32::from_str_radix(word, 16).unwrap())
        .collect();
    numbers.try_into().ok()
}

#[test]
fn the_plain_reading_of_the_rules_agrees() {
    let Some(table) = dir().and_then(|fixtures| table_of_the_specification(&fixtures)) else {
        eprintln!("SKIPPED: no table to compare with");
        return;
    };
    let data = generated("slowly", 1 << 20);
    for avg in [1 << 10, 1 << 12, 1 << 16] {
        assert_eq!(
            ends(avg, &data, data.len()),
            ends_slowly(avg, &data, &table),
            "{avg}"
        );
    }
}

#[test]
fn chunk_lists_of_the_original() {
    let Some(fixtures) = dir() else { return };
    let data = generated("chunker-1", 40 << 20);
    let sum = "cb12a30de1afca363343b533016eaea2a12c2abae03d3e435394ee3036ade8fe";
    assert_eq!(Digest::of(&data).to_string(), sum, "the input itself");
    let list = std::fs::read_to_string(fixtures.join("chunker/raw-chunks.txt")).unwrap();
    let mut compared = 0;
    for section in list.split("# avg ").skip(1) {
        let (avg, lines) = section.split_once('\n').unwrap();
        let avg = avg.trim().parse().unwrap();
        let listed: Vec<usize> = lines
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.split(' ').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(ends(avg, &data, data.len()), listed, "{avg}");
        assert_eq!(ends(avg, &data, 100_001), listed, "{avg}");
        compared += 1;
    }
    assert_eq!(compared, 3);
    let image =
        FixedIndex::parse(std::fs::read(fixtures.join("chunker/raw.img.fidx")).unwrap()).unwrap();
    let digests: Vec<Digest> = data.chunks(FIXED_CHUNK as usize).map(Digest::of).collect();
    assert!(image.iter().map(|(_, digest)| digest).eq(digests));
}

#[test]
fn archives_and_catalogs_are_cut_where_the_original_cut_them() {
    let Some(fixtures) = dir() else { return };
    let store = fixtures.join("datastore");
    let cases = [
        (
            "host/plain/2023-11-14T22:13:20Z/root.pxar.didx",
            Chunker::AVG_DEFAULT,
        ),
        (
            "host/plain/2023-11-14T22:13:20Z/catalog.pcat1.didx",
            Chunker::AVG_CATALOG,
        ),
        ("host/small/2023-11-14T22:21:40Z/root.pxar.didx", 64 << 10),
    ];
    for (path, avg) in cases {
        let index = DynamicIndex::parse(std::fs::read(store.join(path)).unwrap()).unwrap();
        let listed: Vec<usize> = index.iter().map(|(range, _)| range.end as usize).collect();
        let data = content(&store, &Index::Dynamic(index));
        assert_eq!(ends(avg, &data, 50_000), listed, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn borders_do_not_depend_on_slices(
        seed in "[a-z]{3}",
        len in 0usize..60_000,
        cuts in prop::collection::vec(1usize..3000, 1..20),
        avg in prop::sample::select(vec![1usize << 10, 1 << 11, 1 << 13]),
        few_values: bool,
    ) {
        let mut data = generated(&seed, len);
        if few_values {
            data.iter_mut().for_each(|byte| *byte &= 1);
        }
        let whole = ends(avg, &data, data.len().max(1));
        let mut chunker = Chunker::new(avg).unwrap();
        let (mut sliced, mut offset) = (Vec::new(), 0);
        let mut cut = cuts.iter().cycle();
        let mut piece: &[u8] = &[];
        while offset < data.len() {
            if piece.is_empty() {
                let len = (*cut.next().unwrap()).min(data.len() - offset);
                piece = &data[offset..offset + len];
            }
            match chunker.scan(piece) {
                Some(len) => {
                    offset += len;
                    piece = &piece[len..];
                    sliced.push(offset);
                }
                None => {
                    offset += piece.len();
                    piece = &[];
                }
            }
        }
        if sliced.last().copied().unwrap_or(0) < data.len() {
            sliced.push(data.len());
        }
        prop_assert_eq!(&sliced, &whole);
        prop_assert_eq!(&ends(avg, &data, 1), &whole);
        let mut start = 0;
        for end in &whole {
            prop_assert!(end - start <= avg * 4);
            prop_assert!(end - start >= avg / 4 || *end == data.len());
            start = *end;
        }
    }
}

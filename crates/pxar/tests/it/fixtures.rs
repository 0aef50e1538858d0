//! The original's own archives: read, checked by table, and written again to the same bytes.

use std::fmt::Write;
use std::io::BufReader;

use pxar::{Decoder, read_at::RangeReader};

use crate::support::{check_random_access, decode, decode_with, encode_again, fixtures};

const ARCHIVES: [&str; 5] = [
    "tree",
    "pxar/empty-dir",
    "pxar/exclude-root",
    "pxar/exclude-cli",
    "pxar/no-metadata",
];

#[test]
fn decoding_and_encoding_again_gives_the_same_bytes() {
    let Some(dir) = fixtures() else { return };
    for name in ARCHIVES {
        let archive = std::fs::read(dir.join(format!("{name}.pxar"))).expect(name);
        assert!(encode_again(&archive) == archive, "{name} differs");
        check_random_access(&archive);
    }
}

/// Quotes as `pxar list` does.
fn quoted(path: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' => text.push(c),
                _ => text.extend(c.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02X}").expect("memory");
        }
    }
    text.push('"');
    text
}

#[test]
fn members_are_those_that_the_original_lists() {
    let Some(dir) = fixtures() else { return };
    for name in ARCHIVES
        .into_iter()
        .filter(|name| *name != "pxar/empty-dir")
    {
        let archive = std::fs::read(dir.join(format!("{name}.pxar"))).expect(name);
        let list = if name == "tree" {
            "tree.pxar.list.txt".to_owned()
        } else {
            format!("{name}.list.txt")
        };
        let list = std::fs::read_to_string(dir.join(list)).expect(name);
        let seen = decode(&archive).expect(name);
        let paths: Vec<String> = seen.iter().map(|m| quoted(&m.path)).collect();
        assert_eq!(paths, list.lines().collect::<Vec<_>>(), "{name}");
    }
}

/// Borders of the input's buffer must not matter, nor how data is skipped.
#[test]
fn slices_of_the_input_do_not_matter() {
    let Some(dir) = fixtures() else { return };
    let archive = std::fs::read(dir.join("pxar/exclude-root.pxar")).expect("fixture");
    let whole = decode(&archive).expect("valid");
    for len in [1, 7, 15, 16, 17, 4096] {
        assert_eq!(
            decode_with(Decoder::new(BufReader::with_capacity(
                len,
                archive.as_slice()
            )))
            .expect("valid"),
            whole
        );
        let input = RangeReader::new(archive.as_slice(), 0..archive.len() as u64, len);
        assert_eq!(decode_with(Decoder::seekable(input)).expect("valid"), whole);
        let input = RangeReader::new(archive.as_slice(), 0..archive.len() as u64, len);
        let mut skipping = Decoder::seekable(input);
        let mut count = 0;
        while let Some(step) = skipping.advance().expect("valid") {
            count += usize::from(step == pxar::Step::Entry);
        }
        assert_eq!(count, whole.len());
    }
}

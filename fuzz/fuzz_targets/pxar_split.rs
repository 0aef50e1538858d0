//! Both halves of a split archive: no panic, no endless walk, and data only where the references and the payload agree.
//!
//! Input: length of the metadata half (two bytes, little-endian), the metadata half, the payload half.
#![no_main]

use std::io::{BufRead, Cursor, Read};

use libfuzzer_sys::fuzz_target;
use pxar::{Accessor, Decoder, EntryKind, ReadAt, Step};

/// Members opened by table per input; a small input can name the same bytes many times.
const MEMBERS_MAX: usize = 10_000;

/// Path and data of each member, until the first error.
fn read<R: BufRead>(mut decoder: Decoder<R>) -> (Vec<(Vec<u8>, Vec<u8>)>, bool) {
    let mut seen = Vec::new();
    loop {
        match decoder.advance() {
            Ok(Some(Step::Entry)) => {
                let path = decoder.path().to_vec();
                let reference = decoder.payload_ref();
                let mut data = Vec::new();
                if decoder.contents().read_to_end(&mut data).is_err() {
                    return (seen, false);
                }
                if let Some(reference) = reference {
                    assert_eq!(reference.size, data.len() as u64);
                }
                seen.push((path, data));
            }
            Ok(Some(Step::Leave)) => {}
            Ok(None) => return (seen, true),
            Err(_) => return (seen, false),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((len, rest)) = data.split_first_chunk::<2>() else { return };
    let len = usize::from(u16::from_le_bytes(*len)).min(rest.len());
    let (metadata, payload) = rest.split_at(len);

    let by_reading = read(Decoder::split_archive(metadata, payload));
    let by_seeking = read(Decoder::split_archive_seekable(Cursor::new(metadata), Cursor::new(payload)));
    assert_eq!(by_reading, by_seeking);

    let _ = Accessor::open(metadata);
    let Ok(accessor) = Accessor::open_split(metadata, payload) else { return };
    let mut open = vec![accessor.root().clone()];
    let mut count = 0;
    while let Some(node) = open.pop() {
        let Ok(directory) = accessor.open_directory(&node) else { continue };
        for member in accessor.read_dir(&directory).flatten() {
            count += 1;
            if count > MEMBERS_MAX {
                return;
            }
            let _ = accessor.follow_hardlink(&member);
            if let EntryKind::File { size } = member.entry.kind
                && let Ok(contents) = accessor.contents(&member)
            {
                assert!(contents.size() == size && size <= payload.len() as u64);
                let mut bytes = vec![0; size as usize];
                contents.read_exact_at(&mut bytes, 0).expect("it was checked to be inside");
            }
            if member.entry.is_dir() {
                open.push(member);
            }
        }
    }
});

//! Archives from front to back and by their tables: no panic, no endless walk, nothing outside of its directory.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use pxar::{Accessor, Decoder, MatchKind, Pattern, Step};

/// Members opened by table per input; a small input can name the same bytes many times.
const MEMBERS_MAX: usize = 10_000;

fuzz_target!(|data: &[u8]| {
    let mut decoder = Decoder::new(data);
    let mut buffer = Vec::new();
    loop {
        match decoder.advance() {
            Ok(Some(Step::Entry)) => {
                assert!(decoder.path().starts_with(b"/"));
                buffer.clear();
                if decoder.contents().read_to_end(&mut buffer).is_err() {
                    break;
                }
            }
            Ok(Some(Step::Leave)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    let Ok(accessor) = Accessor::open(data) else {
        return;
    };
    let mut open = vec![accessor.root().clone()];
    let mut count = 0;
    while let Some(node) = open.pop() {
        let Ok(directory) = accessor.open_directory(&node) else { continue };
        for member in accessor.read_dir(&directory).flatten() {
            count += 1;
            if count > MEMBERS_MAX {
                return;
            }
            let _ = accessor.find(&directory, &member.entry.name);
            let _ = accessor.follow_hardlink(&member);
            if member.entry.is_dir() {
                assert!(member.end < node.end && member.entry_offset > node.entry_offset);
                open.push(member);
            }
        }
    }
    if let Ok(pattern) = Pattern::parse(data, MatchKind::Include) {
        pattern.matches(b"/some/path/to.match", false);
    }
});

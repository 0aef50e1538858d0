//! Lines of pattern files against a path: no panic, no endless match, and a pattern means the same after it was written down.
//!
//! Input: lines of a `.pxarexclude`, a NUL, a path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pxar::{MatchKind, Pattern, PatternList, pattern::sanitize};

fuzz_target!(|data: &[u8]| {
    let (lines, path) = match data.iter().position(|b| *b == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &b"a/b.o"[..]),
    };
    let path = [b"/", path].concat();
    let mut list = PatternList::new();
    for line in lines.split(|b| *b == b'\n') {
        let clean = sanitize(line);
        assert_eq!(sanitize(&clean), clean, "putting in order twice changes nothing");
        for text in [line, &clean] {
            let Ok(pattern) = Pattern::parse(text, MatchKind::Exclude) else { continue };
            let kept = pattern.to_line();
            let again = Pattern::parse(&kept, MatchKind::Exclude).expect("what was written down is a pattern");
            assert_eq!((again.kind(), again.to_line()), (pattern.kind(), kept));
            for is_dir in [false, true] {
                let fits = pattern.matches(&path, is_dir);
                assert_eq!(again.matches(&path, is_dir), fits);
                assert!(fits || !pattern.clone().anchored().matches(&path, is_dir), "anchored fits less");
            }
            list.push(pattern);
        }
    }
    let decided = list.matches(&path, true);
    assert_eq!(decided.is_some(), list.iter().any(|p| p.matches(&path, true)));
});

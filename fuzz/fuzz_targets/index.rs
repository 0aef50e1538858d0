//! Any bytes as an index of either kind: what is parsed can be read throughout, and its ranges follow each other.
#![no_main]

use format::{DynamicIndex, FixedIndex, Index};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let fixed = FixedIndex::parse(data.to_vec()).map(Index::Fixed);
    let dynamic = DynamicIndex::parse(data.to_vec()).map(Index::Dynamic);
    for index in [fixed, dynamic].into_iter().flatten() {
        let mut start = 0;
        for (range, _) in index.iter() {
            assert!(range.start == start && range.start <= range.end);
            start = range.end;
        }
        assert_eq!(start, index.size());
        assert_eq!(index.lookup(index.size()), None);
        index.csum();
    }
});

//! Any bytes as a catalog: a walk ends, and every name is one component of a path.
#![no_main]

use std::io::Cursor;

use format::catalog::Catalog;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(mut catalog) = Catalog::open(Cursor::new(data)) else {
        return;
    };
    let root = catalog.root();
    let Ok(mut walk) = catalog.walk(root, 10_000) else {
        return;
    };
    while let Ok(Some((path, entry))) = walk.next() {
        assert!(path.ends_with(&entry.name) && !entry.name.contains(&b'/'));
    }
});

//! The rows that this server does not have yet: one file per part of the tree, one row per line, `#` before a remark.

use std::collections::BTreeMap;
use std::path::Path;

/// Each pending row with the file that names it.
pub fn read() -> BTreeMap<String, String> {
    let folder = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/conformance/pending"
    ));
    let mut rows = BTreeMap::new();
    // Once nothing is pending, there is no folder.
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("entry").path();
        let file = path
            .file_name()
            .expect("file")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).expect("pending");
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let twice = rows.insert(line.to_owned(), file.clone());
            assert!(twice.is_none(), "{line} is pending twice");
        }
    }
    rows
}

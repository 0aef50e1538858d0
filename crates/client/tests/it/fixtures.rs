//! Finding the original's files.

use std::path::PathBuf;

/// A file of the fixtures, or a visible skip.
pub fn path(name: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var_os("STRONGROOM_FIXTURES").map_or_else(|| default.into(), PathBuf::from);
    if dir.join("README.md").is_file() {
        return Some(dir.join(name));
    }
    eprintln!("SKIPPED: no fixtures at {}", dir.display());
    None
}

/// The bytes of a file of the fixtures.
pub fn read(name: &str) -> Option<Vec<u8>> {
    path(name).map(|path| std::fs::read(path).unwrap())
}

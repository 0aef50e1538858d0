//! Where the original's files lie, and a visible skip where they do not.

use std::path::PathBuf;

/// A file of `server-state`, or `None` after saying so.
pub fn state(name: &str) -> Option<String> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    if !dir.is_dir() {
        eprintln!("skipped: no fixtures at {}", dir.display());
        return None;
    }
    Some(std::fs::read_to_string(dir.join("server-state").join(name)).expect("fixture is readable"))
}

/// A configuration directory that goes away with the test.
pub fn config_dir() -> (tempfile::TempDir, config::ConfigDir) {
    let temp = tempfile::tempdir().expect("temporary directory");
    let dir = config::ConfigDir::create(&temp.path().join("etc")).expect("configuration directory");
    (temp, dir)
}

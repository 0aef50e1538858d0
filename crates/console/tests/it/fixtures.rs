//! The original's captured output, read in place.

use std::path::PathBuf;

/// The text of a capture (`$ command`, its output, `rc N`) without its first and last line;
/// `None`, with a word about it, where the fixtures are absent.
pub fn output(name: &str) -> Option<String> {
    let text = read(&format!("cli/{name}"))?;
    let (_, rest) = text
        .split_once('\n')
        .expect("a capture begins with its command line");
    let (output, _) = rest
        .rsplit_once("rc ")
        .expect("a capture ends with its exit status");
    Some(output.to_string())
}

pub fn read(name: &str) -> Option<String> {
    let root = std::env::var_os("STRONGROOM_FIXTURES").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../../shared/fixtures"
            ))
        },
        PathBuf::from,
    );
    if !root.is_dir() {
        eprintln!("skipped: no fixtures at {}", root.display());
        return None;
    }
    Some(std::fs::read_to_string(root.join(name)).expect("fixture is readable"))
}

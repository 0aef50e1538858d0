//! Where the original's captures lie, and a visible skip where they do not.

use std::path::PathBuf;

/// The directory of the fixtures, or `None` after saying so.
pub fn dir() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: no fixtures at {}", dir.display());
    None
}

/// Body of a captured response, chunked coding removed.
pub fn body(name: &str) -> Option<String> {
    let raw = std::fs::read_to_string(dir()?.join(format!("http/{name}.response.txt")))
        .expect("capture is readable");
    let (head, body) = raw
        .split_once("\r\n\r\n")
        .or_else(|| raw.split_once("\n\n"))
        .expect("capture has a body");
    if !head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return Some(body.trim_end_matches(['\r', '\n']).to_owned());
    }
    let mut rest = body;
    let mut out = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).expect("chunk size");
        if size == 0 {
            break;
        }
        out.push_str(&tail[..size]);
        rest = tail[size..].trim_start_matches("\r\n");
    }
    Some(out)
}

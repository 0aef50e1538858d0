//! Finding and reading the original's files.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use format::{ArchiveKind, ArchiveName, Decompressor, Digest, Index};

/// The folder of fixtures, or a visible skip.
pub fn dir() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var_os("STRONGROOM_FIXTURES").map_or_else(|| default.into(), PathBuf::from);
    if dir.join("README.md").is_file() {
        return Some(dir);
    }
    eprintln!("SKIPPED: no fixtures at {}", dir.display());
    None
}

/// Every regular file below `dir`, in order.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Both datastores of the fixtures.
pub fn stores(fixtures: &Path) -> [PathBuf; 2] {
    [fixtures.join("datastore"), fixtures.join("split/datastore")]
}

/// Every file of a snapshot of one kind, with its name.
pub fn archives(fixtures: &Path, kind: ArchiveKind) -> Vec<(PathBuf, ArchiveName)> {
    let mut found = Vec::new();
    for path in stores(fixtures)
        .iter()
        .chain([&fixtures.join("chunker")])
        .flat_map(|dir| files(dir))
    {
        let Ok(name) = ArchiveName::from_str(path.file_name().unwrap().to_str().unwrap()) else {
            continue;
        };
        if name.kind() == kind {
            found.push((path, name));
        }
    }
    assert!(!found.is_empty(), "no {kind:?} archives in the fixtures");
    found
}

/// Every chunk file, with the digest that names it.
pub fn chunks(fixtures: &Path) -> Vec<(PathBuf, Digest)> {
    let mut found = Vec::new();
    for path in stores(fixtures)
        .iter()
        .flat_map(|store| files(&store.join(".chunks")))
    {
        let digest = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        found.push((path, digest));
    }
    assert!(found.len() > 40, "too few chunks in the fixtures");
    found
}

/// The content that a plain index stands for.
pub fn content(store: &Path, index: &Index) -> Vec<u8> {
    let mut decompressor = Decompressor::new();
    let mut content = Vec::new();
    let mut chunk = Vec::new();
    for (range, digest) in index.iter() {
        let name = digest.to_string();
        let encoded = std::fs::read(store.join(".chunks").join(&name[..4]).join(&name)).unwrap();
        let blob = format::Blob::parse(&encoded).unwrap();
        decompressor
            .decode(&blob, format::CHUNK_RAW_MAX, &mut chunk)
            .unwrap();
        assert_eq!(chunk.len() as u64, range.end - range.start);
        content.extend_from_slice(&chunk);
    }
    content
}

pub fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// G(n) of formats.md V7: SHA-256 of the numbers 0 .. n-1, one behind the other. `seed` stands in front of each number (`gen.py`).
pub fn generated(seed: &str, len: usize) -> Vec<u8> {
    let mut data = Vec::with_capacity(len + 32);
    for number in 0u64.. {
        if data.len() >= len {
            break;
        }
        let mut writer = format::DigestWriter::new();
        writer.update(seed.as_bytes());
        writer.update(&number.to_le_bytes());
        data.extend_from_slice(writer.finish().as_bytes());
    }
    data.truncate(len);
    data
}

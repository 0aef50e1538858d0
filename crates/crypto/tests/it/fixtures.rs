//! Finding the original's files, and what several tests need of them.

use std::path::PathBuf;
use std::sync::Arc;

use crypto::{Key, Random, RandomError};

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

/// K of formats.md 12.
pub fn k() -> Key {
    Key::from_bytes(std::array::from_fn(|i| i as u8))
}

/// The key of the fixtures' snapshots, out of a key file without passphrase.
pub fn load_key(path: PathBuf) -> Arc<Key> {
    let json = std::fs::read(path).unwrap();
    let (key, _) = crypto::keyfile::load(&json, || panic!("there is no passphrase")).unwrap();
    Arc::new(key)
}

/// "Random" bytes that are given in advance; too few are an error.
pub struct Given(pub Vec<u8>);

impl Random for Given {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        if self.0.len() < bytes.len() {
            return Err(RandomError);
        }
        let rest = self.0.split_off(bytes.len());
        bytes.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

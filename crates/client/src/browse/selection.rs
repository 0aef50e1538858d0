//! What was selected: literal paths and patterns, in the order in which they were added; the last one that fits decides.

use pxar::{MatchKind, Pattern, PatternList};

use super::{BrowseError, lossy};

#[derive(Debug, Default)]
pub(super) struct Selection(Vec<Chosen>);

#[derive(Debug)]
struct Chosen {
    /// As it is shown and taken back.
    text: Vec<u8>,
    pattern: Pattern,
}

impl Selection {
    /// Adds the entry at an absolute path, whatever characters it has; false if it is there already.
    pub fn add_path(&mut self, path: &[u8]) -> Result<bool, BrowseError> {
        let pattern = literal(path)?;
        Ok(self.add(path, pattern))
    }

    /// Adds a pattern unless it is there already.
    pub fn add_pattern(&mut self, text: &[u8], pattern: Pattern) {
        self.add(text, pattern);
    }

    fn add(&mut self, text: &[u8], pattern: Pattern) -> bool {
        if self.0.iter().any(|chosen| chosen.text == text) {
            return false;
        }
        self.0.push(Chosen {
            text: text.to_vec(),
            pattern,
        });
        true
    }

    /// Whether it was there.
    pub fn remove(&mut self, text: &[u8]) -> bool {
        let before = self.0.len();
        self.0.retain(|chosen| chosen.text != text);
        self.0.len() < before
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|chosen| chosen.text.as_slice())
    }

    pub fn patterns(&self) -> PatternList {
        self.0.iter().map(|chosen| chosen.pattern.clone()).collect()
    }
}

/// A pattern that fits only this path. The root stands for all that is in it.
fn literal(path: &[u8]) -> Result<Pattern, BrowseError> {
    if path == b"/" {
        return super::parse(b"/**").map(Pattern::anchored);
    }
    let mut text = Vec::with_capacity(path.len() + 8);
    for byte in path {
        if matches!(byte, b'\\' | b'*' | b'?' | b'[') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    let parsed = Pattern::parse(&text, MatchKind::Include);
    parsed
        .map(Pattern::anchored)
        .map_err(|source| BrowseError::Pattern {
            text: lossy(path),
            source,
        })
}

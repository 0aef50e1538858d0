//! Patterns that choose members: for leaving out on creation, for selecting on extraction and in catalogs.
//!
//! The language is that of `docs/formats/pxar.md`, "Patterns": a glob over bytes, matched against a path that starts with `/`.
//! A pattern becomes a small automaton that reads the path once, so even a hostile pattern costs at most its own length per byte.

mod glob;
mod sanitize;

pub use sanitize::sanitize;

use glob::{Glob, is_literal, starts_a_match};

/// Longest pattern that is accepted, in bytes.
pub const PATTERN_LEN_MAX: usize = 1 << 16;

/// What a match means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKind {
    Include,
    Exclude,
}

impl MatchKind {
    fn inverse(self) -> MatchKind {
        match self {
            MatchKind::Include => MatchKind::Exclude,
            MatchKind::Exclude => MatchKind::Include,
        }
    }
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("a pattern cannot contain a NUL byte")]
    Nul,
    #[error("a pattern cannot end with a single backslash; write `\\\\` for the character itself")]
    TrailingBackslash,
    #[error("a character class is not closed; write `\\[` for the character itself")]
    OpenClass,
    #[error("a named character class is not known or not closed")]
    NamedClass,
    #[error("the pattern is longer than {PATTERN_LEN_MAX} bytes")]
    TooLong,
}

/// One pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Without leading `!` and trailing slashes.
    text: Box<[u8]>,
    /// `None` if the text stands for itself.
    glob: Option<Box<Glob>>,
    kind: MatchKind,
    directories_only: bool,
    anchored: bool,
}

impl Pattern {
    /// Reads a pattern: a leading `!` inverts `kind`, trailing slashes restrict it to directories.
    ///
    /// ```
    /// use pxar::{MatchKind, Pattern};
    /// let pattern = Pattern::parse(b"*.o", MatchKind::Exclude)?;
    /// assert!(pattern.matches(b"/src/main.o", false));
    /// # Ok::<(), pxar::PatternError>(())
    /// ```
    pub fn parse(text: &[u8], kind: MatchKind) -> Result<Pattern, PatternError> {
        let (text, kind) = match text.strip_prefix(b"!") {
            Some(rest) => (rest, kind.inverse()),
            None => (text, kind),
        };
        if text.len() > PATTERN_LEN_MAX {
            return Err(PatternError::TooLong);
        }
        let core_len = text
            .iter()
            .rposition(|b| *b != b'/')
            .map_or(0, |last| last + 1);
        let (text, directories_only) = match core_len {
            0 => (&b"/"[..], true),
            _ => (&text[..core_len], core_len < text.len()),
        };
        let glob = match is_literal(text) {
            true => None,
            false => Some(Box::new(Glob::parse(text)?)),
        };
        Ok(Pattern {
            text: text.into(),
            glob,
            kind,
            directories_only,
            anchored: false,
        })
    }

    /// From now on only the whole path may match, no trailing part of it.
    pub fn anchored(mut self) -> Pattern {
        self.anchored = true;
        self
    }

    pub fn kind(&self) -> MatchKind {
        self.kind
    }

    /// Whether the pattern fits; `path` starts with `/`. What the fit means tells [`Pattern::kind`].
    pub fn matches(&self, path: &[u8], is_dir: bool) -> bool {
        if self.directories_only && !is_dir {
            return false;
        }
        let anywhere = !self.anchored;
        match &self.glob {
            Some(glob) => glob.matches(path, anywhere),
            None => path
                .strip_suffix(&*self.text)
                .is_some_and(|before| starts_a_match(before, anywhere)),
        }
    }

    /// About how much memory the pattern takes in a list, rather too much than too little.
    pub fn held_bytes(&self) -> usize {
        // A vector that grows holds up to twice what is in it.
        let own = 2 * size_of::<Pattern>() + block(self.text.len());
        let glob = self.glob.as_ref().map_or(0, |glob| {
            block(size_of::<Glob>()) + glob.blocks().map(block).iter().sum::<usize>()
        });
        own + glob
    }

    /// Steps of the automaton, about as many as the pattern has bytes, and none if it has no wildcards. To compare it takes time that
    /// grows with the steps times the bytes of a path.
    pub fn steps(&self) -> usize {
        self.glob.as_ref().map_or(0, |glob| glob.steps())
    }

    /// The path that all matches begin with, see [`PatternList::roots`].
    fn root(&self) -> Option<Vec<u8>> {
        match &self.glob {
            Some(glob) => glob.root(),
            None => self.text.starts_with(b"/").then(|| self.text.to_vec()),
        }
    }

    /// The pattern as a line of `.pxarexclude-cli`, without the line's end.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.text.len() + 2);
        if self.kind == MatchKind::Include {
            line.push(b'!');
        }
        line.extend_from_slice(&self.text);
        if self.directories_only {
            line.push(b'/');
        }
        line
    }
}

/// What an allocator takes for so many bytes.
fn block(len: usize) -> usize {
    match len {
        0 => 0,
        _ => (len + 8).next_multiple_of(16).max(32),
    }
}

/// Patterns in their order; the last one that fits decides.
#[derive(Clone, Debug, Default)]
pub struct PatternList {
    patterns: Vec<Pattern>,
    held_bytes: usize,
    steps: usize,
}

impl PatternList {
    pub fn new() -> PatternList {
        PatternList::default()
    }

    pub fn push(&mut self, pattern: Pattern) {
        self.held_bytes += pattern.held_bytes();
        self.steps += pattern.steps();
        self.patterns.push(pattern);
    }

    /// Removes what was pushed after the list had `len` patterns.
    pub fn truncate(&mut self, len: usize) {
        for pattern in self.patterns.drain(len.min(self.patterns.len())..) {
            self.held_bytes -= pattern.held_bytes();
            self.steps -= pattern.steps();
        }
        if self.patterns.is_empty() {
            self.patterns = Vec::new();
        } else if self.patterns.capacity() / 4 > self.patterns.len() {
            self.patterns.shrink_to(2 * self.patterns.len());
        }
    }

    /// About how much memory all patterns take together, see [`Pattern::held_bytes`].
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Steps of all patterns together, see [`Pattern::steps`].
    pub fn steps(&self) -> usize {
        self.steps
    }

    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Pattern> {
        self.patterns.iter()
    }

    /// Paths such that all that the list includes is one of them or lies below one; `None` if it may lie anywhere.
    ///
    /// ```
    /// use pxar::{MatchKind, Pattern, PatternList};
    /// let include = |text: &str| Pattern::parse(text.as_bytes(), MatchKind::Include);
    /// let list: PatternList = [include("/etc/fstab")?, include("/var/log/*.log")?].into_iter().collect();
    /// assert_eq!(list.roots(), Some(vec![b"/etc/fstab".to_vec(), b"/var/log".to_vec()]));
    /// let list: PatternList = [include("*.log")?].into_iter().collect();
    /// assert_eq!(list.roots(), None);
    /// # Ok::<(), pxar::PatternError>(())
    /// ```
    pub fn roots(&self) -> Option<Vec<Vec<u8>>> {
        let includes = self.patterns.iter();
        let includes = includes.filter(|pattern| pattern.kind == MatchKind::Include);
        includes.map(Pattern::root).collect()
    }

    /// The kind of the last pattern that fits `path` (which starts with `/`); `None` if none does.
    pub fn matches(&self, path: &[u8], is_dir: bool) -> Option<MatchKind> {
        self.patterns
            .iter()
            .rev()
            .find(|pattern| pattern.matches(path, is_dir))
            .map(Pattern::kind)
    }
}

impl FromIterator<Pattern> for PatternList {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> PatternList {
        let mut list = PatternList::new();
        patterns.into_iter().for_each(|pattern| list.push(pattern));
        list
    }
}

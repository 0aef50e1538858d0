//! Finds entries by their names in one archive of a snapshot. The walk can stop anywhere and go on from there in another call.

mod gathered;

use std::borrow::Cow;

use pxar::{MatchKind, Mtime, Pattern, PatternError};

use super::names::{Item, Names};
use crate::fault::Fault;

pub use gathered::{Gathered, Spot, plain_name};

/// Folders inside each other.
const DEPTH_MAX: usize = 4096;
/// Entries of folders that are held at a time: some 64 MiB.
const HELD_MAX: usize = 1 << 19;

/// What is looked for: with `*`, `?` or `[` a pattern for the end of the path, else a part of the name, or, with a slash in it, of the path.
#[derive(Debug)]
pub struct Matcher {
    what: What,
    fold: bool,
}

#[derive(Debug)]
enum What {
    Glob(Pattern),
    InName(Vec<u8>),
    InPath(Vec<u8>),
}

impl Matcher {
    pub fn new(text: &str, case_sensitive: bool) -> Result<Matcher, PatternError> {
        let folded = match case_sensitive {
            true => text.to_owned(),
            false => text.to_lowercase(),
        };
        let what = if text.contains(['*', '?', '[']) {
            // Nothing here is to be excluded.
            let bang = folded.strip_prefix('!').map(|rest| format!(r"\!{rest}"));
            let glob = bang.unwrap_or(folded);
            What::Glob(Pattern::parse(glob.as_bytes(), MatchKind::Include)?)
        } else if text.contains('/') {
            What::InPath(folded.into_bytes())
        } else {
            What::InName(folded.into_bytes())
        };
        Ok(Matcher {
            what,
            fold: !case_sensitive,
        })
    }

    /// Whether an entry fits; `path` begins with a slash and ends in its name.
    pub fn fits(&self, path: &[u8], is_folder: bool) -> bool {
        let slash = path.iter().rposition(|byte| *byte == b'/');
        match &self.what {
            What::Glob(pattern) => pattern.matches(&self.folded(path), is_folder),
            What::InPath(part) => contains(&self.folded(path), part),
            What::InName(part) => {
                let name = &path[slash.map_or(0, |slash| slash + 1)..];
                contains(&self.folded(name), part)
            }
        }
    }

    fn folded<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        match std::str::from_utf8(text) {
            _ if !self.fold => Cow::Borrowed(text),
            Ok(text) if !text.is_ascii() => Cow::Owned(text.to_lowercase().into_bytes()),
            _ => Cow::Owned(text.to_ascii_lowercase()),
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// An entry that fits.
#[derive(Debug)]
pub struct Match {
    pub path: Vec<u8>,
    pub letter: char,
    pub size: Option<u64>,
    pub mtime: Option<Mtime>,
}

struct Level {
    path: Vec<u8>,
    items: std::vec::IntoIter<Item>,
    held: usize,
}

struct Walk<'a> {
    names: &'a mut Names,
    levels: Vec<Level>,
    held: usize,
}

/// Looks at all entries behind `after`, which another call gave (empty: all), and hands out what fits, until nobody wants more (`found` is
/// false) or `stop` says so, after one entry at least. Gives where it stopped; `None` at the end.
pub fn search(
    names: &mut Names,
    matcher: &Matcher,
    after: &[u8],
    mut found: impl FnMut(Match) -> bool,
    stop: impl Fn() -> bool,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut walk = Walk {
        names,
        levels: Vec::new(),
        held: 0,
    };
    walk.begin(after)?;
    let (mut last, mut enough) = (None, false);
    while let Some(level) = walk.levels.last_mut() {
        if last.is_some() && (enough || stop()) {
            return Ok(last);
        }
        let Some(item) = level.items.next() else {
            walk.held -= level.held;
            walk.levels.pop();
            continue;
        };
        let path = [&level.path, &b"/"[..], &item.name].concat();
        if matcher.fits(&path, item.is_folder()) {
            enough = !found(Match {
                path: path.clone(),
                letter: item.letter,
                size: item.size,
                mtime: item.mtime,
            });
        }
        if item.is_folder() {
            walk.enter(path.clone(), &item)?;
        }
        last = Some(path);
    }
    Ok(None)
}

impl Walk<'_> {
    /// Opens the folders on the way to `after`, as if all up to it had been looked at.
    fn begin(&mut self, after: &[u8]) -> Result<(), Fault> {
        let root = self.names.root();
        let items = self.names.list(&root, HELD_MAX)?;
        self.push(Vec::new(), items);
        let names = after.split(|byte| *byte == b'/');
        for name in names.filter(|name| !name.is_empty()) {
            let Some(level) = self.levels.last_mut() else {
                return Ok(());
            };
            let Some(item) = level.items.find(|item| item.name == name) else {
                return Ok(());
            };
            let path = [&level.path, &b"/"[..], name].concat();
            if !item.is_folder() {
                return Ok(());
            }
            self.enter(path, &item)?;
        }
        Ok(())
    }

    fn enter(&mut self, path: Vec<u8>, item: &Item) -> Result<(), Fault> {
        if self.levels.len() >= DEPTH_MAX {
            return Err(self.names.too_deep(&path));
        }
        if let Some(folder) = item.folder() {
            let items = self.names.list(&folder, HELD_MAX - self.held)?;
            self.push(path, items);
        }
        Ok(())
    }

    fn push(&mut self, path: Vec<u8>, items: Vec<Item>) {
        self.held += items.len();
        self.levels.push(Level {
            path,
            held: items.len(),
            items: items.into_iter(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_what() {
        for (pattern, case_sensitive, path, expected) in [
            ("host", false, "/etc/hosts", true),
            ("HOST", false, "/etc/hosts", true),
            ("HOST", true, "/etc/hosts", false),
            ("etc", false, "/etc/hosts", false),
            ("etc", false, "/etc", true),
            ("tc/ho", false, "/etc/hosts", true),
            ("*.log", false, "/var/log/a.LOG", true),
            ("*.log", true, "/var/log/a.LOG", false),
            ("*.log", false, "/var/a.log/b", false),
            ("log/*", false, "/var/log/b", true),
            ("/var/**/b", false, "/var/x/y/b", true),
            ("h?st", false, "/etc/host", true),
            ("[ab]", false, "/x/b", true),
            ("!*x", false, "/a/!yx", true),
            ("!*x", false, "/a/yx", false),
            ("ÄRGER", false, "/größe/ärger.txt", true),
            ("a", false, "/\u{fffd}", false),
        ] {
            let matcher = Matcher::new(pattern, case_sensitive).expect(pattern);
            let found = matcher.fits(path.as_bytes(), false);
            assert_eq!(found, expected, "{pattern} {path}");
        }
        let folders = Matcher::new("lo*/", false).expect("pattern");
        assert!(folders.fits(b"/var/log", true) && !folders.fits(b"/var/log", false));
        assert!(Matcher::new("[a", false).is_err());
        let bytes = Matcher::new("x", false).expect("pattern");
        assert!(bytes.fits(b"/\xffX", false), "names are bytes");
    }
}

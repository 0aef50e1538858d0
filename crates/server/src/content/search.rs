//! Finds entries by their names in one archive of a snapshot. The walk can stop anywhere and go on from there in another call.

mod gathered;

use std::borrow::Cow;

use pxar::{MatchKind, Mtime, Pattern, PatternError};

use super::names::{Folder, HELD_MAX, Item, Names};
use crate::fault::Fault;

pub use gathered::{Gathered, Spot, plain_name};

/// Bytes of a path, as in Linux. What has a longer one is left out, so that whatever was looked at can be told as the place to go on from.
pub const PATH_MAX: usize = 4096;

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

/// Where a walk stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stop {
    /// The path that was looked at last.
    pub path: Vec<u8>,
    /// Entries that were listed up to here, see [`Names::listed`].
    pub listed: u64,
}

/// How a walk ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` at the end.
    pub stop: Option<Stop>,
    /// Something has a path that is too long to be looked at.
    pub left_out: bool,
}

struct Level {
    /// Bytes of its path.
    path_len: usize,
    items: std::vec::IntoIter<Item>,
    held: usize,
}

struct Walk<'a> {
    names: &'a mut Names,
    levels: Vec<Level>,
    /// The path of the entry that was looked at last; the paths of its folders are the beginnings of it.
    path: Vec<u8>,
    held: usize,
}

/// Looks at all entries behind `after`, where another call stopped (empty: all), and hands out what fits, until nobody wants more (`found` is
/// false) or `stop` says so, after one entry at least.
pub fn search(
    names: &mut Names,
    matcher: &Matcher,
    after: &Stop,
    mut found: impl FnMut(Match) -> bool,
    stop: impl Fn() -> bool,
) -> Result<Ended, Fault> {
    let mut walk = Walk {
        names,
        levels: Vec::new(),
        path: Vec::new(),
        held: 0,
    };
    walk.begin(after)?;
    let (mut is_past, mut enough, mut left_out) = (false, false, false);
    while let Some(level) = walk.levels.last_mut() {
        if is_past && (enough || stop()) {
            let stop = Some(Stop {
                listed: walk.names.listed(),
                path: walk.path,
            });
            return Ok(Ended { stop, left_out });
        }
        let Some(item) = level.items.next() else {
            walk.held -= level.held;
            walk.levels.pop();
            continue;
        };
        if level.path_len + 1 + item.name.len() > PATH_MAX {
            left_out = true;
            continue;
        }
        walk.go_to(&item.name);
        is_past = true;
        if matcher.fits(&walk.path, item.is_folder()) {
            enough = !found(Match {
                path: walk.path.clone(),
                letter: item.letter,
                size: item.size,
                mtime: item.mtime,
            });
        }
        walk.enter(&item)?;
    }
    Ok(Ended {
        stop: None,
        left_out,
    })
}

impl Walk<'_> {
    /// Opens the folders on the way to `after`, as if all up to it had been looked at.
    fn begin(&mut self, after: &Stop) -> Result<(), Fault> {
        self.open(&self.names.root())?;
        let names = after.path.split(|byte| *byte == b'/');
        for name in names.filter(|name| !name.is_empty()) {
            let level = self.levels.last_mut();
            let Some(item) = level.and_then(|level| level.items.find(|item| item.name == name))
            else {
                break;
            };
            self.go_to(name);
            if !item.is_folder() {
                break;
            }
            self.enter(&item)?;
        }
        if !after.path.is_empty() {
            self.names.set_listed(after.listed);
        }
        Ok(())
    }

    /// The path becomes that of an entry of the folder that was opened last.
    fn go_to(&mut self, name: &[u8]) {
        let above = self.levels.last().map_or(0, |level| level.path_len);
        self.path.truncate(above);
        self.path.push(b'/');
        self.path.extend_from_slice(name);
    }

    /// Opens what the path leads to, if it is a folder.
    fn enter(&mut self, item: &Item) -> Result<(), Fault> {
        match item.folder() {
            Some(folder) => self.open(&folder),
            None => Ok(()),
        }
    }

    fn open(&mut self, folder: &Folder) -> Result<(), Fault> {
        let items = self
            .names
            .list(folder, HELD_MAX.saturating_sub(self.held))?;
        let held = items.iter().map(Item::weight).sum();
        self.held += held;
        self.levels.push(Level {
            path_len: self.path.len(),
            items: items.into_iter(),
            held,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::content::names::hostile;

    /// Searches in steps of some entries, as often as it goes on; gives paths and whether something was left out.
    fn all(catalog: &[u8], step: usize) -> Result<(Vec<Vec<u8>>, bool), Fault> {
        let matcher = Matcher::new("*", false).expect("pattern");
        let (mut paths, mut after, mut any_left_out) = (Vec::new(), Stop::default(), false);
        for _ in 0..10_000 {
            let seen = Cell::new(0);
            let found = |found: Match| {
                paths.push(found.path);
                seen.set(seen.get() + 1);
                seen.get() < step
            };
            let mut names = Names::of_catalog(catalog.to_vec());
            let ended = search(&mut names, &matcher, &after, found, || false)?;
            any_left_out |= ended.left_out;
            match ended.stop {
                Some(stop) => {
                    assert_ne!(stop, after, "it goes on");
                    assert!(stop.path.len() <= PATH_MAX);
                    after = stop;
                }
                None => return Ok((paths, any_left_out)),
            }
        }
        panic!("it never ends");
    }

    #[test]
    fn folders_that_are_in_each_other_in_many_ways_end_a_search() {
        let catalog = hostile::shared(60);
        for step in [1, 7, 100_000] {
            let found = all(&catalog, step);
            assert!(matches!(found, Err(Fault::SharedFolders(_))), "{step}");
        }
        // What is a tree goes through in any steps.
        let tree = hostile::chain(50, b"folder", 10);
        let (at_once, _) = all(&tree, 100_000).expect("a tree");
        assert_eq!(at_once.len(), 50 + 10);
        assert_eq!(all(&tree, 1).expect("a tree").0, at_once);
    }

    #[test]
    fn long_paths_are_gone_through_or_left_out() {
        // Many entries below a path as long as can be looked at, and a page of one.
        let (found, left_out) = all(&hostile::chain(40, &[b'n'; 99], 30), 1).expect("a tree");
        assert_eq!((found.len(), left_out), (40 + 30, false));
        assert!(found.iter().any(|path| path.len() > 4000));
        let (found, left_out) = all(&hostile::chain(300, &[b'n'; 99], 30), 1).expect("a tree");
        assert_eq!((found.len(), left_out), (40, true));
    }

    #[test]
    fn what_a_walk_holds_is_bounded_by_bytes() {
        // 40,000 names are few, but of 4 KiB each.
        let found = all(&hostile::wide(40_000, 4090), 100_000);
        assert!(matches!(found, Err(Fault::FolderTooLarge)));
        let (found, _) = all(&hostile::wide(40_000, 40), 100_000).expect("a tree");
        assert_eq!(found.len(), 40_000);
    }

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

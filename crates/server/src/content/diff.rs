//! What differs between the names of two archives: both are walked side by side, folder by folder. A page of it is kept, all of it is counted;
//! whoever asked, or a clock, can end it before its end.

use std::cmp::Ordering;

use pxar::Mtime;

use super::names::{Folder, HELD_MAX, Item, Names, differences, look_same};
use crate::fault::Fault;

/// Folders inside each other.
const DEPTH_MAX: usize = 4096;
/// Bytes of a folder's path.
const PATH_MAX: usize = 64 << 10;
/// Bytes of paths of one page.
const PAGE_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    Removed,
    Changed,
}

/// What is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Of all that differs: how much to leave out, and how much to keep behind it.
    pub start: usize,
    pub limit: usize,
    /// Nothing but this.
    pub only: Option<Change>,
    /// A folder that is there on one side alone stands for all that is in it.
    pub collapse: bool,
}

/// One difference.
#[derive(Debug)]
pub struct Line {
    pub path: Vec<u8>,
    pub change: Change,
    pub old: Option<Facts>,
    pub new: Option<Facts>,
    /// What differs, in words.
    pub words: Vec<&'static str>,
    /// The data of both are the same for certain.
    pub same_data: bool,
    /// What a folder stands for.
    pub below: Option<Below>,
}

/// An entry, as one side has it.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    pub letter: char,
    pub size: Option<u64>,
    pub mtime: Option<Mtime>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Below {
    pub entries: u64,
    pub bytes: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub lines: Vec<Line>,
    /// How many lines there are, kept or not.
    pub total: u64,
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
    /// Nothing was left out for want of time.
    pub complete: bool,
}

/// A folder on its way.
struct Level {
    /// Bytes of its path.
    path_len: usize,
    pairs: std::vec::IntoIter<(Option<Item>, Option<Item>)>,
    held: usize,
    /// The folder that stands for this one: a line that was kept, or was not.
    within: Option<Option<usize>>,
}

struct Diff<'a> {
    old: &'a mut Names,
    new: &'a mut Names,
    wanted: Wanted,
    levels: Vec<Level>,
    /// The path of the entry that was looked at last; the paths of its folders are the beginnings of it.
    path: Vec<u8>,
    held: usize,
    /// Bytes of the paths that are kept.
    kept: usize,
    found: Found,
}

/// Compares what lies in two folders at `path`; `None` where one side has none. `stop` is asked before each step.
pub fn diff(
    old: &mut Names,
    new: &mut Names,
    path: &[u8],
    wanted: Wanted,
    stop: impl Fn() -> bool,
) -> Result<Found, Fault> {
    let found = Found {
        complete: true,
        ..Found::default()
    };
    let (was, is) = (old.folder(path, HELD_MAX)?, new.folder(path, HELD_MAX)?);
    if was.is_none() && is.is_none() {
        return Err(Fault::NotInArchive(
            String::from_utf8_lossy(path).into_owned(),
        ));
    }
    if old.are_same(new) {
        return Ok(found);
    }
    let mut diff = Diff {
        old,
        new,
        wanted,
        levels: Vec::new(),
        path: Vec::new(),
        held: 0,
        kept: 0,
        found,
    };
    let clean: Vec<&[u8]> = path
        .split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .collect();
    let above = clean.iter().flat_map(|name| [b"/", *name].concat());
    diff.path = above.collect();
    diff.enter(was, is, None)?;
    while let Some(level) = diff.levels.last_mut() {
        if stop() {
            diff.found.complete = false;
            break;
        }
        match level.pairs.next() {
            Some((old, new)) => {
                let within = level.within;
                diff.pair(old, new, within)?;
            }
            None => {
                diff.held -= level.held;
                diff.levels.pop();
            }
        }
    }
    Ok(diff.found)
}

impl Diff<'_> {
    /// Goes into what the path leads to.
    fn enter(
        &mut self,
        old: Option<Folder>,
        new: Option<Folder>,
        within: Option<Option<usize>>,
    ) -> Result<(), Fault> {
        if self.levels.len() >= DEPTH_MAX || self.path.len() > PATH_MAX {
            return Err(self.new.too_deep(&self.path));
        }
        let room = HELD_MAX.saturating_sub(self.held);
        let list = |names: &mut Names, folder: Option<Folder>| match folder {
            Some(folder) => names.list(&folder, room),
            None => Ok(Vec::new()),
        };
        let (old, new) = (list(self.old, old)?, list(self.new, new)?);
        let weight = |items: &[Item]| items.iter().map(Item::weight).sum::<usize>();
        let held = weight(&old).max(weight(&new));
        let pairs = paired(old, new);
        self.held += held;
        self.levels.push(Level {
            path_len: self.path.len(),
            pairs: pairs.into_iter(),
            held,
            within,
        });
        Ok(())
    }

    fn pair(
        &mut self,
        old: Option<Item>,
        new: Option<Item>,
        within: Option<Option<usize>>,
    ) -> Result<(), Fault> {
        let above = self.levels.last().map_or(0, |level| level.path_len);
        let name = old.as_ref().or(new.as_ref()).map_or(&b""[..], |i| &i.name);
        self.path.truncate(above);
        self.path.push(b'/');
        self.path.extend_from_slice(name);
        let folder = |item: &Option<Item>| item.as_ref().and_then(Item::folder);
        let (was, is) = (folder(&old), folder(&new));
        let change = match (&old, &new) {
            (Some(_), None) => Some(Change::Removed),
            (None, Some(_)) => Some(Change::Added),
            (Some(old), Some(new)) if look_same(old, new) => None,
            _ => Some(Change::Changed),
        };
        let mut line = None;
        if let Some(change) = change {
            let kept = self.tell(change, &old, &new, within)?;
            // A folder that came or went stands for what is in it; so does the one that it lies in.
            line = within.or((change != Change::Changed && self.wanted.collapse).then_some(kept));
        }
        if was.is_none() && is.is_none() {
            return Ok(());
        }
        let is_same = match (&old, &new, &was, &is) {
            (Some(old), Some(new), Some(_), Some(_)) => {
                self.old.have_same_folder(old, self.new, new)
            }
            _ => false,
        };
        if is_same {
            return Ok(());
        }
        self.enter(was, is, line)
    }

    /// Counts a difference and keeps it, if it is wanted; gives its place among those that are kept.
    fn tell(
        &mut self,
        change: Change,
        old: &Option<Item>,
        new: &Option<Item>,
        within: Option<Option<usize>>,
    ) -> Result<Option<usize>, Fault> {
        let found = &mut self.found;
        *match change {
            Change::Added => &mut found.added,
            Change::Removed => &mut found.removed,
            Change::Changed => &mut found.changed,
        } += 1;
        if let Some(line) = within {
            let below = line.and_then(|line| found.lines.get_mut(line)?.below.as_mut());
            if let Some(below) = below {
                below.entries += 1;
                let item = new.as_ref().or(old.as_ref());
                below.bytes += item.and_then(|item| item.size).unwrap_or_default();
            }
            return Ok(None);
        }
        if self.wanted.only.is_some_and(|only| only != change) {
            return Ok(None);
        }
        found.total += 1;
        let before = usize::try_from(found.total).map_or(usize::MAX, |total| total - 1);
        let is_full = found.lines.len() >= self.wanted.limit || self.kept >= PAGE_BYTES_MAX;
        if before < self.wanted.start || is_full {
            return Ok(None);
        }
        self.kept += self.path.len();
        let (words, same_data) = match (old, new) {
            (Some(old), Some(new)) => self.words(old, new)?,
            _ => (Vec::new(), false),
        };
        let facts = |item: &Item| Facts {
            letter: item.letter,
            size: item.size,
            mtime: item.mtime,
        };
        let is_folder = old.as_ref().or(new.as_ref()).is_some_and(Item::is_folder);
        let stands = self.wanted.collapse && is_folder && change != Change::Changed;
        self.found.lines.push(Line {
            path: self.path.clone(),
            change,
            old: old.as_ref().map(facts),
            new: new.as_ref().map(facts),
            words,
            same_data,
            below: stands.then(Below::default),
        });
        Ok(Some(self.found.lines.len() - 1))
    }

    /// What differs, and whether the data do not.
    fn words(&self, old: &Item, new: &Item) -> Result<(Vec<&'static str>, bool), Fault> {
        if let (Some(was), Some(is)) = (self.old.node(old)?, self.new.node(new)?) {
            let mut words = differences(&was, &is);
            // The time of a folder tells that something came or went, which is told itself.
            words.retain(|word| *word != "mtime" || !new.is_folder() || !old.is_folder());
            let same_data = old.size == new.size && self.old.have_same_data(&was, self.new, &is);
            return Ok((words, same_data));
        }
        let secs = |item: &Item| item.mtime.map(|time| time.secs);
        let table = [
            ("type", old.letter != new.letter),
            ("size", old.size != new.size),
            ("mtime", secs(old) != secs(new)),
        ];
        let named = table.iter().filter(|(_, differs)| *differs);
        Ok((named.map(|(word, _)| *word).collect(), false))
    }
}

/// Entries of both sides by name, each name once; of a name that one side has twice, as only hostile archives can, the last.
fn paired(mut old: Vec<Item>, mut new: Vec<Item>) -> Vec<(Option<Item>, Option<Item>)> {
    for side in [&mut old, &mut new] {
        side.sort_by(|a, b| a.name.cmp(&b.name));
        side.reverse();
        side.dedup_by(|a, b| a.name == b.name);
    }
    let mut pairs = Vec::with_capacity(old.len().max(new.len()));
    // Both are in falling order, so the first names are at the ends.
    loop {
        let order = match (old.last(), new.last()) {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.name.cmp(&new.name),
        };
        let was = (order != Ordering::Greater).then(|| old.pop()).flatten();
        let is = (order != Ordering::Less).then(|| new.pop()).flatten();
        pairs.push((was, is));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::names::hostile;

    const ALL: Wanted = Wanted {
        start: 0,
        limit: 10_000,
        only: None,
        collapse: false,
    };

    fn compared(old: Vec<u8>, new: Vec<u8>) -> Result<Found, Fault> {
        let (mut old, mut new) = (Names::of_catalog(old), Names::of_catalog(new));
        diff(&mut old, &mut new, b"/", ALL, || false)
    }

    #[test]
    fn hostile_catalogs_end_a_comparison() {
        let small = || hostile::chain(1, b"a", 1);
        for (hostile, what) in [
            (hostile::shared(60), "shared"),
            (hostile::wide(40_000, 4090), "wide"),
            (hostile::chain(100, &[b'n'; 4000], 1), "deep"),
        ] {
            for (old, new) in [(small(), hostile.clone()), (hostile, small())] {
                let told = compared(old, new).expect_err(what).to_string();
                let expected = match what {
                    "shared" => "in several places",
                    "wide" => "more than the server holds",
                    _ => "cannot read archive",
                };
                assert!(told.contains(expected), "{what}: {told}");
            }
        }
    }

    #[test]
    fn a_page_has_so_many_bytes_of_paths() {
        // 999 entries below a path of 32,000 bytes: all are counted, and the pages go on where the last one ended.
        let (old, new) = (
            hostile::chain(8, &[b'n'; 4000], 0),
            hostile::chain(8, &[b'n'; 4000], 999),
        );
        let first = compared(old.clone(), new.clone()).expect("a page");
        assert_eq!((first.total, first.added, first.complete), (999, 999, true));
        let bytes: usize = first.lines.iter().map(|line| line.path.len()).sum();
        assert!(bytes < PAGE_BYTES_MAX + PATH_MAX && !first.lines.is_empty());
        let wanted = Wanted {
            start: first.lines.len(),
            ..ALL
        };
        let (mut old, mut new) = (Names::of_catalog(old), Names::of_catalog(new));
        let second = diff(&mut old, &mut new, b"/", wanted, || false).expect("a page");
        assert!(
            second.lines[0]
                .path
                .ends_with(format!("/{:03}", first.lines.len()).as_bytes())
        );
    }
}

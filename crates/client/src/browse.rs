//! A snapshot's archive as something to walk about in: the engine of `catalog shell` (cli.md 3.7, pxar.md 6.4).
//!
//! A [`Browser`] has a current directory and a selection. Names come from the catalog where there is one, so that looking around fetches
//! little, else from the archive, whose names are then sorted; links and metadata are always the archive's. Answers are written to what
//! the caller gives, as the original words them. Command lines, terminals and restoring itself are the caller's: what to restore is told
//! as [`PatternList`].

mod names;
mod path;
mod selection;
mod stat;

use std::borrow::Cow;
use std::io::{self, Read, Seek, Write};

use format::catalog::{Catalog, CatalogError};
use jiff::tz::TimeZone;
use pxar::{AccessError, Accessor, MatchKind, Pattern, PatternError, PatternList, ReadAt};

use names::{Enter, ItemKind, Names};
use path::{Links, Place};
use selection::Selection;

/// Why a step was refused.
#[derive(Debug, thiserror::Error)]
pub enum BrowseError {
    #[error("no such file or directory: {0:?}")]
    NotFound(String),
    #[error("not a directory: {0:?}")]
    NotADirectory(String),
    #[error("target is a symlink: {0:?}")]
    IsSymlink(String),
    #[error("too many levels of symbolic links: {0:?}")]
    TooManyLinks(String),
    #[error("no entries selected")]
    NothingSelected,
    #[error("invalid pattern {text:?}")]
    Pattern {
        text: String,
        #[source]
        source: PatternError,
    },
    #[error("cannot read the catalog")]
    Catalog(#[from] CatalogError),
    #[error("cannot read the archive")]
    Archive(#[from] AccessError),
    #[error("cannot write the answer")]
    Output(#[source] io::Error),
}

/// Something to read a catalog from.
pub trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// One archive, a place in it, and what was selected of it.
pub struct Browser<R> {
    tree: Accessor<R>,
    names: Names,
    here: Place,
    selection: Selection,
    shown: Shown,
}

/// How names are written that are not quoted.
pub type Shown = for<'a> fn(&'a [u8]) -> Cow<'a, [u8]>;

impl<R: ReadAt> Browser<R> {
    /// Walks by the archive alone.
    pub fn of_archive(tree: Accessor<R>) -> Browser<R> {
        Browser {
            tree,
            names: Names::of_archive(),
            here: Place::root(),
            selection: Selection::default(),
            shown: |name| name.into(),
        }
    }

    /// Walks by the catalog; `archive` is the stored name of the archive in it. An error if the catalog does not have the archive.
    pub fn with_catalog(
        tree: Accessor<R>,
        catalog: Catalog<Box<dyn Source>>,
        archive: &str,
    ) -> Result<Browser<R>, BrowseError> {
        let mut browser = Browser::of_archive(tree);
        browser.names = Names::of_catalog(catalog, archive)?;
        Ok(browser)
    }

    /// Names are written as they are, unless this is told otherwise: a terminal would be steered by some.
    pub fn with_names(self, shown: Shown) -> Browser<R> {
        Browser { shown, ..self }
    }

    /// The current directory, `/` or `/a/b`.
    pub fn path(&self) -> Vec<u8> {
        self.here.to_path()
    }

    /// `pwd`
    pub fn pwd(&self, out: &mut dyn Write) -> Result<(), BrowseError> {
        say(out, &quoted(&self.path()))
    }

    /// `cd`: symlinks are refused, `..` of the root is the root, no path is the root.
    pub fn cd(&mut self, path: Option<&[u8]>) -> Result<(), BrowseError> {
        let place = match path {
            Some(path) => self.resolve(path, Links::Refused)?,
            None => Place::root(),
        };
        match self.kind(&place)? {
            ItemKind::Directory => self.here = place,
            ItemKind::Symlink => return Err(BrowseError::IsSymlink(lossy(&place.to_path()))),
            _ => return Err(BrowseError::NotADirectory(lossy(&place.to_path()))),
        }
        Ok(())
    }

    /// `ls`: the names in a directory, or the name of something else, a line each. Symlinks are followed.
    pub fn ls(&mut self, path: Option<&[u8]>, out: &mut dyn Write) -> Result<(), BrowseError> {
        let place = match path {
            Some(path) => self.resolve(path, Links::Followed)?,
            None => self.here.clone(),
        };
        if self.kind(&place)? != ItemKind::Directory {
            return say(out, &(self.shown)(place.name()));
        }
        let names = self.names.list(&self.tree, &place.to_path())?;
        let mut names = names.iter();
        names.try_for_each(|item| say(out, &(self.shown)(&item.name)))
    }

    /// `stat`: four lines out of the archive; times in `zone`.
    pub fn stat(
        &mut self,
        path: &[u8],
        zone: &TimeZone,
        out: &mut dyn Write,
    ) -> Result<(), BrowseError> {
        let place = self.resolve(path, Links::OnTheWay)?;
        let path = place.to_path();
        let node = self
            .tree
            .lookup(&path)?
            .ok_or_else(|| BrowseError::NotFound(lossy(&path)))?;
        out.write_all(&stat::lines(&(self.shown)(&path), &node.entry, zone))
            .map_err(BrowseError::Output)
    }

    /// `select`: one entry, with all in it if it is a directory.
    pub fn select(&mut self, path: &[u8], out: &mut dyn Write) -> Result<(), BrowseError> {
        let path = self.resolve(path, Links::OnTheWay)?.to_path();
        let said = match self.selection.add_path(&path)? {
            true => "added path: ",
            false => "path already selected: ",
        };
        say_path(out, said, &path)
    }

    /// `deselect`: takes back what was selected by that path or pattern.
    pub fn deselect(&mut self, path: &[u8], out: &mut dyn Write) -> Result<(), BrowseError> {
        // A pattern that `find` added stands there as it was typed.
        if self.selection.remove(path) {
            return say_path(out, "removed path from selection: ", path);
        }
        let path = match self.resolve(path, Links::OnTheWay) {
            Ok(place) => place.to_path(),
            Err(BrowseError::NotFound(_)) => path.to_vec(),
            Err(other) => return Err(other),
        };
        let said = match self.selection.remove(&path) {
            true => "removed path from selection: ",
            false => "path not selected: ",
        };
        say_path(out, said, &path)
    }

    /// `clear-selected`
    pub fn clear_selected(&mut self, out: &mut dyn Write) -> Result<(), BrowseError> {
        self.selection = Selection::default();
        say(out, b"cleared selection")
    }

    /// `list-selected`: the paths that would be restored, or what was selected, quoted.
    pub fn list_selected(
        &mut self,
        patterns: bool,
        out: &mut dyn Write,
    ) -> Result<(), BrowseError> {
        if patterns {
            return self
                .selection
                .texts()
                .try_for_each(|text| say(out, &quoted(text)));
        }
        if self.selection.is_empty() {
            return Ok(());
        }
        let (selected, shown) = (self.selection.patterns(), self.shown);
        // What the directories around the entry say, from the top.
        let mut inherited: Vec<bool> = Vec::new();
        self.names.walk(&self.tree, &mut |path, kind| {
            let depth = path.iter().filter(|b| **b == b'/').count() - 1;
            inherited.truncate(depth);
            let around = inherited.last().is_some_and(|is| *is);
            let own = selected
                .matches(path, kind == ItemKind::Directory)
                .map_or(around, |matched| matched == MatchKind::Include);
            inherited.push(own);
            if own {
                say(out, &shown(path))?;
            }
            Ok(Enter::Yes)
        })
    }

    /// `find`: all paths of the archive that match; with `select` the pattern joins the selection if something was found.
    pub fn find(
        &mut self,
        text: &[u8],
        select: bool,
        out: &mut dyn Write,
    ) -> Result<(), BrowseError> {
        let pattern = parse(text)?;
        let (mut found, shown) = (false, self.shown);
        self.names.walk(&self.tree, &mut |path, kind| {
            if !pattern.matches(path, kind == ItemKind::Directory) {
                return Ok(Enter::Yes);
            }
            if pattern.kind() == MatchKind::Exclude {
                return Ok(Enter::No);
            }
            found = true;
            say(out, &shown(path))?;
            Ok(Enter::Yes)
        })?;
        if found && select {
            self.selection.add_pattern(text, pattern);
        }
        Ok(())
    }

    /// What `restore-selected` restores.
    pub fn selected(&self) -> Result<PatternList, BrowseError> {
        if self.selection.is_empty() {
            return Err(BrowseError::NothingSelected);
        }
        Ok(self.selection.patterns())
    }

    /// What `restore` restores: what matches, or everything.
    pub fn matching(pattern: Option<&[u8]>) -> Result<PatternList, BrowseError> {
        pattern.map(parse).into_iter().collect()
    }

    /// Paths that may be meant by the beginning of one: as typed so far, with the whole name, a directory with a slash behind it.
    pub fn complete(&mut self, typed: &[u8]) -> Vec<Vec<u8>> {
        let cut = typed
            .iter()
            .rposition(|b| *b == b'/')
            .map_or(0, |at| at + 1);
        let (folder, begun) = typed.split_at(cut);
        let place = match folder {
            [] => Ok(self.here.clone()),
            folder => self.resolve(folder, Links::Followed),
        };
        let listed = place.and_then(|place| self.names.list(&self.tree, &place.to_path()));
        let items = listed.unwrap_or_default().into_iter();
        items
            .filter(|item| item.name.starts_with(begun))
            .map(|item| {
                let slash: &[u8] = match item.kind {
                    ItemKind::Directory => b"/",
                    _ => b"",
                };
                [folder, &item.name, slash].concat()
            })
            .collect()
    }

    fn resolve(&mut self, path: &[u8], links: Links) -> Result<Place, BrowseError> {
        let Browser {
            tree, names, here, ..
        } = self;
        path::resolve(tree, names, here, path, links)
    }

    fn kind(&mut self, place: &Place) -> Result<ItemKind, BrowseError> {
        let path = place.to_path();
        self.names
            .kind(&self.tree, &path)?
            .ok_or_else(|| BrowseError::NotFound(lossy(&path)))
    }
}

fn parse(text: &[u8]) -> Result<Pattern, BrowseError> {
    Pattern::parse(text, MatchKind::Include).map_err(|source| BrowseError::Pattern {
        text: lossy(text),
        source,
    })
}

fn say(out: &mut dyn Write, line: &[u8]) -> Result<(), BrowseError> {
    let line = [line, b"\n"].concat();
    out.write_all(&line).map_err(BrowseError::Output)
}

fn say_path(out: &mut dyn Write, said: &str, path: &[u8]) -> Result<(), BrowseError> {
    say(out, &[said.as_bytes(), &quoted(path)].concat())
}

/// In quotes, with escapes for what cannot be printed.
fn quoted(path: &[u8]) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    format!("{:?}", std::ffi::OsStr::from_bytes(path)).into_bytes()
}

fn lossy(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

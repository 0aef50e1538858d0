//! From what a user types to a place in the archive: `.`, `..` and symlinks resolved, nothing ever above the root.

use pxar::{Accessor, EntryKind, ReadAt};

use super::names::{ItemKind, Names};
use super::{BrowseError, lossy};

/// Symlinks followed on the way to one place; more are a circle.
const LINKS_MAX: usize = 40;
/// Components of a path that are gone through, those out of links included.
const STEPS_MAX: usize = 1 << 16;

/// What is done with symlinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Refused,
    /// Followed where something comes behind them, left alone at the end.
    OnTheWay,
    Followed,
}

/// A place in the archive; the root has no components.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place(Vec<Vec<u8>>);

impl Place {
    pub fn root() -> Place {
        Place::default()
    }

    /// `/` or `/a/b`.
    pub fn to_path(&self) -> Vec<u8> {
        match self.0.as_slice() {
            [] => b"/".to_vec(),
            names => [b"/", &*names.join(&b'/')].concat(),
        }
    }

    /// The last component, `/` for the root.
    pub fn name(&self) -> &[u8] {
        self.0.last().map_or(b"/", |name| name)
    }
}

/// Goes along `path` from `here`, or from the root if it begins with a slash. What it leads to exists.
pub(super) fn resolve<R: ReadAt>(
    tree: &Accessor<R>,
    names: &mut Names,
    here: &Place,
    path: &[u8],
    links: Links,
) -> Result<Place, BrowseError> {
    let mut place = match path.first() {
        Some(b'/') => Place::root(),
        _ => here.clone(),
    };
    // The next step is the last one.
    let mut steps = steps(path);
    let mut followed = 0;
    while let Some(step) = steps.pop() {
        if step == b".." {
            place.0.pop();
            continue;
        }
        place.0.push(step);
        let absolute = place.to_path();
        let kind = names.kind(tree, &absolute)?;
        let is_last = steps.is_empty();
        match kind {
            None => return Err(BrowseError::NotFound(lossy(&absolute))),
            Some(ItemKind::Symlink) if links == Links::Refused => {
                return Err(BrowseError::IsSymlink(lossy(&absolute)));
            }
            Some(ItemKind::Symlink) if links == Links::Followed || !is_last => {
                followed += 1;
                let target = target(tree, &absolute)?;
                place.0.pop();
                if target.starts_with(b"/") {
                    place = Place::root();
                }
                steps.extend(self::steps(&target));
                if followed > LINKS_MAX || steps.len() > STEPS_MAX {
                    return Err(BrowseError::TooManyLinks(lossy(path)));
                }
            }
            Some(ItemKind::Other) if !is_last => {
                return Err(BrowseError::NotADirectory(lossy(&absolute)));
            }
            Some(_) => {}
        }
    }
    Ok(place)
}

/// Components in reverse, so that the next one is popped.
fn steps(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|b| *b == b'/');
    let parts = parts.filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}

fn target<R: ReadAt>(tree: &Accessor<R>, path: &[u8]) -> Result<Vec<u8>, BrowseError> {
    match tree.lookup(path)?.map(|node| node.entry.kind) {
        Some(EntryKind::Symlink { target }) => Ok(target),
        // The catalog tells of a link that the archive does not have.
        _ => Err(BrowseError::NotFound(lossy(path))),
    }
}

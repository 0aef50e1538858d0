//! Names, from a catalog or from the archive itself: what is in a directory, what lies at a path, everything in order.
//!
//! Paths are absolute and clean (`/`, `/a/b`), without `.`, `..` and symlinks; `path` makes them so.

use format::catalog::{self, Catalog};
use pxar::{Accessor, EntryKind, ReadAt};

use super::{BrowseError, Source, lossy};

/// Entries that are walked through; more are a damaged catalog or archive.
const ENTRIES_MAX: u64 = 1 << 32;
/// Directories inside each other that are entered.
const DEPTH_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    Directory,
    Symlink,
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: Vec<u8>,
    pub kind: ItemKind,
}

/// Whether a walk goes into the directory that was just seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enter {
    Yes,
    No,
}

/// Hears of each entry with its path; an error ends the walk.
pub(super) type Visit<'a> = dyn FnMut(&[u8], ItemKind) -> Result<Enter, BrowseError> + 'a;

/// Where names come from.
pub(super) enum Names {
    Catalog {
        catalog: Box<Catalog<Box<dyn Source>>>,
        root: catalog::Directory,
        archive: Vec<u8>,
    },
    Archive,
}

impl Names {
    pub fn of_archive() -> Names {
        Names::Archive
    }

    pub fn of_catalog(
        mut catalog: Catalog<Box<dyn Source>>,
        archive: &str,
    ) -> Result<Names, BrowseError> {
        match catalog.lookup(archive.as_bytes())? {
            Some(catalog::EntryKind::Directory(root)) => Ok(Names::Catalog {
                catalog: Box::new(catalog),
                root,
                archive: archive.as_bytes().to_vec(),
            }),
            _ => Err(BrowseError::NotFound(archive.to_owned())),
        }
    }

    /// The members of a directory, in the catalog's order or sorted by name.
    pub fn list<R: ReadAt>(
        &mut self,
        tree: &Accessor<R>,
        path: &[u8],
    ) -> Result<Vec<Item>, BrowseError> {
        match self {
            Names::Catalog {
                catalog, archive, ..
            } => {
                let found = catalog.lookup(&[archive, path].concat())?;
                let Some(catalog::EntryKind::Directory(directory)) = found else {
                    return Err(BrowseError::NotADirectory(lossy(path)));
                };
                let entries = catalog.read_dir(directory)?.into_iter();
                Ok(entries
                    .map(|entry| Item {
                        kind: of_catalog(&entry.kind),
                        name: entry.name,
                    })
                    .collect())
            }
            Names::Archive => {
                let node = tree
                    .lookup(path)?
                    .ok_or_else(|| BrowseError::NotFound(lossy(path)))?;
                Ok(members(tree, &node)?
                    .into_iter()
                    .map(|node| Item {
                        kind: of_archive(&node.entry.kind),
                        name: node.entry.name,
                    })
                    .collect())
            }
        }
    }

    /// What lies at a path; `None` if nothing does.
    pub fn kind<R: ReadAt>(
        &mut self,
        tree: &Accessor<R>,
        path: &[u8],
    ) -> Result<Option<ItemKind>, BrowseError> {
        match self {
            Names::Catalog {
                catalog, archive, ..
            } => {
                let found = catalog.lookup(&[archive, path].concat())?;
                Ok(found.map(|kind| of_catalog(&kind)))
            }
            Names::Archive => Ok(tree.lookup(path)?.map(|node| of_archive(&node.entry.kind))),
        }
    }

    /// Everything below the root, a directory before what is in it.
    pub fn walk<R: ReadAt>(
        &mut self,
        tree: &Accessor<R>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BrowseError> {
        match self {
            Names::Catalog { catalog, root, .. } => {
                let mut walk = catalog.walk(*root, ENTRIES_MAX)?;
                let mut absolute = Vec::new();
                while let Some((path, entry)) = walk.next()? {
                    absolute.clear();
                    absolute.push(b'/');
                    absolute.extend_from_slice(path);
                    if visit(&absolute, of_catalog(&entry.kind))? == Enter::No {
                        walk.skip_children();
                    }
                }
                Ok(())
            }
            Names::Archive => walk_archive(tree, visit),
        }
    }
}

fn walk_archive<R: ReadAt>(tree: &Accessor<R>, visit: &mut Visit<'_>) -> Result<(), BrowseError> {
    let mut open = vec![(0, members(tree, tree.root())?.into_iter())];
    let mut path = Vec::new();
    while let Some((len, left)) = open.last_mut() {
        path.truncate(*len);
        let Some(node) = left.next() else {
            open.pop();
            continue;
        };
        path.push(b'/');
        path.extend_from_slice(&node.entry.name);
        let enter = visit(&path, of_archive(&node.entry.kind))?;
        if node.entry.is_dir() && enter == Enter::Yes {
            if open.len() >= DEPTH_MAX {
                return Err(pxar::AccessError::TooDeep(lossy(&path)).into());
            }
            open.push((path.len(), members(tree, &node)?.into_iter()));
        }
    }
    Ok(())
}

/// The members of a directory by name.
fn members<R: ReadAt>(
    tree: &Accessor<R>,
    node: &pxar::Node,
) -> Result<Vec<pxar::Node>, BrowseError> {
    if !node.entry.is_dir() {
        return Err(BrowseError::NotADirectory(lossy(&node.entry.name)));
    }
    let directory = tree.open_directory(node)?;
    let mut nodes: Vec<_> = tree.read_dir(&directory).collect::<Result<_, _>>()?;
    nodes.sort_by(|a, b| a.entry.name.cmp(&b.entry.name));
    Ok(nodes)
}

fn of_catalog(kind: &catalog::EntryKind) -> ItemKind {
    match kind {
        catalog::EntryKind::Directory(_) => ItemKind::Directory,
        catalog::EntryKind::Symlink => ItemKind::Symlink,
        _ => ItemKind::Other,
    }
}

fn of_archive(kind: &EntryKind) -> ItemKind {
    match kind {
        EntryKind::Directory => ItemKind::Directory,
        EntryKind::Symlink { .. } => ItemKind::Symlink,
        _ => ItemKind::Other,
    }
}

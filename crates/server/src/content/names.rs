//! The names inside one archive of a snapshot, folder by folder, with what can be told of them without reading files: from the metadata of a
//! split archive; of one in one piece from the catalog, which knows less, or, where there is none, from the archive itself.

mod alike;
#[cfg(test)]
pub mod hostile;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read, Seek};
use std::ops::Range;

use format::catalog::{Catalog, CatalogError, Directory, EntryKind};
use format::{ArchiveName, AuthId, Digest, Index, Manifest, Parts};
use pxar::read_at::RangeReader;
use pxar::{AccessError, Mtime, Node};
use store::{Datastore, SnapshotDir};

pub use alike::{differences, look_same};

use super::tree::{self, Halves, Tree};
use super::{Archive, check_readable};
use crate::context::Context;
use crate::fault::Fault;

/// Bytes of items that a walk holds at a time, of one archive.
pub const HELD_MAX: usize = 128 << 20;
/// Bytes of the catalog read at a time.
const READ_BYTES: usize = 64 << 10;
/// A member of an archive has a row in its directory's table at least.
const MEMBER_LEN_MIN: u64 = 24;

/// See the module.
pub struct Names {
    archive: ArchiveName,
    source: Source,
    /// Checksums of the indexes: where they are equal, so is all that they hold.
    sums: Vec<Digest>,
    /// Where the data of a split archive lies.
    payload: Option<Index>,
    /// Entries of all folders that were listed.
    listed: u64,
}

enum Source {
    Catalog(Box<Catalog<Box<dyn Stored>>>, Directory),
    Tree(Tree),
}

/// Where a catalog lies.
trait Stored: Read + Seek {}

impl<R: Read + Seek> Stored for R {}

/// One entry of a folder.
#[derive(Debug)]
pub struct Item {
    pub name: Vec<u8>,
    pub letter: char,
    /// Only of files.
    pub size: Option<u64>,
    /// Of files; from metadata, of all.
    pub mtime: Option<Mtime>,
    /// Of all else that metadata tell; `None` from a catalog, which tells nothing else.
    rest: Option<u64>,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    /// Of a directory in the catalog.
    Catalog(Option<Directory>),
    /// Where a node is read again.
    Tree(Range<u64>),
    Root,
}

/// A folder that can be listed.
#[derive(Debug, Clone)]
pub struct Folder(Place);

impl Item {
    pub fn is_folder(&self) -> bool {
        self.letter == 'd'
    }

    /// Bytes that it takes.
    pub fn weight(&self) -> usize {
        size_of::<Item>() + self.name.len()
    }

    pub fn folder(&self) -> Option<Folder> {
        self.is_folder().then(|| Folder(self.place.clone()))
    }
}

impl Names {
    /// Opens what an archive's name stands for; see [`Parts::find`].
    pub fn open(
        ctx: &Context,
        caller: &AuthId,
        store: &Datastore,
        dir: &SnapshotDir,
        archive: &ArchiveName,
    ) -> Result<Names, Fault> {
        let manifest = dir.manifest()?.0;
        let parts = Parts::find(&manifest, archive);
        let parts = parts.unwrap_or_else(|| Parts::Whole(archive.clone()));
        check_readable(&manifest, parts.metadata())?;
        let (sums, payload) = match &parts {
            Parts::Whole(name) => (sums(&manifest, &[name]), None),
            Parts::Split { metadata, payload } => {
                // Without its index less can be told of contents, and nothing else.
                let index = dir.open_index(payload).ok();
                (sums(&manifest, &[metadata, payload]), index)
            }
        };
        let in_catalog = match &parts {
            Parts::Whole(name) => from_catalog(ctx, caller, store, dir, &manifest, name)?,
            Parts::Split { .. } => None,
        };
        let source = match in_catalog {
            Some(source) => source,
            None => {
                let metadata = Halves::Metadata;
                Source::Tree(tree::open(ctx, caller, store, dir, archive, metadata)?)
            }
        };
        Ok(Names {
            archive: archive.clone(),
            source,
            sums,
            payload,
            listed: 0,
        })
    }

    /// Of an archive `root.pxar.didx` in a catalog of these bytes.
    #[cfg(test)]
    pub fn of_catalog(bytes: Vec<u8>) -> Names {
        let archive: ArchiveName = "root.pxar.didx".parse().expect("name");
        let stored: Box<dyn Stored> = Box::new(std::io::Cursor::new(bytes));
        let mut catalog = Catalog::open(stored).expect("catalog");
        let root = catalog
            .lookup(archive.to_string().as_bytes())
            .expect("root");
        let Some(EntryKind::Directory(root)) = root else {
            panic!("no archive in it: {root:?}");
        };
        Names {
            archive,
            source: Source::Catalog(Box::new(catalog), root),
            sums: Vec::new(),
            payload: None,
            listed: 0,
        }
    }

    /// Entries of all folders that were listed.
    pub fn listed(&self) -> u64 {
        self.listed
    }

    /// So many were, by a walk that goes on here.
    pub fn set_listed(&mut self, listed: u64) {
        self.listed = listed;
    }

    /// A few folders that lead to each other in several ways could be walked for ever: whoever lists more than is stored is in such ones.
    fn count_listed(&mut self, more: usize) -> Result<(), Fault> {
        let stored_max = match &self.source {
            Source::Catalog(catalog, _) => catalog.entries_max(),
            Source::Tree(tree) => pxar::ReadAt::size(tree.source()) / MEMBER_LEN_MIN,
        };
        self.listed = self.listed.saturating_add(more as u64);
        if self.listed > stored_max {
            return Err(Fault::SharedFolders(self.archive.to_string()));
        }
        Ok(())
    }

    /// An error at a path inside of this archive.
    pub fn too_deep(&self, path: &[u8]) -> Fault {
        self.fail(AccessError::TooDeep(
            String::from_utf8_lossy(path).into_owned(),
        ))
    }

    fn fail(&self, source: AccessError) -> Fault {
        Fault::Archive {
            name: self.archive.to_string(),
            source,
        }
    }

    pub fn root(&self) -> Folder {
        Folder(Place::Root)
    }

    /// The folder at a path below the root; `None` if nothing, or something else, is there.
    pub fn folder(&mut self, path: &[u8], room: usize) -> Result<Option<Folder>, Fault> {
        if let Source::Tree(tree) = &self.source {
            let path = if path.is_empty() { b"/" } else { path };
            let found = tree.lookup(path).map_err(|source| self.fail(source))?;
            return Ok(found.map(from_node).as_ref().and_then(Item::folder));
        }
        let mut folder = self.root();
        let named = |name: &&[u8]| !name.is_empty() && *name != b".";
        for name in path.split(|byte| *byte == b'/').filter(named) {
            let found = self.list(&folder, room)?;
            let found = found.iter().find(|item| item.name == name);
            match found.and_then(Item::folder) {
                Some(found) => folder = found,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// The entries of a folder, at most `room` bytes of them: more are an error, since somebody must hold them.
    pub fn list(&mut self, folder: &Folder, room: usize) -> Result<Vec<Item>, Fault> {
        let items = self.read(folder, room)?;
        self.count_listed(items.len())?;
        Ok(items)
    }

    fn read(&mut self, folder: &Folder, room: usize) -> Result<Vec<Item>, Fault> {
        let fail = |source| Fault::Archive {
            name: self.archive.to_string(),
            source,
        };
        match &mut self.source {
            Source::Catalog(catalog, root) => {
                let directory = match &folder.0 {
                    Place::Catalog(Some(directory)) => *directory,
                    _ => *root,
                };
                // Parsed they take more room than stored.
                let entries = match catalog.entries(directory, room) {
                    Err(CatalogError::DirectoryTooLarge { .. }) => {
                        return Err(Fault::FolderTooLarge);
                    }
                    entries => entries.map_err(Fault::Catalog)?,
                };
                let items = entries.map(|entry| entry.map(from_entry).map_err(Fault::Catalog));
                held(items, room)
            }
            Source::Tree(tree) => {
                let node = match &folder.0 {
                    Place::Tree(place) => tree.member_at(place.clone()).map_err(fail)?,
                    _ => tree.root().clone(),
                };
                let members_max = room / size_of::<Item>();
                let directory = match tree.open_directory_within(&node, members_max as u64) {
                    Err(AccessError::TooManyMembers { .. }) => return Err(Fault::FolderTooLarge),
                    directory => directory.map_err(fail)?,
                };
                // In this order chunks are read once, also of folders that are larger than what is kept of them.
                let numbers = directory.in_archive_order().into_iter();
                let nodes = numbers.filter_map(|n| tree.member(&directory, n).transpose());
                held(nodes.map(|node| node.map(from_node).map_err(fail)), room)
            }
        }
    }

    /// The node of an item, if there is more to it than the item tells.
    pub fn node(&self, item: &Item) -> Result<Option<Node>, Fault> {
        match (&self.source, &item.place) {
            (Source::Tree(tree), Place::Tree(place)) => {
                let found = tree.member_at(place.clone());
                found.map(Some).map_err(|source| self.fail(source))
            }
            _ => Ok(None),
        }
    }

    /// Whether both hold the same, to the byte.
    pub fn are_same(&self, other: &Names) -> bool {
        !self.sums.is_empty() && self.sums == other.sums
    }

    /// Whether all that is told of two folders and of all below them is the same, as far as that can be seen without looking into them.
    pub fn have_same_folder(&self, own: &Item, other: &Names, others: &Item) -> bool {
        match (&self.source, &own.place, &other.source, &others.place) {
            (Source::Tree(a), Place::Tree(own), Source::Tree(b), Place::Tree(others)) => {
                alike::same_bytes(a.source().index(), own, b.source().index(), others)
            }
            _ => false,
        }
    }

    /// Whether two files of split archives have the same data for certain: they lie at the same places of the same chunks.
    pub fn have_same_data(&self, own: &Node, other: &Names, others: &Node) -> bool {
        let data = |node: &Node| node.payload_ref().and_then(|reference| reference.data());
        match (&self.payload, data(own), &other.payload, data(others)) {
            (Some(a), Some(own), Some(b), Some(others)) => alike::same_bytes(a, &own, b, &others),
            _ => false,
        }
    }
}

/// Checksums of the indexes of an archive, see [`Names::are_same`]; nothing if it is not there.
pub fn sums_of(manifest: &Manifest, archive: &ArchiveName) -> Vec<Digest> {
    match Parts::find(manifest, archive) {
        Some(Parts::Whole(name)) => sums(manifest, &[&name]),
        Some(Parts::Split { metadata, payload }) => sums(manifest, &[&metadata, &payload]),
        None => Vec::new(),
    }
}

/// What is the same in the names of an archive in one piece and of both halves of a split one.
pub fn stem(archive: &ArchiveName) -> String {
    let label = archive.label();
    let endings = [".pxar", ".mpxar", ".ppxar"];
    let stem = endings.iter().find_map(|ending| label.strip_suffix(ending));
    stem.unwrap_or(label).to_owned()
}

/// Of these files; nothing if one is missing.
fn sums(manifest: &Manifest, names: &[&ArchiveName]) -> Vec<Digest> {
    let sum = |name: &&ArchiveName| manifest.file(name).map(|file| file.csum);
    let all: Option<Vec<Digest>> = names.iter().map(sum).collect();
    all.unwrap_or_default()
}

fn from_catalog(
    ctx: &Context,
    caller: &AuthId,
    store: &Datastore,
    dir: &SnapshotDir,
    manifest: &Manifest,
    name: &ArchiveName,
) -> Result<Option<Source>, Fault> {
    let stored = ArchiveName::catalog();
    if manifest.file(&stored).is_none() {
        return Ok(None);
    }
    let archive = Archive::open(ctx, caller, store, dir, &stored)?;
    let size = pxar::ReadAt::size(&archive);
    let reader: Box<dyn Stored> = Box::new(RangeReader::new(archive, 0..size, READ_BYTES));
    let read = || -> Result<_, CatalogError> {
        let mut catalog = Catalog::open(reader)?;
        let found = catalog.lookup(name.to_string().as_bytes())?;
        Ok((catalog, found))
    };
    Ok(match read().map_err(Fault::Catalog)? {
        (catalog, Some(EntryKind::Directory(root))) => {
            Some(Source::Catalog(Box::new(catalog), root))
        }
        _ => None,
    })
}

/// All items, unless they weigh more than `room`.
fn held(
    items: impl Iterator<Item = Result<Item, Fault>>,
    mut room: usize,
) -> Result<Vec<Item>, Fault> {
    let mut all = Vec::new();
    for item in items {
        let item = item?;
        room = room
            .checked_sub(item.weight())
            .ok_or(Fault::FolderTooLarge)?;
        all.push(item);
    }
    Ok(all)
}

fn from_entry(entry: format::catalog::Entry) -> Item {
    let letter = entry.kind.letter();
    let (size, mtime, directory) = match entry.kind {
        EntryKind::File { size, mtime } => {
            let mtime = Mtime {
                secs: mtime,
                nanos: 0,
            };
            (Some(size), Some(mtime), None)
        }
        EntryKind::Directory(directory) => (None, None, Some(directory)),
        _ => (None, None, None),
    };
    Item {
        name: entry.name,
        letter,
        size,
        mtime,
        rest: None,
        place: Place::Catalog(directory),
    }
}

fn from_node(node: Node) -> Item {
    let mut rest = DefaultHasher::new();
    pxar::Metadata {
        mtime: Mtime::default(),
        ..node.entry.metadata.clone()
    }
    .hash(&mut rest);
    match &node.entry.kind {
        pxar::EntryKind::Symlink { target } => target.hash(&mut rest),
        // The distance to the file says nothing about either.
        pxar::EntryKind::Hardlink { path, .. } => path.hash(&mut rest),
        pxar::EntryKind::Device { major, minor } => (major, minor).hash(&mut rest),
        _ => {}
    }
    let size = match node.entry.kind {
        pxar::EntryKind::File { size } => Some(size),
        _ => None,
    };
    let letter = node.entry.letter();
    let place = match node.name_offset {
        Some(start) => Place::Tree(start..node.end),
        None => Place::Root,
    };
    Item {
        letter,
        size,
        mtime: (letter != 'h').then_some(node.entry.metadata.mtime),
        rest: Some(rest.finish()),
        place,
        name: node.entry.name,
    }
}

//! `GET /admin/datastore/{store}/catalog`: one directory of what a snapshot holds, from its catalog, or, if an archive is named, from the
//! archive itself (protocol.md 6.6, pxar.md 6.5).

use api::rest::catalog::{CatalogItem, InCatalog};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use format::ArchiveName;
use format::catalog::{Catalog, CatalogError, EntryKind};
use pxar::read_at::RangeReader;
use pxar::{Node, ReadAt as _};
use store::{Datastore, SnapshotDir};

use crate::api::admin::datastore::{download, open};
use crate::content::Archive;
use crate::content::tree::{self, Halves};
use crate::context::Access;
use crate::fault::Fault;
use crate::permission;
use crate::reply::Answer;
use crate::route::Call;

/// Bytes of the catalog read at a time.
const READ_BYTES: usize = 64 << 10;
/// What one directory takes in a catalog: a million entries and more.
const BLOCK_BYTES_MAX: usize = 32 << 20;
/// Entries of one directory that are listed from an archive.
const ENTRIES_MAX: u64 = 1 << 20;

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let (store, dir, request) = on_catalog(call)?;
    let path = path(&request.filepath)?;
    match &request.archive_name {
        Some(name) => {
            let name = download::archive_name("archive-name", name)?;
            from_archive(call, &store, &dir, &name, &path)
        }
        None => from_catalog(call, &store, &dir, &path),
    }
}

/// The snapshot of a request, whose group the caller must own if he was granted no more.
pub fn on_catalog(call: &Call) -> Result<(Datastore, SnapshotDir, InCatalog), Fault> {
    let request: InCatalog = call.params.read()?;
    let store = open(call, &request.place, Access::Read)?;
    let snapshot = request.snapshot.clone().into();
    let format::Snapshot { group, .. } = &snapshot;
    permission::check_owner(call, &store, &request.place.ns, group)?;
    let dir = store.snapshot(&request.place.ns, &snapshot)?;
    Ok((store, dir, request))
}

/// `root` and `/` are the top; all else is base64, since names are bytes.
pub fn path(given: &str) -> Result<Vec<u8>, Fault> {
    match given {
        "root" | "/" => Ok(b"/".to_vec()),
        encoded => STANDARD
            .decode(encoded)
            .map_err(|_| Fault::FilePath(encoded.to_owned())),
    }
}

fn from_catalog(
    call: &Call,
    store: &Datastore,
    dir: &SnapshotDir,
    path: &[u8],
) -> Result<Answer, Fault> {
    let archive = Archive::open(
        &call.ctx,
        call.caller()?,
        store,
        dir,
        &ArchiveName::catalog(),
    )?;
    let size = archive.size();
    let not_found = || Fault::NotInCatalog(String::from_utf8_lossy(path).into_owned());
    let read = |catalog: &mut Catalog<RangeReader<Archive>>| -> Result<_, CatalogError> {
        match catalog.lookup(path)? {
            Some(EntryKind::Directory(directory)) => {
                catalog.entries(directory, BLOCK_BYTES_MAX).map(Some)
            }
            _ => Ok(None),
        }
    };
    let mut catalog =
        Catalog::open(RangeReader::new(archive, 0..size, READ_BYTES)).map_err(Fault::Catalog)?;
    let entries = read(&mut catalog)
        .map_err(Fault::Catalog)?
        .ok_or_else(not_found)?;
    let items = entries.map(|entry| {
        let entry = entry.map_err(Fault::Catalog)?;
        let (size, mtime) = match entry.kind {
            EntryKind::File { size, mtime } => (Some(size), Some(mtime)),
            _ => (None, None),
        };
        let letter = entry.kind.letter();
        Ok(item(path, &entry.name, letter, size, mtime))
    });
    Answer::list(call.growing()?, items)
}

fn from_archive(
    call: &Call,
    store: &Datastore,
    dir: &SnapshotDir,
    name: &ArchiveName,
    path: &[u8],
) -> Result<Answer, Fault> {
    let (ctx, caller) = (&call.ctx, call.caller()?);
    let tree = tree::open(ctx, caller, store, dir, name, Halves::Metadata)?;
    let fail = |source| Fault::Archive {
        name: name.to_string(),
        source,
    };
    let node = find(&tree, name, path)?;
    let directory = tree.open_directory_within(&node, ENTRIES_MAX);
    let directory = directory.map_err(fail)?;
    let entry = |node: Node| {
        let letter = node.entry.letter();
        let file = letter == 'f';
        let size = match node.entry.kind {
            pxar::EntryKind::File { size } => Some(size),
            _ => None,
        };
        let mtime = file.then_some(node.entry.metadata.mtime.secs);
        item(path, &node.entry.name, letter, size, mtime)
    };
    let items = tree.read_dir(&directory);
    let items = items.map(|node| node.map(entry).map_err(fail));
    Answer::list(call.growing()?, items)
}

/// What lies at a path of an archive; an empty path is its root.
pub fn find(tree: &tree::Tree, name: &ArchiveName, path: &[u8]) -> Result<Node, Fault> {
    let path: &[u8] = if path.is_empty() { b"/" } else { path };
    let found = tree.lookup(path).map_err(|source| Fault::Archive {
        name: name.to_string(),
        source,
    })?;
    found.ok_or_else(|| Fault::NotInArchive(String::from_utf8_lossy(path).into_owned()))
}

/// An entry of the directory at `path`.
fn item(
    path: &[u8],
    name: &[u8],
    letter: char,
    size: Option<u64>,
    mtime: Option<i64>,
) -> CatalogItem {
    let full = [path.strip_prefix(b"/").unwrap_or(path), b"/", name].concat();
    CatalogItem {
        filepath: STANDARD.encode(full),
        leaf: !matches!(letter, 'd' | 'v'),
        mtime,
        size,
        text: String::from_utf8_lossy(name).into_owned(),
        kind: letter.to_string(),
    }
}

//! Where in an archive what patterns select lies, by the catalog: for patterns that do not tell themselves, as `*.conf`.
//!
//! The catalog is a small part of its snapshot and stands in the same manifest. Whatever is wrong with it, or if looking would not pay,
//! the archive is read as a whole.

use std::collections::HashSet;

use format::ArchiveName;
use format::catalog::{Catalog, CatalogError, EntryKind};
use pxar::read_at::RangeReader;
use pxar::{MatchKind, PatternList, ReadAt};

use super::Restore;
use crate::error::Error;
use crate::read_at::RemoteArchive;

/// A catalog must be smaller than the archive by this factor.
const WORTH_FACTOR: u64 = 8;
const READ_BYTES: usize = 256 << 10;
/// So many names are looked at, and so many bytes of paths held.
const NAMES_MAX: u64 = 1 << 24;
const PATHS_BYTES_MAX: usize = 16 << 20;

impl Restore {
    /// Paths such that all that `patterns` select is one of them or lies below one. Nothing if it is better to read all of the archive.
    pub(super) async fn listed(
        &self,
        archive: &ArchiveName,
        source: &RemoteArchive,
        patterns: &PatternList,
    ) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let name = ArchiveName::catalog();
        if self.manifest.file(&name).is_none() {
            return Ok(None);
        }
        let catalog = self.read_at(&name).await?;
        if catalog.size().saturating_mul(WORTH_FACTOR) > source.size() {
            return Ok(None);
        }
        // Each directory on the way costs about a chunk for its table, and one for what is wanted there.
        let chunks_max = source.chunks() / 4;
        let (archive, patterns) = (archive.to_string(), patterns.clone());
        self.run_blocking(move || {
            let found = selected(catalog, archive.as_bytes(), &patterns);
            let paths = found.ok().flatten();
            Ok(paths.filter(|paths| directories(paths, chunks_max) <= chunks_max))
        })
        .await
    }
}

/// All that is selected of one archive in the catalog; nothing if it is too much, or if the catalog does not know the archive.
fn selected(
    catalog: RemoteArchive,
    archive: &[u8],
    patterns: &PatternList,
) -> Result<Option<Vec<Vec<u8>>>, CatalogError> {
    let size = catalog.size();
    let mut catalog = Catalog::open(RangeReader::new(catalog, 0..size, READ_BYTES))?;
    let Some(EntryKind::Directory(root)) = catalog.lookup(archive)? else {
        return Ok(None);
    };
    let (mut paths, mut bytes, mut path) = (Vec::new(), 0, Vec::new());
    let mut walk = catalog.walk(root, NAMES_MAX)?;
    while let Some((below, entry)) = walk.next()? {
        path.clear();
        path.push(b'/');
        path.extend_from_slice(below);
        let is_dir = entry.kind.is_directory();
        if patterns.matches(&path, is_dir) != Some(MatchKind::Include) {
            continue;
        }
        bytes += path.len();
        if bytes > PATHS_BYTES_MAX {
            return Ok(None);
        }
        paths.push(path.clone());
        if is_dir {
            walk.skip_children();
        }
    }
    Ok(Some(paths))
}

/// How many directories lie on the way to these paths; not counted further than just above `most`.
fn directories(paths: &[Vec<u8>], most: u64) -> u64 {
    let mut seen = HashSet::new();
    for path in paths {
        let mut end = path.len();
        while let Some(slash) = path[..end].iter().rposition(|byte| *byte == b'/') {
            if !seen.insert(&path[..slash]) || seen.len() as u64 > most {
                break;
            }
            end = slash;
        }
    }
    seen.len() as u64
}

#[cfg(test)]
mod tests {
    use super::directories;

    #[test]
    fn directories_are_counted_once() {
        let count = |paths: &[&str], most| {
            let paths: Vec<_> = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
            directories(&paths, most)
        };
        assert_eq!(count(&[], 9), 0);
        assert_eq!(count(&["/a"], 9), 1);
        assert_eq!(count(&["/a/b/c", "/a/b/d", "/a/e"], 9), 3);
        assert!(count(&["/a/b/c/d/e/f"], 2) > 2);
    }
}

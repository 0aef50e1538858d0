//! Finds all index files below a datastore's directory, wherever they lie: what lies outside of the known places may be somebody's too.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::GcError;
use crate::index_file::Kind;
use crate::watch::Watch;

/// What file systems put at their top, and show to root only.
const LOST_AND_FOUND: &str = "lost+found";

/// Paths of all index files, relative to `base`. Neither links nor names that begin with a dot are followed. What vanishes meanwhile is left
/// out; what may not be read is an error, because it could hide an index.
pub(super) fn all_indexes(base: &Path, watch: &dyn Watch) -> Result<BTreeSet<PathBuf>, GcError> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        if watch.stopped() {
            return Err(GcError::Stopped);
        }
        let path = base.join(&folder);
        let failed = |source| GcError::List {
            path: path.clone(),
            source,
        };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if may_be_skipped(&folder, &error) => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.as_bytes().starts_with(b".") {
                continue;
            }
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            if kind.is_dir() {
                folders.push(folder.join(name));
            } else if kind.is_file() && Kind::of(name.as_bytes()).is_some() {
                found.insert(folder.join(name));
            }
        }
    }
    Ok(found)
}

/// Gone, or where only root may look and no index ever is. The datastore's own directory must be there.
fn may_be_skipped(folder: &Path, error: &io::Error) -> bool {
    let is_top = folder.components().count() == 1;
    match error.kind() {
        io::ErrorKind::NotFound => folder != Path::new(""),
        io::ErrorKind::PermissionDenied => {
            is_top && folder.file_name() == Some(OsStr::new(LOST_AND_FOUND))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Unwatched;

    #[test]
    fn indexes_are_found_wherever_they_are() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "host/a/2023-11-14T22:13:20Z/root.pxar.didx",
            "host/a/2023-11-14T22:13:20Z/disk.img.fidx",
            "host/a/2023-11-14T22:13:20Z/index.json.blob",
            "host/a/2023-11-14T22:13:20Z/root.tmp_didx",
            "ns/x/ns/y/vm/1/2023-11-14T22:13:20Z/disk.img.fidx",
            "old copies/root.pxar.didx",
            ".chunks/0000/strange.fidx",
            "host/.trash/root.pxar.didx",
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("host"), dir.path().join("ct")).unwrap();
        let found = all_indexes(dir.path(), &Unwatched).unwrap();
        let found: Vec<&str> = found.iter().filter_map(|path| path.to_str()).collect();
        assert_eq!(
            found,
            [
                "host/a/2023-11-14T22:13:20Z/disk.img.fidx",
                "host/a/2023-11-14T22:13:20Z/root.pxar.didx",
                "ns/x/ns/y/vm/1/2023-11-14T22:13:20Z/disk.img.fidx",
                "old copies/root.pxar.didx",
            ]
        );
        assert!(all_indexes(&dir.path().join("gone"), &Unwatched).is_err());
    }

    #[test]
    fn what_may_not_be_read() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        for (folder, expected) in [
            ("lost+found", true),
            ("host/lost+found", false),
            ("host", false),
        ] {
            assert_eq!(
                may_be_skipped(Path::new(folder), &denied()),
                expected,
                "{folder}"
            );
        }
    }
}

//! Whether two datastores would lie in one place, whatever their paths look like: links and bind mounts give one folder several names. Two
//! datastores over the same chunks collect each other's as garbage.
//!
//! To look at disks may take long, so nobody does it while he holds a lock on a file that others wait for.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::dir::{ConfigDir, FileSpec};
use crate::edit::EditError;
use crate::files::{Datastore, Datastores};

/// Where a datastore keeps its chunks.
const CHUNKS: &str = ".chunks";

/// A folder, by device and inode.
type Identity = (u64, u64);

/// Sees on the disks whether a datastore would share its place with another one. Once its device is mounted, more can be seen.
pub fn check_place(dir: &ConfigDir, new: &Datastore) -> Result<(), EditError> {
    let datastores = Datastores::parse(&dir.read(FileSpec::DATASTORE)?.0)?;
    let wanted = new.directory();
    for other in datastores.list()? {
        if other.name != new.name && is_shared(&wanted, &other.directory()) {
            return Err(EditError::NestedDatastore {
                path: new.path.clone(),
                other: other.name,
                other_path: other.path,
            });
        }
    }
    Ok(())
}

fn is_shared(a: &Path, b: &Path) -> bool {
    let chunks = identity(&a.join(CHUNKS));
    is_within(a, b) || is_within(b, a) || chunks.is_some() && chunks == identity(&b.join(CHUNKS))
}

/// Whether `inner` is `outer`, or would lie below it. What is not there yet will lie where its parent is.
fn is_within(inner: &Path, outer: &Path) -> bool {
    let Some(outer) = identity(outer) else {
        return false;
    };
    let there = inner.ancestors().find_map(|path| path.canonicalize().ok());
    there.is_some_and(|there| there.ancestors().any(|path| identity(path) == Some(outer)))
}

/// Whether one folder is the other, or would lie in it, whatever their paths look like.
pub fn shares_place(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a) || is_within(a, b) || is_within(b, a)
}

fn identity(path: &Path) -> Option<Identity> {
    let stat = path.metadata().ok()?;
    Some((stat.dev(), stat.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_of_one_place() {
        let temp = tempfile::tempdir().expect("tempdir");
        let at = |path: &str| temp.path().join(path);
        for path in [
            "disk/one/.chunks",
            "disk/two/.chunks",
            "disk/one/ns",
            "three",
        ] {
            fs::create_dir_all(at(path)).expect("folder");
        }
        symlink("disk", at("link")).expect("link");
        symlink(at("disk/one/.chunks"), at("three/.chunks")).expect("link");
        for (a, b, expected) in [
            ("disk/one", "disk/two", false),
            ("disk/one", "disk/one2", false),
            ("disk/new", "disk/one", false),
            ("link/two", "disk/one", false),
            ("gone/one", "disk/one", false),
            ("link/one", "disk/one", true),
            ("link/one/below/it", "disk/one", true),
            ("link", "disk/one", true),
            ("three", "disk/one", true),
            ("three", "disk/two", false),
        ] {
            assert_eq!(is_shared(&at(a), &at(b)), expected, "{a} {b}");
            assert_eq!(is_shared(&at(b), &at(a)), expected, "{b} {a}");
        }
    }
}

//! Whether two datastores would lie in one place, whatever their paths look like: links and bind mounts give one folder several names. Two
//! datastores over the same chunks collect each other's as garbage.
//!
//! To look at disks may take long, so nobody does it while he holds a lock on a file that others wait for.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::mounts::MountTable;
use crate::dir::{ConfigDir, FileSpec};
use crate::edit::EditError;
use crate::files::{Datastore, Datastores};

/// Where a datastore keeps its chunks.
const CHUNKS: &str = ".chunks";
/// How long each disk is waited for: one that sleeps needs a few seconds, one whose server is gone never answers.
const PATIENCE: Duration = Duration::from_secs(8);

/// A folder, by device and inode.
type Identity = (u64, u64);

/// Sees on the disks whether a datastore would share its place with another one. Once its device is mounted, more can be seen. A disk that does
/// not answer is waited for only so long; then the table of mounts tells whether it is another one than that of the new datastore.
pub fn check_place(dir: &ConfigDir, new: &Datastore) -> Result<(), EditError> {
    let datastores = Datastores::parse(&dir.read(FileSpec::DATASTORE)?.0)?;
    let others = datastores.list()?;
    let others: Vec<_> = (others.iter())
        .filter(|other| other.name != new.name)
        .collect();
    let wanted = new.directory();
    let places: Vec<PathBuf> = others.iter().map(|other| other.directory()).collect();
    let seen = compare(&wanted, &places, PATIENCE, is_shared);
    let Some(seen) = seen else {
        return Err(EditError::SilentPlace(new.path.clone()));
    };
    for (other, seen) in others.into_iter().zip(seen) {
        let (path, other, other_path) = (new.path.clone(), other.name.clone(), other.path.clone());
        match seen {
            Seen::Apart => {}
            Seen::Shared => {
                return Err(EditError::NestedDatastore {
                    path,
                    other,
                    other_path,
                });
            }
            Seen::Unknown => {
                return Err(EditError::UnseenDatastore {
                    path,
                    other,
                    other_path,
                });
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Apart,
    Shared,
    Unknown,
}

/// What `look` says of each of the others; nothing if the wanted place itself cannot be looked at. Who does not answer keeps a thread.
fn compare(
    wanted: &Path,
    others: &[PathBuf],
    patience: Duration,
    look: fn(&Path, &Path) -> bool,
) -> Option<Vec<Seen>> {
    let mine = wanted.to_owned();
    let real = seen_within(patience, move || real(&mine))?;
    let seen = |other: &PathBuf| {
        let (mine, there) = (wanted.to_owned(), other.clone());
        match seen_within(patience, move || look(&mine, &there)) {
            Some(true) => Seen::Shared,
            Some(false) => Seen::Apart,
            // Nobody answers there, so it is not where we have just had an answer, unless that is the same disk and it is merely slow.
            None => match MountTable::read().is_ok_and(|table| table.differ(&real, other)) {
                true => Seen::Apart,
                false => Seen::Unknown,
            },
        }
    };
    Some(others.iter().map(seen).collect())
}

fn seen_within<T: Send + 'static>(
    patience: Duration,
    look: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = mpsc::sync_channel(1);
    let look = move || drop(tell.send(look()));
    thread::Builder::new()
        .name("compare-places".to_owned())
        .spawn(look)
        .ok()?;
    told.recv_timeout(patience).ok()
}

/// Where a place really is, or, if it is not there yet, the one above it.
fn real(path: &Path) -> PathBuf {
    (path.ancestors())
        .find_map(|path| fs::canonicalize(path).ok())
        .unwrap_or_else(|| path.to_owned())
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
    (real(inner).ancestors()).any(|path| identity(path) == Some(outer))
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

    /// Whoever made a datastore waited for the disks of all others, for ever if one did not answer.
    #[test]
    fn a_silent_disk_is_not_waited_for() {
        fn look(a: &Path, b: &Path) -> bool {
            if [a, b].iter().any(|path| path.ends_with("silent")) {
                loop {
                    thread::park();
                }
            }
            a == b
        }
        let temp = tempfile::tempdir().expect("tempdir");
        let wanted = temp.path().join("new");
        let others = ["silent", "one", "new"].map(|name| temp.path().join(name));
        let patience = Duration::from_millis(50);
        let seen = compare(&wanted, &others, patience, look);
        assert_eq!(
            seen,
            Some(vec![Seen::Unknown, Seen::Apart, Seen::Shared]),
            "on the same disk one cannot know"
        );
        let elsewhere = [PathBuf::from("/proc/silent")];
        let seen = compare(&wanted, &elsewhere, patience, look);
        assert_eq!(seen, Some(vec![Seen::Apart]), "another disk");
    }
}

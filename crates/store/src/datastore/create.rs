//! Making a datastore, and taking back what was made (formats.md 1.2, server.md 5.3).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Datastore;
use crate::chunk::ChunkError;
use crate::error::StoreError;
use crate::files::{self, Durable};
use crate::layout::{self, CHUNKS, PROCESS_LOCK};
use crate::local::LocalChunks;
use crate::owner::{self, Heir};
use crate::watch::{Unwatched, Watch};

/// What a creation made. Dropping it keeps it all.
#[derive(Debug)]
pub struct Made {
    base: PathBuf,
    /// The folders that were not there before, the innermost first.
    folders: Vec<PathBuf>,
}

impl Made {
    /// Removes what was made and nothing that was there before.
    pub fn undo(self) -> Result<(), StoreError> {
        let chunks = self.base.join(CHUNKS);
        match fs::remove_dir_all(&chunks) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("remove", &chunks)(error));
            }
            _ => {}
        }
        files::remove_file(&self.base.join(PROCESS_LOCK))?;
        self.remove_folders();
        Ok(())
    }

    /// Those that are empty: what somebody else put there meanwhile stays.
    fn remove_folders(self) {
        for folder in self.folders {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

impl Datastore {
    /// Makes an empty datastore in the original's layout (formats.md 1.2). The directory may exist if nothing but hidden files and
    /// `lost+found` is in it. What a failed call made is removed again.
    pub fn create(path: &Path) -> Result<(), StoreError> {
        Datastore::create_for(path, None, &Unwatched).map(drop)
    }

    /// The same for a server that runs as the owner of the folder `like`: a directory that root has made, now or before, becomes his with all in it.
    /// Once the watch says so it ends with [`StoreError::Stopped`].
    pub fn create_like(path: &Path, like: &Path, watch: &dyn Watch) -> Result<Made, StoreError> {
        let heir = Heir::of(like).map_err(StoreError::io("stat", like))?;
        Datastore::create_for(path, Some(heir), watch)
    }

    fn create_for(path: &Path, heir: Option<Heir>, watch: &dyn Watch) -> Result<Made, StoreError> {
        check_new(path)?;
        let is_new = |folder: &&Path| fs::symlink_metadata(folder).is_err();
        let folders = path.ancestors().take_while(is_new);
        let made = Made {
            base: path.to_path_buf(),
            folders: folders.map(Path::to_path_buf).collect(),
        };
        match fill(path, heir, watch) {
            Ok(()) => Ok(made),
            Err(error) => {
                made.remove_folders();
                Err(error)
            }
        }
    }

    /// Sees whether a directory is a datastore that can be taken over as it is.
    pub fn check_reusable(path: &Path) -> Result<(), StoreError> {
        let refuse = |reason| {
            Err(StoreError::BadPlace {
                path: path.to_path_buf(),
                reason,
            })
        };
        if !path.join(PROCESS_LOCK).is_file() {
            return refuse("it is no datastore to reuse, .lock is missing");
        }
        let folders = files::list_folders(&path.join(CHUNKS))?;
        let prefixes = folders.iter().filter(|name| layout::is_prefix(name));
        if prefixes.count() != layout::PREFIXES {
            return refuse(
                "it is no whole datastore to reuse, some of the 65536 folders in .chunks are missing",
            );
        }
        match rustix::fs::access(path.join(CHUNKS), rustix::fs::Access::WRITE_OK) {
            Ok(()) => Ok(()),
            Err(_) => refuse("this user may not write to its .chunks"),
        }
    }
}

fn check_new(path: &Path) -> Result<(), StoreError> {
    let refuse = |reason| {
        Err(StoreError::BadPlace {
            path: path.to_path_buf(),
            reason,
        })
    };
    if !path.is_absolute() {
        return refuse("the path must be absolute");
    }
    if path.parent().is_none() {
        return refuse("it is the root of the file system");
    }
    let entries = files::list(path)?;
    if entries.iter().any(|(name, _)| name == CHUNKS) {
        return Err(StoreError::DatastoreAlready {
            path: path.to_path_buf(),
        });
    }
    // It may be held by somebody, and taking the creation back would remove it.
    if entries.iter().any(|(name, _)| name == PROCESS_LOCK) {
        return refuse("it holds a .lock already; remove that if nothing uses it");
    }
    let strange = |name: &str| !name.starts_with('.') && name != "lost+found";
    match entries.iter().any(|(name, _)| strange(name)) {
        true => refuse("the directory is not empty"),
        false => Ok(()),
    }
}

/// Makes all; what a failed call made in the directory is removed again.
fn fill(path: &Path, heir: Option<Heir>, watch: &dyn Watch) -> Result<(), StoreError> {
    owner::make_folders(path, 0o755).map_err(StoreError::io("create", path))?;
    if let Some(heir) = heir {
        fs::File::open(path)
            .and_then(|base| heir.give(base))
            .map_err(StoreError::io("give to its user", path))?;
    }
    LocalChunks::create(path, watch).map_err(|error| match error {
        ChunkError::Stopped => StoreError::Stopped,
        error => error.into(),
    })?;
    let made = files::replace(&path.join(PROCESS_LOCK), b"", Durable::Now);
    if made.is_err() {
        // The first error is the one to tell of; a second one could only be that the first went on.
        let _ = fs::remove_dir_all(path.join(CHUNKS));
    }
    made
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Stops at the n-th look.
    struct Impatient(AtomicUsize);

    impl Watch for Impatient {
        fn log(&self, _: &str) {}

        fn warn(&self, _: &str) {}

        fn stopped(&self) -> bool {
            self.0.fetch_sub(1, Ordering::SeqCst) == 0
        }
    }

    /// Nobody could stop a creation, which takes a while on slow disks; and taking one back removed what had been there before it.
    #[test]
    fn a_creation_that_is_stopped_leaves_what_it_found() {
        let temp = tempfile::tempdir().expect("tempdir");
        let at = |name: &str| temp.path().join(name);
        fs::create_dir_all(at("found")).expect("folder");
        fs::write(at("found/.gc-status"), "mine").expect("file");
        for (path, left) in [("new/deep/vault", "new"), ("found", "found/.chunks")] {
            for stop in [0, 100] {
                let watch = Impatient(AtomicUsize::new(stop));
                let stopped = Datastore::create_like(&at(path), temp.path(), &watch);
                assert!(matches!(stopped, Err(StoreError::Stopped)), "{stopped:?}");
                assert!(!at(left).exists(), "{path} at look {stop}");
            }
        }
        assert!(at("found/.gc-status").exists());
    }

    /// It was overwritten, and removed when the creation was taken back.
    #[test]
    fn a_lock_that_was_there_is_not_touched() {
        let temp = tempfile::tempdir().expect("tempdir");
        let lock = temp.path().join(PROCESS_LOCK);
        fs::write(&lock, "mine").expect("file");
        let refused = Datastore::create(temp.path()).expect_err("refused");
        assert!(refused.to_string().contains(".lock"), "{refused}");
        assert_eq!(fs::read(&lock).expect("file"), b"mine");
        assert_eq!(files::list(temp.path()).expect("list").len(), 1);
    }

    #[test]
    fn a_creation_is_taken_back() {
        let temp = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .expect("tempdir");
        let at = |name: &str| temp.path().join(name);
        fs::create_dir_all(at("found")).expect("folder");
        fs::write(at("found/.gc-status"), "mine").expect("file");
        for path in ["new/deep/vault", "found"] {
            let made = Datastore::create_like(&at(path), temp.path(), &Unwatched).expect("made");
            assert!(at(path).join(CHUNKS).join("ffff").is_dir());
            made.undo().expect("undone");
        }
        let left: Vec<_> = files::list(temp.path()).expect("list");
        assert_eq!(left.len(), 1, "{left:?}");
        let left: Vec<_> = files::list(&at("found")).expect("list");
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

//! Removing a datastore with all that is in it (server.md 5.3).

use std::fs;
use std::io;
use std::path::Path;

use super::Datastore;
use crate::error::StoreError;
use crate::layout::{
    CHUNKS, GC_PROGRESS, GC_SEEN, NAMESPACES, PROCESS_LOCK, SPACE_RECORDS, SPACE_TABLE,
};
use crate::locks::ProcessLockGuard;
use crate::watch::Watch;

/// What goes, snapshots before the chunks that they name: a removal that breaks off leaves chunks nobody needs, never the reverse.
const ENTRIES: [&str; 10] = [
    NAMESPACES,
    "ct",
    "vm",
    "host",
    ".gc-status",
    GC_PROGRESS,
    GC_SEEN,
    SPACE_TABLE,
    SPACE_RECORDS,
    CHUNKS,
];

impl Datastore {
    /// Removes all backups and chunks, then the directory unless something else lies in it. Refused while another process writes
    /// here. There is no way back.
    pub fn destroy(self, watch: &dyn Watch) -> Result<(), StoreError> {
        let guard = self.lock_exclusive()?;
        self.destroy_held(guard, watch)
    }

    /// The same for whoever has locked it exclusively already.
    pub fn destroy_held(
        self,
        guard: ProcessLockGuard,
        watch: &dyn Watch,
    ) -> Result<(), StoreError> {
        let base = self.base().to_path_buf();
        for name in ENTRIES {
            remove(&base.join(name))?;
            watch.log(&format!("removed {name}"));
        }
        drop(guard);
        remove(&base.join(PROCESS_LOCK))?;
        match fs::remove_dir(&base) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                watch.warn(&format!("kept {base:?}, there are other files in it"));
                Ok(())
            }
            // A mount point cannot be removed, and need not be.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(()),
            result => result.map_err(StoreError::io("remove", &base)),
        }
    }
}

fn remove(path: &Path) -> Result<(), StoreError> {
    let result = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(StoreError::io("remove", path)),
    }
}

//! How a backup ends: as a finished snapshot, or as if it had never been.

use std::io;

use format::{ArchiveName, Manifest};

use super::error::SessionError;
use super::known::mark_all;
use super::{Phase, Session, State};
use crate::datastore::{decode_manifest, encode_manifest, remove_snapshot_files};
use crate::error::{StoreError, with_causes};
use crate::files::{self, Durable};

impl Session {
    /// Makes the backup a finished snapshot and lets go of all locks.
    ///
    /// In this order: the manifest is completed, everything else is made durable, the manifest gets its name. So a power cut leaves
    /// either an unfinished snapshot or a whole one. A refused call changes nothing and can be tried again.
    pub fn finish(&self) -> Result<(), SessionError> {
        let mut state = self.state();
        state.require_open()?;
        if !state.writers.is_empty() {
            return Err(SessionError::OpenWriter);
        }
        if let Some(name) = &state.lost {
            return Err(SessionError::ArchiveLost {
                name: name.to_string(),
            });
        }
        if state.files == 0 {
            return Err(SessionError::Empty);
        }
        if let Some(base) = self.base.as_ref().filter(|base| !base.exists()) {
            return Err(SessionError::BaseRemoved {
                snapshot: base.snapshot().clone(),
            });
        }
        let mut manifest = self.uploaded_manifest(&state)?;
        if self.store.chunks().disturbed(self.epoch) {
            self.check_chunks(&state)?;
        }
        manifest.set_chunk_upload_stats(Some(&state.stats));
        let path = self.path.join(ArchiveName::MANIFEST);
        let encoded = encode_manifest(&manifest, &path)?;
        if let Err(error) = self.store.chunks().barrier(self.epoch) {
            if let Some(journal) = &self.journal {
                // Whoever begins meanwhile has seen the loss, too, and removes them himself.
                journal.distrust();
            }
            return Err(StoreError::from(error).into());
        }
        if self.store.durable_before_barrier() == Durable::Now {
            // No barrier covers the folders that were made for this backup: snapshot, group and type.
            for made in self.path.ancestors().take(3) {
                files::sync_parent(made)?;
            }
        }
        files::replace(&path, &encoded, self.store.durable())?;
        state.phase = Phase::Finished;
        state.manifest = None;
        // While the group is locked, so that nobody else's goes.
        if let Some(journal) = &self.journal {
            journal.discard();
        }
        if !self.benchmark {
            state.locks = None;
        }
        Ok(())
    }

    /// Looks whether the chunks of all indexes are still there. A verify may have set one aside after it became known here, or after it
    /// was uploaded and the damaged one was kept, since sizes were the same.
    fn check_chunks(&self, state: &State) -> Result<(), SessionError> {
        let dir = self.store.snapshot(&self.ns, &self.snapshot)?;
        for archive in &state.stored {
            let index = dir.open_index(archive)?;
            let digests = index.iter().map(|(_, digest)| digest).collect();
            let missing = mark_all(self.store.chunks(), digests).map_err(StoreError::from)?;
            if let Some(missing) = missing {
                return Err(SessionError::ChunksSetAside {
                    archive: archive.to_string(),
                    missing: missing.count,
                    first: missing.first,
                });
            }
        }
        Ok(())
    }

    /// The manifest as the client sent it, if it is one, and of this snapshot.
    fn uploaded_manifest(&self, state: &State) -> Result<Manifest, SessionError> {
        let path = self.path.join(ArchiveName::MANIFEST);
        let Some(encoded) = &state.manifest else {
            let source = io::Error::from_raw_os_error(libc::ENOENT);
            return Err(SessionError::NoManifest { path, source });
        };
        let manifest = decode_manifest(encoded, &path).map_err(|error| SessionError::Manifest {
            reason: with_causes(&error),
        })?;
        if manifest.snapshot != self.snapshot {
            let reason = format!(
                "it belongs to '{}', not to '{}'",
                manifest.snapshot, self.snapshot
            );
            return Err(SessionError::Manifest { reason });
        }
        Ok(manifest)
    }

    /// Ends an unfinished session now: removes the snapshot, and a group that this session made if it is empty; lets go of all locks.
    /// A finished backup stays, unless it is a benchmark. Also happens when the session is dropped.
    pub fn abort(&self) {
        let mut state = self.state();
        // Removes their temp files.
        state.writers.clear();
        state.manifest = None;
        let Some(locks) = state.locks.take() else {
            return;
        };
        state.phase = Phase::Ended;
        if let Some(journal) = &self.journal {
            journal.close();
        }
        // Nobody is left to tell of a failure. What stays has no manifest, so it is an unfinished snapshot that can be forgotten.
        if remove_snapshot_files(&self.path).is_ok() {
            locks.snapshot.remove();
        }
        if self.group_is_new {
            let _ = self
                .store
                .remove_if_empty(&self.ns, &self.snapshot.group, locks.group);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.store.doubt_marks();
        self.abort();
    }
}

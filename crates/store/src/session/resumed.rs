//! What an unfinished backup left on the server: chunks that need not be sent again.
//!
//! The journal names them; each is marked as used and then compared with what was recorded, and only then known to this session. What a collection
//! took meanwhile, and what was written anew since, perhaps by somebody else, is not among them.

use std::fs::File;
use std::io::{BufWriter, Seek as _, Write as _};

use format::AuthId;
use format::upload_journal::{Offer, Record};

use super::Session;
use super::error::SessionError;
use super::known::keep_same;
use crate::chunk::Inserted;
use crate::error::StoreError;
use crate::files;
use crate::uploads::{Journal, Uploads};

/// Chunks that the client may reference.
#[derive(Debug)]
pub struct UploadedBefore {
    /// Their offers, one after the other; nothing if there are none.
    pub offers: Option<File>,
    pub chunks: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Chunks that were recorded and are gone, or other ones by now.
    pub gone: u64,
}

impl Session {
    /// From now on what `who` uploads is recorded until the backup is finished. Not for benchmarks.
    pub fn recorded(mut self, uploads: &Uploads, who: &AuthId) -> Session {
        if !self.benchmark {
            self.journal = uploads.journal(&self.store, &self.ns, &self.snapshot.group, who);
        }
        self
    }

    /// How many chunks unfinished backups of this group by this user have left, before a look whether they are still there.
    pub fn uploads_left(&self) -> u64 {
        self.journal.as_ref().map_or(0, Journal::count)
    }

    /// Why uploads of this session may be missing in its journal; told once.
    pub fn journal_trouble(&self) -> Option<StoreError> {
        self.journal.as_ref()?.trouble()
    }

    /// What unfinished backups of this group by this user have left. It is known to this session from then on.
    pub fn uploaded_before(&self) -> Result<UploadedBefore, SessionError> {
        self.state().require_open()?;
        let mut found = UploadedBefore {
            offers: None,
            chunks: 0,
            bytes: 0,
            gone: 0,
        };
        let journal = self.journal.as_ref();
        let Some(mut records) = journal.map(Journal::records).transpose()?.flatten() else {
            return Ok(found);
        };
        let path = records.path().to_owned();
        let file = files::unnamed(&path)?;
        let mut out = BufWriter::new(&file);
        while let Some(batch) = records.batch()? {
            let recorded = batch.len() as u64;
            let there = keep_same(self.store.chunks(), batch).map_err(StoreError::from)?;
            found.gone += recorded - there.len() as u64;
            self.know(&there)?;
            for Record { offer, .. } in &there {
                found.chunks += 1;
                found.bytes += u64::from(offer.size);
                out.write_all(&offer.encode())
                    .map_err(StoreError::io("write", &path))?;
            }
        }
        out.flush().map_err(StoreError::io("write", &path))?;
        drop(out);
        (&file).rewind().map_err(StoreError::io("read", &path))?;
        found.offers = Some(file);
        Ok(found)
    }

    fn know(&self, there: &[Record]) -> Result<(), SessionError> {
        let mut state = self.state();
        state.require_open()?;
        for Record { offer, .. } in there {
            state.known.add(&offer.digest, u64::from(offer.size));
        }
        Ok(())
    }

    /// Notes an upload that was not known before.
    pub(super) fn note_upload(&self, offer: Offer, inserted: Inserted) {
        let Some(journal) = &self.journal else {
            return;
        };
        // What was there already may have been written without a sync, by the original or at another level: only what was written now was synced.
        if journal.is_synced() && inserted.is_duplicate() {
            return;
        }
        // A chunk that is gone again has none, and then there is nothing to note.
        if let Ok(Some(stamp)) = self.store.chunks().stamp(&offer.digest) {
            journal.record(&Record { offer, stamp });
        }
    }
}

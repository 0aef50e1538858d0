//! A dynamic index being written: entries in order, hashed as they come (formats.md 4.2).

use format::index::{DynamicEntry, HEADER_LEN};
use format::{Digest, DigestWriter, DynamicHeader};

use super::error::{SessionError, WriterKind};
use super::writer::{Announced, Contents, IndexFile};
use crate::datastore::INDEX_MAX;
use crate::error::StoreError;

/// Entries are written in batches of about this many bytes.
const BATCH: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct DynamicWriter {
    index: IndexFile,
    /// Content bytes so far.
    end: u64,
    count: u64,
    hash: Hash,
    /// Entries that are not in the file yet.
    batch: Vec<u8>,
    /// Bytes in the file.
    written: u64,
}

/// Keeps the derived `Debug` of its owner.
struct Hash(DigestWriter);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash")
    }
}

impl DynamicWriter {
    pub(super) fn new(index: IndexFile) -> DynamicWriter {
        let hash = Hash(DigestWriter::new());
        DynamicWriter {
            index,
            end: 0,
            count: 0,
            hash,
            batch: Vec::new(),
            written: HEADER_LEN as u64,
        }
    }

    pub(super) fn index(&self) -> &IndexFile {
        &self.index
    }

    pub(super) fn into_index(self) -> IndexFile {
        self.index
    }

    pub(super) fn append(
        &mut self,
        offset: u64,
        size: u64,
        digest: &Digest,
    ) -> Result<(), SessionError> {
        let name = || self.index.name.to_string();
        if offset != self.end {
            return Err(SessionError::StrangeOffset {
                name: name(),
                have: self.end,
                given: offset,
            });
        }
        let end = self.end.checked_add(size);
        let len = self.written + (self.batch.len() + DynamicEntry::LEN) as u64;
        let (Some(end), true) = (end, len <= INDEX_MAX) else {
            return Err(SessionError::IndexTooLarge {
                name: name(),
                max: INDEX_MAX,
            });
        };
        if self.batch.len() >= BATCH {
            self.flush()?;
        }
        let entry = DynamicEntry {
            end,
            digest: *digest,
        }
        .encode();
        self.hash.0.update(&entry);
        self.batch.extend_from_slice(&entry);
        self.end = end;
        self.count += 1;
        Ok(())
    }

    pub(super) fn complete(&mut self, announced: Announced<'_>) -> Result<Contents, SessionError> {
        let (kind, name) = (WriterKind::Dynamic, self.index.name.to_string());
        if announced.count != self.count {
            return Err(SessionError::CloseCount {
                kind,
                name,
                have: self.count,
                given: announced.count,
            });
        }
        if announced.size != self.end {
            return Err(SessionError::CloseSize {
                kind,
                name,
                have: self.end,
                given: announced.size,
            });
        }
        let csum = self.hash.0.clone().finish();
        if csum != *announced.csum {
            return Err(SessionError::CloseChecksum { kind, name });
        }
        self.flush()?;
        let header = DynamicHeader {
            uuid: self.index.uuid,
            ctime: self.index.ctime,
            csum,
        };
        self.index.write_at(&header.encode(), 0)?;
        Ok(Contents {
            count: self.count,
            size: self.end,
        })
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.index.write_at(&self.batch, self.written)?;
        self.written += self.batch.len() as u64;
        self.batch.clear();
        Ok(())
    }
}

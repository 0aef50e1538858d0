//! A fixed index being written: digests at their places, in any order (formats.md 4.1, protocol.md 3.3).

use std::os::unix::fs::FileExt;

use format::index::HEADER_LEN;
use format::{Digest, DigestWriter, FIXED_CHUNK, FixedHeader};

use super::error::{SessionError, WriterKind};
use super::writer::{Announced, Contents, IndexFile};
use crate::datastore::INDEX_MAX;
use crate::error::StoreError;

const DIGEST_LEN: u64 = 32;

#[derive(Debug)]
pub(super) struct FixedWriter {
    index: IndexFile,
    extent: Extent,
    /// Entries that were sent, repeated ones included.
    appended: u64,
    /// The entries were copied from the previous backup; only changed ones are sent.
    reused: bool,
    /// A chunk shorter than the chunk size was uploaded; there can be only one.
    short_seen: bool,
}

/// How much content the image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Declared when the index was opened.
    Known {
        size: u64,
    },
    /// As much as was appended. A short chunk ends it.
    Growing {
        size: u64,
    },
    Ended {
        size: u64,
    },
}

impl Extent {
    fn size(self) -> u64 {
        match self {
            Extent::Known { size } | Extent::Growing { size } | Extent::Ended { size } => size,
        }
    }
}

impl FixedWriter {
    /// For an image of `size` bytes, or of as many as come.
    pub(super) fn new(index: IndexFile, size: Option<u64>) -> Result<FixedWriter, SessionError> {
        let extent = match size {
            Some(size) => Extent::Known { size },
            None => Extent::Growing { size: 0 },
        };
        let writer = FixedWriter {
            index,
            extent,
            appended: 0,
            reused: false,
            short_seen: false,
        };
        let len = writer.header(Digest::ZERO).file_len();
        if len > INDEX_MAX {
            return Err(writer.too_large());
        }
        let temp = &writer.index.temp;
        temp.file()
            .set_len(len)
            .map_err(StoreError::io("extend", temp.path()))?;
        Ok(writer)
    }

    /// Starts from the entries of the previous backup, which has as many chunks.
    pub(super) fn copy_from(
        &mut self,
        digests: impl Iterator<Item = Digest>,
    ) -> Result<(), StoreError> {
        let entries: Vec<u8> = digests.flat_map(|digest| digest.0).collect();
        self.reused = true;
        self.index.write_at(&entries, HEADER_LEN as u64)
    }

    pub(super) fn index(&self) -> &IndexFile {
        &self.index
    }

    pub(super) fn into_index(self) -> IndexFile {
        self.index
    }

    pub(super) fn admit(&mut self, wid: u32, size: u64) -> Result<(), SessionError> {
        if size > FIXED_CHUNK {
            return Err(SessionError::LargeChunk {
                name: self.index.name.to_string(),
                size,
                chunk_size: FIXED_CHUNK,
            });
        }
        if size < FIXED_CHUNK && std::mem::replace(&mut self.short_seen, true) {
            return Err(SessionError::MultipleEndChunks { wid });
        }
        Ok(())
    }

    pub(super) fn append(
        &mut self,
        offset: u64,
        size: u64,
        digest: &Digest,
    ) -> Result<(), SessionError> {
        let extent = self.extent_with(offset, size)?;
        if !offset.is_multiple_of(FIXED_CHUNK) {
            return Err(SessionError::Unaligned { offset });
        }
        let place = FixedHeader::entry_offset(offset / FIXED_CHUNK);
        if place + DIGEST_LEN > INDEX_MAX {
            return Err(self.too_large());
        }
        self.index.write_at(digest.as_bytes(), place)?;
        self.extent = extent;
        self.appended += 1;
        Ok(())
    }

    /// The extent after a chunk at `offset`, if it fits there.
    fn extent_with(&self, offset: u64, size: u64) -> Result<Extent, SessionError> {
        let have = self.extent.size();
        let end = offset.checked_add(size).ok_or(SessionError::ExceedsSize {
            end: u64::MAX,
            size: have,
        })?;
        let grows = matches!(self.extent, Extent::Growing { .. });
        if end > have && !grows {
            return Err(SessionError::ExceedsSize { end, size: have });
        }
        let is_last = if grows { end > have } else { end == have };
        if size > FIXED_CHUNK || size != FIXED_CHUNK && !is_last {
            return Err(SessionError::UnexpectedLength {
                size,
                chunk_size: FIXED_CHUNK,
            });
        }
        Ok(match self.extent {
            Extent::Growing { .. } if size < FIXED_CHUNK => Extent::Ended { size: end },
            Extent::Growing { .. } => Extent::Growing {
                size: end.max(have),
            },
            extent => extent,
        })
    }

    pub(super) fn complete(&mut self, announced: Announced<'_>) -> Result<Contents, SessionError> {
        let (kind, name) = (WriterKind::Fixed, self.index.name.to_string());
        let size = self.extent.size();
        let count = size.div_ceil(FIXED_CHUNK);
        if announced.count != self.appended {
            return Err(SessionError::CloseAppends {
                name,
                have: self.appended,
                given: announced.count,
            });
        }
        if count == 0 {
            return Err(SessionError::CloseEmpty { name });
        }
        if !self.reused && announced.count != count {
            return Err(SessionError::CloseCount {
                kind,
                name,
                have: count,
                given: announced.count,
            });
        }
        if !self.reused && announced.size != size {
            return Err(SessionError::CloseSize {
                kind,
                name,
                have: size,
                given: announced.size,
            });
        }
        let csum = self.csum(count)?;
        if csum != *announced.csum {
            return Err(SessionError::CloseChecksum { kind, name });
        }
        self.index.write_at(&self.header(csum).encode(), 0)?;
        Ok(Contents { count, size })
    }

    /// Over all digests; places that nothing was written to count as zeroes.
    fn csum(&self, count: u64) -> Result<Digest, StoreError> {
        let temp = &self.index.temp;
        let mut hash = DigestWriter::new();
        let mut buffer = vec![0; 64 << 10];
        let (mut at, end) = (
            FixedHeader::entry_offset(0),
            FixedHeader::entry_offset(count),
        );
        while at < end {
            let part = &mut buffer[..usize::try_from(end - at)
                .unwrap_or(usize::MAX)
                .min(64 << 10)];
            temp.file()
                .read_exact_at(part, at)
                .map_err(StoreError::io("read", temp.path()))?;
            hash.update(part);
            at += part.len() as u64;
        }
        Ok(hash.finish())
    }

    fn header(&self, csum: Digest) -> FixedHeader {
        let (uuid, ctime) = (self.index.uuid, self.index.ctime);
        FixedHeader {
            uuid,
            ctime,
            csum,
            size: self.extent.size(),
            chunk_size: FIXED_CHUNK,
        }
    }

    fn too_large(&self) -> SessionError {
        SessionError::IndexTooLarge {
            name: self.index.name.to_string(),
            max: INDEX_MAX,
        }
    }
}

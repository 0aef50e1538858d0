//! An index being written: what both kinds share, and which of them it is.
//!
//! A writer fills a temp file next to the index's final name. Everything the client announced about it is compared before the file is
//! renamed, so a refused close changes nothing and can be tried again. Dropping a writer removes its file.

use std::path::Path;

use format::{ArchiveName, Digest};

use super::error::{SessionError, WriterKind};
use super::writer_dynamic::DynamicWriter;
use super::writer_fixed::FixedWriter;
use crate::chunk::Inserted;
use crate::clock::unix_now;
use crate::error::StoreError;
use crate::files::{Durable, TempFile};

/// What was uploaded for one index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Uploads {
    pub(super) chunks: u64,
    pub(super) raw_bytes: u64,
    pub(super) stored_bytes: u64,
    pub(super) duplicates: u64,
}

impl Uploads {
    pub(super) fn add(&mut self, size: u64, inserted: Inserted) {
        self.chunks += 1;
        self.raw_bytes += size;
        self.stored_bytes += inserted.stored();
        self.duplicates += u64::from(inserted.is_duplicate());
    }
}

/// The file of an index and what its header will say.
#[derive(Debug)]
pub(super) struct IndexFile {
    pub(super) name: ArchiveName,
    pub(super) temp: TempFile,
    pub(super) uuid: [u8; 16],
    /// Unix seconds.
    pub(super) ctime: i64,
}

impl IndexFile {
    /// Makes the temp file: `root.pxar.didx` is written as `root.pxar.tmp_didx`. `wid` tells apart the writers of one name.
    pub(super) fn create(
        dir: &Path,
        name: &ArchiveName,
        wid: u32,
    ) -> Result<IndexFile, StoreError> {
        let ending = &name.kind().ending()[1..];
        let usual = dir.join(format!("{}.tmp_{ending}", name.label()));
        let path = if usual.exists() {
            dir.join(format!("{}.tmp_{ending}_{wid}", name.label()))
        } else {
            usual
        };
        let temp = TempFile::create(path)?;
        Ok(IndexFile {
            name: name.clone(),
            temp,
            uuid: uuid::Uuid::new_v4().into_bytes(),
            ctime: unix_now(),
        })
    }

    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), StoreError> {
        use std::os::unix::fs::FileExt;
        self.temp
            .file()
            .write_all_at(bytes, offset)
            .map_err(StoreError::io("write", self.temp.path()))
    }

    /// Gives the index its final name.
    pub(super) fn rename(self, dir: &Path, durable: Durable) -> Result<(), StoreError> {
        self.temp.rename(&dir.join(self.name.as_str()), durable)
    }
}

#[derive(Debug)]
pub(super) enum Writer {
    Dynamic(DynamicWriter),
    Fixed(FixedWriter),
}

/// What the client says an index holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced<'a> {
    pub(super) count: u64,
    pub(super) size: u64,
    pub(super) csum: &'a Digest,
}

/// What an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) count: u64,
    pub(super) size: u64,
}

impl Writer {
    pub(super) fn kind(&self) -> WriterKind {
        match self {
            Writer::Dynamic(_) => WriterKind::Dynamic,
            Writer::Fixed(_) => WriterKind::Fixed,
        }
    }

    pub(super) fn index(&self) -> &IndexFile {
        match self {
            Writer::Dynamic(writer) => writer.index(),
            Writer::Fixed(writer) => writer.index(),
        }
    }

    pub(super) fn into_index(self) -> IndexFile {
        match self {
            Writer::Dynamic(writer) => writer.into_index(),
            Writer::Fixed(writer) => writer.into_index(),
        }
    }

    /// Refuses a chunk that this index cannot hold; called once per upload.
    pub(super) fn admit(&mut self, wid: u32, size: u64) -> Result<(), SessionError> {
        match self {
            Writer::Dynamic(_) => Ok(()),
            Writer::Fixed(writer) => writer.admit(wid, size),
        }
    }

    pub(super) fn append(
        &mut self,
        offset: u64,
        size: u64,
        digest: &Digest,
    ) -> Result<(), SessionError> {
        match self {
            Writer::Dynamic(writer) => writer.append(offset, size, digest),
            Writer::Fixed(writer) => writer.append(offset, size, digest),
        }
    }

    /// Compares what was announced with what is there, and writes the header.
    pub(super) fn complete(&mut self, announced: Announced<'_>) -> Result<Contents, SessionError> {
        match self {
            Writer::Dynamic(writer) => writer.complete(announced),
            Writer::Fixed(writer) => writer.complete(announced),
        }
    }
}

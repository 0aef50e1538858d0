//! Where a walk's members go: archive, catalog, watcher and counts, told of each one in the same step.
//!
//! The walk says once what a member is; nothing else here decides anything. `path` and `metadata` are those of the member at
//! hand, kept from member to member so that their memory is. What a failing member means for the run is told here too: left
//! out with a notice, or the end.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use pxar::item::HEADER_LEN;
use pxar::{EncodeError, Encoder, EntryKind, FileOffset, Metadata, PayloadRef, Sink, Written};
use rustix::io::Errno;

use super::{CatalogSink, CreateError, CreateStats, CreateWatch, Notice, PayloadSink, path_of};
use crate::advice::advised;
use crate::reuse::ReusedChunk;

pub(super) struct Record<'a, S: Sink, P: Sink = Infallible> {
    encoder: Encoder<S, P>,
    catalog: Option<&'a mut dyn CatalogSink>,
    pub(super) watch: &'a mut dyn CreateWatch,
    stats: CreateStats,
    /// Empty for the root, else `/a/b`.
    pub(super) path: Vec<u8>,
    pub(super) metadata: Metadata,
}

impl<'a, S: Sink> Record<'a, S> {
    /// Starts an archive in one piece with its root.
    pub(super) fn start(
        sink: S,
        root: Metadata,
        catalog: Option<&'a mut dyn CatalogSink>,
        watch: &'a mut dyn CreateWatch,
    ) -> Result<Self, CreateError> {
        let encoder = Encoder::new(sink, &root);
        Record::with(encoder.map_err(of_root)?, root, catalog, watch)
    }

    /// Ends the archive.
    pub(super) fn finish(self) -> Result<(S, CreateStats), CreateError> {
        let sink = self.encoder.finish().map_err(of_root)?;
        Ok((sink, self.stats))
    }
}

impl<'a, S: Sink, P: PayloadSink> Record<'a, S, P> {
    /// Starts a split archive with its root.
    pub(super) fn start_split(
        metadata: S,
        payload: P,
        prelude: Option<&[u8]>,
        root: Metadata,
        watch: &'a mut dyn CreateWatch,
    ) -> Result<Self, CreateError> {
        let encoder = Encoder::split(metadata, payload, prelude, &root);
        Record::with(encoder.map_err(of_root)?, root, None, watch)
    }

    /// Ends both halves.
    pub(super) fn finish_split(self) -> Result<(S, P, CreateStats), CreateError> {
        let (metadata, payload) = self.encoder.finish_split().map_err(of_root)?;
        Ok((metadata, payload, self.stats))
    }

    fn with(
        encoder: Encoder<S, P>,
        root: Metadata,
        catalog: Option<&'a mut dyn CatalogSink>,
        watch: &'a mut dyn CreateWatch,
    ) -> Result<Self, CreateError> {
        watch.entry(Path::new(""), &root, &EntryKind::Directory);
        Ok(Record {
            encoder,
            catalog,
            watch,
            stats: CreateStats {
                entries: 1,
                directories: 1,
                ..CreateStats::default()
            },
            path: Vec::new(),
            metadata: root,
        })
    }

    /// Bytes of the payload half so far; nothing for an archive in one piece.
    pub(super) fn payload_position(&self) -> Option<u64> {
        self.encoder.payload_position()
    }

    /// Path of the member relative to the source.
    pub(super) fn relative(&self) -> &[u8] {
        self.path.get(1..).unwrap_or_default()
    }

    pub(super) fn start_directory(&mut self, name: &[u8]) -> Result<(), CreateError> {
        self.announce(&EntryKind::Directory);
        self.stats.directories += 1;
        self.encode(|encoder, metadata| encoder.create_dir(name, metadata))?;
        self.note(|catalog| catalog.start_directory(name))
    }

    pub(super) fn end_directory(&mut self) -> Result<(), CreateError> {
        self.encode(|encoder, _| encoder.finish_dir())?;
        self.note(|catalog| catalog.end_directory())
    }

    /// Stores a file of `size` bytes, which `read` gives.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        size: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> Result<Written, CreateError> {
        self.announce(&EntryKind::File { size });
        self.stats.files += 1;
        self.stats.file_bytes += size;
        self.stats.reuse.files_read += 1;
        self.stats.reuse.bytes_read += HEADER_LEN + size;
        self.suggest_boundary()?;
        let written =
            self.encode(|encoder, metadata| encoder.add_file(name, metadata, size, read))?;
        let mtime = self.metadata.mtime.secs;
        self.note(|catalog| catalog.file(name, size, mtime))?;
        Ok(written)
    }

    /// Stores a file of a split archive whose data is at `reference`.
    pub(super) fn file_ref(
        &mut self,
        name: &[u8],
        reference: PayloadRef,
    ) -> Result<FileOffset, CreateError> {
        let size = reference.size;
        self.announce(&EntryKind::File { size });
        self.stats.files += 1;
        self.stats.file_bytes += size;
        self.stats.reuse.files_reused += 1;
        self.stats.reuse.bytes_reused += HEADER_LEN + size;
        self.suggest_boundary()?;
        self.encode(|encoder, metadata| encoder.add_file_ref(name, metadata, reference))
    }

    /// Puts chunks of the previous archive into the payload half.
    pub(super) fn inject(&mut self, chunks: &[ReusedChunk]) -> Result<(), CreateError> {
        let bytes = chunks.iter().map(|chunk| chunk.size).sum();
        let reuse = &mut self.stats.reuse;
        reuse.chunks_injected += chunks.len() as u64;
        reuse.bytes_injected += bytes;
        for chunk in chunks.iter().filter(|chunk| chunk.padding > 0) {
            reuse.chunks_padded += 1;
            reuse.bytes_padding += chunk.padding;
        }
        self.encode(|encoder, _| {
            if let Some(payload) = encoder.payload_mut() {
                payload.inject(chunks).map_err(EncodeError::Write)?;
            }
            encoder.advance_payload(bytes)
        })
    }

    fn suggest_boundary(&mut self) -> Result<(), CreateError> {
        self.encode(|encoder, _| match encoder.payload_mut() {
            Some(payload) => payload.suggest_boundary().map_err(EncodeError::Write),
            None => Ok(()),
        })
    }

    /// Stores another name of the file that is at `target` under `path`.
    pub(super) fn hard_link(
        &mut self,
        name: &[u8],
        path: &[u8],
        target: FileOffset,
    ) -> Result<(), CreateError> {
        self.metadata.clear();
        self.announce(&EntryKind::Hardlink {
            path: path.to_vec(),
            offset: self.encoder.position() - target.0,
        });
        self.stats.hard_links += 1;
        self.encode(|encoder, _| encoder.add_hardlink(name, path, target))?;
        self.note(|catalog| catalog.hard_link(name))
    }

    pub(super) fn symlink(&mut self, name: &[u8], target: Vec<u8>) -> Result<(), CreateError> {
        let kind = EntryKind::Symlink { target };
        self.announce(&kind);
        if let EntryKind::Symlink { target } = &kind {
            self.encode(|encoder, metadata| encoder.add_symlink(name, metadata, target))?;
        }
        self.note(|catalog| catalog.symlink(name))
    }

    /// Stores a block or character device, told apart by the mode.
    pub(super) fn device(
        &mut self,
        name: &[u8],
        major: u64,
        minor: u64,
    ) -> Result<(), CreateError> {
        self.announce(&EntryKind::Device { major, minor });
        self.encode(|encoder, metadata| encoder.add_device(name, metadata, major, minor))?;
        if self.metadata.file_type() == pxar::metadata::mode::BLOCK {
            self.note(|catalog| catalog.block_device(name))
        } else {
            self.note(|catalog| catalog.char_device(name))
        }
    }

    pub(super) fn fifo(&mut self, name: &[u8]) -> Result<(), CreateError> {
        self.announce(&EntryKind::Fifo);
        self.encode(|encoder, metadata| encoder.add_fifo(name, metadata))?;
        self.note(|catalog| catalog.fifo(name))
    }

    pub(super) fn socket(&mut self, name: &[u8]) -> Result<(), CreateError> {
        self.announce(&EntryKind::Socket);
        self.encode(|encoder, metadata| encoder.add_socket(name, metadata))?;
        self.note(|catalog| catalog.socket(name))
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        self.stats.warnings += u64::from(notice.is_loss());
        self.watch.notice(&notice);
    }

    /// What a system call that failed on the member means: left out with a notice, or the end.
    pub(super) fn skip_or_fail(
        &mut self,
        action: &'static str,
        errno: Errno,
    ) -> Result<(), CreateError> {
        let path = path_of(self.relative());
        match errno {
            Errno::NOENT => self.notice(Notice::Vanished(path)),
            Errno::ACCESS => self.notice(Notice::NoPermission(path)),
            Errno::STALE => self.notice(Notice::Stale(path)),
            errno => return Err(io_error(action, self.relative(), errno)),
        }
        Ok(())
    }

    fn announce(&mut self, kind: &EntryKind) {
        self.stats.entries += 1;
        let path = Path::new(OsStr::from_bytes(self.path.get(1..).unwrap_or_default()));
        self.watch.entry(path, &self.metadata, kind);
    }

    fn encode<T>(
        &mut self,
        write: impl FnOnce(&mut Encoder<S, P>, &Metadata) -> Result<T, EncodeError>,
    ) -> Result<T, CreateError> {
        write(&mut self.encoder, &self.metadata).map_err(|source| {
            let path = path_of(self.path.get(1..).unwrap_or_default());
            match source {
                EncodeError::Read(source) => CreateError::Io {
                    action: "read",
                    path,
                    source,
                },
                source => CreateError::Encode { path, source },
            }
        })
    }

    fn note(
        &mut self,
        write: impl FnOnce(&mut dyn CatalogSink) -> io::Result<()>,
    ) -> Result<(), CreateError> {
        let Some(catalog) = self.catalog.as_deref_mut() else {
            return Ok(());
        };
        write(catalog).map_err(|source| CreateError::Catalog {
            path: path_of(self.relative()),
            source,
        })
    }
}

fn of_root(source: EncodeError) -> CreateError {
    CreateError::Encode {
        path: path_of(b"."),
        source,
    }
}

/// An error on the member at `path`, which is relative to the source and empty for the source itself.
pub(super) fn io_error(action: &'static str, path: &[u8], errno: Errno) -> CreateError {
    let path = if path.is_empty() { b"." } else { path };
    CreateError::Io {
        action,
        path: path_of(path),
        source: advised(errno.into()),
    }
}

//! What a caller asks for, looked at before anything is done: names that fit their sources, none twice, and sizes that there are.

use std::collections::HashSet;

use format::index::FIXED_CHUNK;
use format::{ArchiveKind, ArchiveName, CHUNK_ENCODED_MAX};

use crate::cut::Sizes;
use crate::error::Error;
use crate::options::{BackupOptions, Source, SourceKind};

/// Lengths of the buffers that a backup needs.
pub(crate) struct BufferSizes {
    pub piece: usize,
    pub sealed: usize,
    /// Pieces that are filled at the same time besides the first.
    pub writers: usize,
}

pub(crate) fn check(options: &BackupOptions, sources: &[Source]) -> Result<BufferSizes, Error> {
    let avg = options.chunk_size_avg;
    let unsupported = Error::ChunkSize { size: avg };
    if avg < BackupOptions::CHUNK_SIZE_MIN {
        return Err(unsupported);
    }
    let (Ok(tree), Ok(payload)) = (Sizes::of(avg), Sizes::of_payload(avg)) else {
        return Err(unsupported);
    };
    let mut seen = HashSet::new();
    let has_split = sources
        .iter()
        .any(|source| matches!(source.kind, SourceKind::SplitTree(..)));
    let (mut piece, mut sealed) = (0, 0);
    for source in sources {
        let archive = &source.archive;
        if !seen.insert(archive) || archive.is_manifest() {
            return Err(Error::Twice {
                archive: archive.clone(),
            });
        }
        let (kind, wanted, piece_len, chunk_max) = match source.kind {
            SourceKind::Tree(_) => (
                ArchiveKind::Dynamic,
                "an archive of a directory",
                tree.buffer_len(),
                tree.piece_max,
            ),
            SourceKind::SplitTree(..) if payload_half(archive).is_none() => {
                return Err(Error::WrongName {
                    archive: archive.clone(),
                    wanted: "the metadata half of a split archive",
                });
            }
            SourceKind::SplitTree(..) => (
                ArchiveKind::Dynamic,
                "the metadata half of a split archive",
                payload.buffer_len(),
                payload.piece_max,
            ),
            SourceKind::Image => (
                ArchiveKind::Fixed,
                "an image",
                FIXED_CHUNK as usize,
                FIXED_CHUNK as usize,
            ),
            SourceKind::File => (ArchiveKind::Blob, "a blob", 0, 0),
        };
        if archive.kind() != kind {
            return Err(Error::WrongName {
                archive: archive.clone(),
                wanted,
            });
        }
        piece = piece.max(piece_len);
        sealed = sealed.max(sealed_max(chunk_max));
    }
    Ok(BufferSizes {
        piece: piece.max(1),
        sealed: sealed.max(1),
        writers: usize::from(has_split),
    })
}

/// The payload half that belongs to a metadata half.
pub(crate) fn payload_half(metadata: &ArchiveName) -> Option<ArchiveName> {
    let stem = metadata.label().strip_suffix(".mpxar")?;
    format!("{stem}.ppxar.didx").parse().ok()
}

/// Largest blob of a chunk of `len` bytes, as a whole number of pages.
pub(crate) fn sealed_max(len: usize) -> usize {
    (len + (CHUNK_ENCODED_MAX - format::CHUNK_RAW_MAX)).next_multiple_of(4096)
}

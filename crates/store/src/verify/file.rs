//! One file of a snapshot against its entry in the manifest.

use format::{
    ArchiveKind, BLOB_RAW_MAX, Blob, BlobError, BlobKind, Decompressor, Digest, ManifestFile,
};

use super::VerifyMemory;
use super::chunks::{self, Outcome};
use crate::datastore::{Datastore, SnapshotDir};
use crate::error::StoreError;
use crate::files;
use crate::watch::Watch;

/// What became of a file; details are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileOutcome {
    Ok,
    Damaged,
    Stopped,
}

/// What is wrong with a file as a whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("wrong size ({expected} != {found})")]
    Size { expected: u64, found: u64 },
    #[error("wrong checksum ({expected} != {found})")]
    Checksum { expected: Digest, found: Digest },
    #[error("its blob is damaged")]
    Blob(#[from] BlobError),
}

/// The largest blob file.
const BLOB_FILE_MAX: u64 = BLOB_RAW_MAX as u64 + 44;

pub(super) fn verify(
    store: &Datastore,
    dir: &SnapshotDir,
    entry: &ManifestFile,
    memory: &mut VerifyMemory,
    watch: &dyn Watch,
) -> Result<FileOutcome, FileError> {
    if entry.filename.kind() == ArchiveKind::Blob {
        verify_blob(dir, entry)?;
        return Ok(FileOutcome::Ok);
    }
    let index = dir.open_index(&entry.filename)?;
    compare(entry, index.size(), index.csum())?;
    let label = format!("{}/{}", dir.relative_path(), entry.filename);
    Ok(
        match chunks::verify(store, &index, entry.crypt_mode, &label, memory, watch) {
            Outcome { stopped: true, .. } => FileOutcome::Stopped,
            Outcome { errors: 0, .. } => FileOutcome::Ok,
            Outcome { .. } => FileOutcome::Damaged,
        },
    )
}

fn verify_blob(dir: &SnapshotDir, entry: &ManifestFile) -> Result<(), FileError> {
    let path = dir.path().join(entry.filename.as_str());
    let bytes = files::read_bounded(&dir.open_file(&entry.filename)?, &path, BLOB_FILE_MAX)?;
    compare(entry, bytes.len() as u64, Digest::of(&bytes))?;
    let blob = Blob::parse(&bytes)?;
    blob.check_crc()?;
    // Encrypted ones can be looked into with their key only. A blob's kind says nothing about the entry's mode: the wrapped key is plain.
    if matches!(blob.kind(), BlobKind::Plain | BlobKind::Zstd) {
        Decompressor::new().decode(&blob, BLOB_RAW_MAX, &mut Vec::new())?;
    }
    Ok(())
}

fn compare(entry: &ManifestFile, size: u64, csum: Digest) -> Result<(), FileError> {
    if size != entry.size {
        return Err(FileError::Size {
            expected: entry.size,
            found: size,
        });
    }
    if csum != entry.csum {
        return Err(FileError::Checksum {
            expected: entry.csum,
            found: csum,
        });
    }
    Ok(())
}

//! One file of a snapshot against its entry in the manifest.

use std::fs::File;
use std::io::{self, Read};

use format::{
    ArchiveKind, BLOB_RAW_MAX, BlobError, BlobReadError, BlobReader, Digest, DigestWriter,
    ManifestFile, Window,
};

use super::VerifyMemory;
use super::chunks::{self, Outcome};
use crate::datastore::{Datastore, SnapshotDir};
use crate::error::StoreError;
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
    let file = dir.open_file(&entry.filename)?;
    let stat = file.metadata().map_err(StoreError::io("stat", &path))?;
    if stat.len() > BLOB_FILE_MAX {
        return Err(FileError::Store(StoreError::TooLarge {
            path,
            size: stat.len(),
            max: BLOB_FILE_MAX,
        }));
    }
    let mut counted = Counted::new(file.take(BLOB_FILE_MAX + 1));
    let content = BlobReader::new(&mut counted, BLOB_RAW_MAX, Window::Any);
    let content = content.and_then(BlobReader::check);
    // Damage in the middle leaves the rest unread.
    io::copy(&mut counted, &mut io::sink()).map_err(StoreError::io("read", &path))?;
    compare(entry, counted.size, counted.digest.finish())?;
    match content {
        // These can be looked into with their key only. A blob's kind says nothing about the entry's mode: the wrapped key is plain.
        Ok(()) | Err(BlobReadError::Blob(BlobError::Encrypted)) => Ok(()),
        Err(BlobReadError::Blob(error)) => Err(error.into()),
        Err(BlobReadError::Io(error)) => Err(StoreError::io("read", &path)(error).into()),
    }
}

/// A blob's file, with size and digest of what was read of it: neither it nor its content is ever held whole.
struct Counted {
    file: io::Take<File>,
    size: u64,
    digest: DigestWriter,
}

impl Counted {
    fn new(file: io::Take<File>) -> Counted {
        let digest = DigestWriter::new();
        Counted {
            file,
            size: 0,
            digest,
        }
    }
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buf)?;
        self.size += len as u64;
        self.digest.update(&buf[..len]);
        Ok(len)
    }
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

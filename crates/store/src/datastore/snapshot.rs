//! One snapshot on disk: its files, its manifest, its marks (formats.md 1.4 and 6.4, protocol.md 6.3).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use format::{
    ArchiveKind, ArchiveName, Blob, BlobError, CHUNK_ENCODED_MAX, Compressor, Decompressor, Index,
    Manifest, Namespace, Snapshot,
};

use super::Datastore;
use crate::error::StoreError;
use crate::files;
use crate::layout::{LockObject, PROTECTED, relative};
use crate::locks::{LockGuard, LockMode};
use crate::owner;

/// The largest index that is read or written: some hundred terabytes of content.
pub(crate) const INDEX_MAX: u64 = 1 << 30;
/// The largest text of a manifest.
const MANIFEST_RAW_MAX: usize = 16 << 20;

/// A snapshot as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    pub snapshot: Snapshot,
    pub protected: bool,
    /// Files on disk in the order of their names, manifest included.
    pub files: Vec<ArchiveName>,
}

impl SnapshotInfo {
    /// Whether the manifest is there.
    pub fn is_finished(&self) -> bool {
        self.files.iter().any(ArchiveName::is_manifest)
    }
}

/// A snapshot's directory. Having one means only that it was there; nothing is locked.
#[derive(Clone)]
pub struct SnapshotDir {
    store: Datastore,
    ns: Namespace,
    snapshot: Snapshot,
    path: PathBuf,
}

impl Datastore {
    pub fn snapshot(&self, ns: &Namespace, snapshot: &Snapshot) -> Result<SnapshotDir, StoreError> {
        let path = self.snapshot_path(ns, snapshot);
        if !fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_dir()) {
            return Err(StoreError::NoSnapshot {
                snapshot: snapshot.clone(),
            });
        }
        Ok(SnapshotDir {
            store: self.clone(),
            ns: ns.clone(),
            snapshot: snapshot.clone(),
            path,
        })
    }
}

impl SnapshotDir {
    pub fn namespace(&self) -> &Namespace {
        &self.ns
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `[ns/a/ns/b/]type/id/time`, as task logs show it.
    pub fn relative_path(&self) -> String {
        relative(&self.ns, &self.snapshot.to_string())
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    pub fn is_finished(&self) -> bool {
        self.path.join(ArchiveName::MANIFEST).is_file()
    }

    /// What is on disk now.
    pub fn info(&self) -> Result<SnapshotInfo, StoreError> {
        let mut info = SnapshotInfo {
            snapshot: self.snapshot.clone(),
            protected: false,
            files: Vec::new(),
        };
        let entries = files::list(&self.path)?;
        if entries.is_empty() && !self.exists() {
            return Err(StoreError::NoSnapshot {
                snapshot: self.snapshot.clone(),
            });
        }
        for (name, kind) in entries {
            if !kind.is_file() {
                continue;
            }
            if name == PROTECTED {
                info.protected = true;
            } else if let Ok(name) = name.parse() {
                info.files.push(name);
            }
        }
        Ok(info)
    }

    /// The manifest and the length of its file.
    pub fn manifest(&self) -> Result<(Manifest, u64), StoreError> {
        let path = self.path.join(ArchiveName::MANIFEST);
        let file = File::open(&path).map_err(|source| StoreError::LoadBlob {
            path: path.clone(),
            source,
        })?;
        let encoded = files::read_bounded(&file, &path, CHUNK_ENCODED_MAX as u64)?;
        Ok((decode_manifest(&encoded, &path)?, encoded.len() as u64))
    }

    /// Changes the manifest under its lock. An error of `change` itself leaves the manifest as it was.
    pub fn update_manifest<T>(
        &self,
        change: impl FnOnce(&mut Manifest) -> T,
    ) -> Result<T, StoreError> {
        let _lock = self.lock_manifest()?;
        let (mut manifest, _) = self.manifest()?;
        let result = change(&mut manifest);
        let path = self.path.join(ArchiveName::MANIFEST);
        files::replace(
            &path,
            &encode_manifest(&manifest, &path)?,
            self.store.durable(),
        )?;
        Ok(result)
    }

    pub fn notes(&self) -> Result<String, StoreError> {
        Ok(self.manifest()?.0.notes().to_owned())
    }

    pub fn set_notes(&self, notes: &str) -> Result<(), StoreError> {
        self.update_manifest(|manifest| manifest.set_notes(notes))
    }

    /// Protected snapshots are not removed.
    pub fn protected(&self) -> bool {
        self.path.join(PROTECTED).exists()
    }

    /// Needs the snapshot for itself: nobody may be reading or removing it.
    pub fn set_protected(&self, protected: bool) -> Result<(), StoreError> {
        let _lock = self.lock(LockMode::Exclusive)?;
        let path = self.path.join(PROTECTED);
        if !protected {
            return files::remove_file(&path);
        }
        owner::open_or_make(OpenOptions::new().write(true).mode(0o644), &path)
            .map_err(StoreError::io("create", &path))?;
        files::sync_parent(&path)
    }

    /// Stores the client's log, a blob with a right checksum, once.
    pub fn store_log(&self, encoded: &[u8]) -> Result<(), StoreError> {
        Blob::parse(encoded)
            .and_then(|blob| blob.check_crc())
            .map_err(StoreError::Blob)?;
        let _lock = self.lock_manifest()?;
        let path = self.path.join(ArchiveName::CLIENT_LOG);
        if path.exists() {
            return Err(StoreError::LogExists);
        }
        files::replace(&path, encoded, self.store.durable())
    }

    /// Opens a file as it is stored.
    pub fn open_file(&self, name: &ArchiveName) -> Result<File, StoreError> {
        let path = self.path.join(name.as_str());
        File::open(&path).map_err(|source| match (name.kind(), source.kind()) {
            (ArchiveKind::Blob, io::ErrorKind::NotFound) => StoreError::NoFile { path },
            (ArchiveKind::Blob, _) => StoreError::Io {
                action: "open",
                path,
                source,
            },
            (ArchiveKind::Fixed, _) => StoreError::OpenIndex {
                kind: "fixed",
                path,
                source,
            },
            (ArchiveKind::Dynamic, _) => StoreError::OpenIndex {
                kind: "dynamic",
                path,
                source,
            },
        })
    }

    /// Reads an index. Its checksum is not compared: the manifest has the one that counts.
    pub fn open_index(&self, name: &ArchiveName) -> Result<Index, StoreError> {
        let path = self.path.join(name.as_str());
        let bytes = files::read_bounded(&self.open_file(name)?, &path, INDEX_MAX)?;
        Index::parse(name, bytes).map_err(|source| StoreError::BadIndex { path, source })
    }

    /// Keeps the snapshot from being removed while it is read. Fails at once if it is being made or removed.
    pub fn lock_shared(&self) -> Result<LockGuard, StoreError> {
        self.lock(LockMode::Shared)
    }

    pub(crate) fn lock(&self, mode: LockMode) -> Result<LockGuard, StoreError> {
        let locked =
            self.store
                .locks()
                .try_lock(&self.ns, LockObject::Snapshot(&self.snapshot), mode)?;
        let guard = locked.ok_or_else(|| StoreError::Locked {
            object: format!("snapshot {}", self.snapshot),
        })?;
        if self.exists() {
            return Ok(guard);
        }
        if mode == LockMode::Exclusive {
            guard.remove();
        }
        Err(StoreError::NoSnapshot {
            snapshot: self.snapshot.clone(),
        })
    }

    pub(crate) fn lock_manifest(&self) -> Result<LockGuard, StoreError> {
        let locked = self
            .store
            .locks()
            .lock_manifest(&self.ns, LockObject::Manifest(&self.snapshot))?;
        let guard = locked.ok_or_else(|| StoreError::Locked {
            object: format!("manifest of {}", self.snapshot),
        })?;
        if self.exists() {
            return Ok(guard);
        }
        guard.remove();
        Err(StoreError::NoSnapshot {
            snapshot: self.snapshot.clone(),
        })
    }
}

/// Takes a manifest out of its blob, which is never encrypted.
pub(crate) fn decode_manifest(encoded: &[u8], path: &Path) -> Result<Manifest, StoreError> {
    let bad = |source| StoreError::BadBlob {
        path: path.to_path_buf(),
        source,
    };
    let blob = Blob::parse(encoded).map_err(bad)?;
    blob.check_crc().map_err(bad)?;
    let mut json = Vec::new();
    Decompressor::new()
        .decode(&blob, MANIFEST_RAW_MAX, &mut json)
        .map_err(bad)?;
    Manifest::from_json(&json).map_err(|source| StoreError::BadManifest {
        path: path.to_path_buf(),
        source,
    })
}

/// Puts a manifest into a compressed blob. Fails if it has grown larger than what is read again.
pub(crate) fn encode_manifest(manifest: &Manifest, path: &Path) -> Result<Vec<u8>, StoreError> {
    let json = manifest.to_json();
    if json.len() > MANIFEST_RAW_MAX {
        let (path, size, max) = (
            path.to_path_buf(),
            json.len() as u64,
            MANIFEST_RAW_MAX as u64,
        );
        return Err(StoreError::TooLarge { path, size, max });
    }
    let mut encoded = Vec::new();
    let failed = |source: BlobError| StoreError::BadBlob {
        path: path.to_path_buf(),
        source,
    };
    Compressor::new()
        .encode(json.as_bytes(), true, &mut encoded)
        .map_err(failed)?;
    Ok(encoded)
}

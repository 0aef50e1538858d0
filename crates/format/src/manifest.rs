//! The manifest: the list of a snapshot's files, signed where there is a key (formats.md 6).
//!
//! It is JSON inside a plain blob. This is its form, its canonical bytes (what a signature covers) and typed access to the unsigned part,
//! which servers and tools edit later. Making and checking signatures is `crypto`'s, changing the file under its lock is `store`'s.
//! Description: `docs/formats/manifest.md`.

mod canonical;
mod unprotected;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::archive_name::ArchiveName;
use crate::crypt_mode::CryptMode;
use crate::digest::Digest;
use crate::fingerprint::Fingerprint;
use crate::snapshot::{BackupId, BackupTime, BackupType, Group, Snapshot};
use crate::time::TimeRangeError;

pub use canonical::signed_bytes;
pub use unprotected::{ChunkUploadStats, VerifyState, VerifyStateKind};

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("not a manifest")]
    Json(#[from] serde_json::Error),
    #[error("backup time of the manifest is not allowed")]
    Time(#[from] TimeRangeError),
    #[error(
        "manifest cannot be signed: it holds {found} where only text, integers, booleans, arrays and objects can be signed"
    )]
    NotCanonical { found: &'static str },
    #[error("manifest is no JSON object")]
    NotAnObject,
    #[error("manifest names {name} twice")]
    Duplicate { name: ArchiveName },
    #[error("manifest does not name {name}")]
    NoSuchFile { name: ArchiveName },
}

/// One file of a snapshot. The fields stand in the order in which they are written: by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestFile {
    #[serde(default)]
    pub crypt_mode: CryptMode,
    pub csum: Digest,
    pub filename: ArchiveName,
    /// Bytes of content for an index, of the encoded file for a blob.
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub snapshot: Snapshot,
    /// In the order of addition.
    pub files: Vec<ManifestFile>,
    /// 64 hexadecimal digits, unchecked.
    pub signature: Option<String>,
    /// Not covered by the signature; unknown keys in it survive.
    pub unprotected: Value,
}

impl Manifest {
    pub fn new(snapshot: &Snapshot) -> Manifest {
        Manifest {
            snapshot: snapshot.clone(),
            files: Vec::new(),
            signature: None,
            unprotected: Value::Object(serde_json::Map::new()),
        }
    }

    /// Appends a file; each name only once.
    pub fn add_file(&mut self, file: ManifestFile) -> Result<(), ManifestError> {
        if self.file(&file.filename).is_some() {
            return Err(ManifestError::Duplicate {
                name: file.filename,
            });
        }
        self.files.push(file);
        Ok(())
    }

    pub fn file(&self, name: &ArchiveName) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.filename == *name)
    }

    /// Like [`Manifest::file`], for callers to whom a missing file is an error.
    pub fn require_file(&self, name: &ArchiveName) -> Result<&ManifestFile, ManifestError> {
        self.file(name)
            .ok_or_else(|| ManifestError::NoSuchFile { name: name.clone() })
    }

    pub fn from_json(json: &[u8]) -> Result<Manifest, ManifestError> {
        let wire: Wire = serde_json::from_slice(json)?;
        let group = Group::new(wire.backup_type, wire.backup_id);
        let mut manifest = Manifest {
            snapshot: Snapshot::new(group, BackupTime::new(wire.backup_time)?),
            files: Vec::new(),
            signature: wire.signature,
            unprotected: wire.unprotected,
        };
        let mut names = HashSet::with_capacity(wire.files.len());
        if let Some(twice) = wire.files.iter().find(|file| !names.insert(&file.filename)) {
            return Err(ManifestError::Duplicate {
                name: twice.filename.clone(),
            });
        }
        manifest.files = wire.files;
        Ok(manifest)
    }

    /// Indented by two spaces, keys in order, without line end; unsigned manifests say `null`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&self.to_wire()).expect("a manifest has only text keys")
    }

    /// The bytes that a signature covers.
    pub fn canonical(&self) -> Result<Vec<u8>, ManifestError> {
        let value = serde_json::to_value(self.to_wire())?;
        canonical::signed_bytes_of(value)
    }

    /// What protects the snapshot as a whole: encryption if any file has it, else signing if any has it.
    pub fn crypt_mode(&self) -> CryptMode {
        let has = |mode| self.files.iter().any(|file| file.crypt_mode == mode);
        match () {
            () if has(CryptMode::Encrypt) => CryptMode::Encrypt,
            () if has(CryptMode::SignOnly) => CryptMode::SignOnly,
            () => CryptMode::None,
        }
    }

    fn to_wire(&self) -> Wire {
        Wire {
            backup_id: self.snapshot.group.id.clone(),
            backup_time: self.snapshot.time.epoch(),
            backup_type: self.snapshot.group.ty,
            files: self.files.clone(),
            signature: self.signature.clone(),
            unprotected: self.unprotected.clone(),
        }
    }

    /// The key that was in use, if any. `Err` if the text there is no fingerprint.
    pub fn key_fingerprint(&self) -> Result<Option<Fingerprint>, ManifestError> {
        unprotected::get(&self.unprotected, unprotected::KEY_FINGERPRINT)
    }

    pub fn set_key_fingerprint(&mut self, fingerprint: Option<Fingerprint>) {
        unprotected::set(
            &mut self.unprotected,
            unprotected::KEY_FINGERPRINT,
            fingerprint.as_ref(),
        );
    }

    /// Result of the last verification. `Err` if there is something else under its key.
    pub fn verify_state(&self) -> Result<Option<VerifyState>, ManifestError> {
        unprotected::get(&self.unprotected, unprotected::VERIFY_STATE)
    }

    pub fn set_verify_state(&mut self, state: Option<&VerifyState>) {
        unprotected::set(&mut self.unprotected, unprotected::VERIFY_STATE, state);
    }

    /// Notes on the snapshot; empty if there are none.
    pub fn notes(&self) -> &str {
        self.unprotected
            .get(unprotected::NOTES)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub fn set_notes(&mut self, notes: &str) {
        unprotected::set(&mut self.unprotected, unprotected::NOTES, Some(notes));
    }

    /// What the server counted while the snapshot was uploaded.
    pub fn chunk_upload_stats(&self) -> Result<Option<ChunkUploadStats>, ManifestError> {
        unprotected::get(&self.unprotected, unprotected::CHUNK_UPLOAD_STATS)
    }

    pub fn set_chunk_upload_stats(&mut self, stats: Option<&ChunkUploadStats>) {
        unprotected::set(
            &mut self.unprotected,
            unprotected::CHUNK_UPLOAD_STATS,
            stats,
        );
    }
}

/// The JSON object, its fields in the order in which they are written: by name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Wire {
    backup_id: BackupId,
    backup_time: i64,
    backup_type: BackupType,
    files: Vec<ManifestFile>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default = "empty_object")]
    unprotected: Value,
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

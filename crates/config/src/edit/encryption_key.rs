//! Keys of sync jobs: keep, archive, remove (server.md 1.13). Making a key and looking into one is for who knows keys.

use std::fs;
use std::io;

use format::{Kdf, KeyFile};
use serde_json::{Map, Value};

use super::entry::{create_entry, entries, find_entry, remove_entry_if, update_entry};
use super::error::EditError;
use crate::dir::{ConfigDir, FileSpec};
use crate::entry::Entry;
use crate::error::ConfigError;
use crate::files::{ENCRYPTION_KEYS_FOLDER, EncryptionKey, SyncJob};

fn file_name(id: &str) -> String {
    format!("{id}.enc")
}

/// Keeps a key under a new id. The caller has checked that its fingerprint is the key's.
pub fn create_encryption_key(
    dir: &ConfigDir,
    id: &str,
    key: &KeyFile,
) -> Result<EncryptionKey, EditError> {
    if key.kdf.is_some() {
        return Err(EditError::KeyProtected(id.to_owned()));
    }
    let name = file_name(id);
    let path = dir.path().join(ENCRYPTION_KEYS_FOLDER).join(&name);
    let entry = EncryptionKey {
        archived_at: None,
        created: key.created.epoch(),
        fingerprint: key.fingerprint,
        hint: key.hint.clone(),
        id: id.to_owned(),
        kdf: Kdf::name(key.kdf.as_ref()).to_owned(),
        modified: key.modified.epoch(),
        path: Some(path.display().to_string()),
    };
    // The entry first: two who choose the same id must not write the same file. An entry without its key is removed again.
    let entry = create_entry::<EncryptionKey>(dir, members(&entry)?)?;
    let written = dir.replace_secret(ENCRYPTION_KEYS_FOLDER, &name, key.to_json().as_bytes());
    if let Err(error) = written {
        let _ = remove_entry_if::<EncryptionKey>(dir, id, &None, |_| Ok(()));
        return Err(error.into());
    }
    Ok(entry)
}

/// Archives a key, so that it only decrypts, or takes it back. A key that a job encrypts with stays.
pub fn toggle_encryption_key_archive(
    dir: &ConfigDir,
    id: &str,
    digest: &Option<String>,
    now: i64,
) -> Result<EncryptionKey, EditError> {
    let _jobs = dir.lock(FileSpec::SYNC)?;
    let (key, _) = find_entry::<EncryptionKey>(dir, id)?;
    let mut change = Map::new();
    change.insert("id".to_owned(), Value::from(id));
    if let Some(digest) = digest {
        change.insert("digest".to_owned(), Value::from(digest.as_str()));
    }
    match key.archived_at {
        Some(_) => change.insert("delete".to_owned(), Value::from(vec!["archived-at"])),
        None => {
            refuse_used(dir, id, |job| job.encrypts_with(id))?;
            change.insert("archived-at".to_owned(), Value::from(now))
        }
    };
    let allowed = |_: &EncryptionKey, _: &EncryptionKey| Ok::<(), EditError>(());
    Ok(update_entry(dir, change, allowed)?.1)
}

/// Removes an archived key that no job names, with its file.
pub fn remove_encryption_key(
    dir: &ConfigDir,
    id: &str,
    digest: &Option<String>,
) -> Result<(), EditError> {
    let _jobs = dir.lock(FileSpec::SYNC)?;
    remove_entry_if::<EncryptionKey>(dir, id, digest, |key| {
        if key.archived_at.is_none() {
            return Err(EditError::KeyNotArchived(id.to_owned()));
        }
        refuse_used(dir, id, |job| job.uses_key(id))
    })?;
    let path = dir.path().join(ENCRYPTION_KEYS_FOLDER).join(file_name(id));
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ConfigError::io("remove", path)(error).into())
        }
        _ => Ok(()),
    }
}

fn refuse_used(
    dir: &ConfigDir,
    id: &str,
    uses: impl Fn(&SyncJob) -> bool,
) -> Result<(), EditError> {
    match entries::<SyncJob>(dir)?.0.into_iter().find(uses) {
        Some(job) => Err(EditError::KeyInUse {
            key: id.to_owned(),
            job: job.id,
        }),
        None => Ok(()),
    }
}

fn members(key: &EncryptionKey) -> Result<Map<String, Value>, EditError> {
    let value = key.shown().map_err(|error| ConfigError::Print {
        file: EncryptionKey::FILE.name.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(value.as_object().cloned().unwrap_or_default())
}

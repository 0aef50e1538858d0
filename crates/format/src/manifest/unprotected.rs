//! The unsigned part of a manifest: known keys with their types (formats.md 6.2).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ManifestError;

pub(super) const KEY_FINGERPRINT: &str = "key-fingerprint";
pub(super) const VERIFY_STATE: &str = "verify_state";
pub(super) const NOTES: &str = "notes";
pub(super) const CHUNK_UPLOAD_STATS: &str = "chunk_upload_stats";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerifyStateKind {
    Ok,
    Failed,
}

/// How the last verification ended, and in which task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyState {
    pub state: VerifyStateKind,
    pub upid: String,
}

/// Sums over all uploaded chunks; each blob adds its encoded length to `size` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChunkUploadStats {
    pub compressed_size: u64,
    pub count: u64,
    pub duplicates: u64,
    pub size: u64,
}

pub(super) fn get<T: DeserializeOwned>(
    unprotected: &Value,
    key: &str,
) -> Result<Option<T>, ManifestError> {
    match unprotected.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(T::deserialize(value)?)),
    }
}

/// `None` removes the key. If the unsigned part is no object, it becomes one.
pub(super) fn set<T: Serialize + ?Sized>(unprotected: &mut Value, key: &str, value: Option<&T>) {
    if !unprotected.is_object() {
        *unprotected = Value::Object(Map::new());
    }
    let fields = unprotected.as_object_mut().expect("made an object above");
    match value {
        None => {
            fields.remove(key);
        }
        Some(value) => {
            let value = serde_json::to_value(value).expect("these types have only text keys");
            fields.insert(key.to_owned(), value);
        }
    }
}

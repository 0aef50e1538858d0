//! `/admin/datastore` and `/status`: the datastores and their state (protocol.md 6.2).

use format::StoreName;
use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::schema::{Kind, Param, Schema};
use crate::upid::Upid;

/// One datastore in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoreItem {
    /// `filesystem` or `s3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_type: Option<String>,
    /// `null` if there is none.
    #[serde(default)]
    pub comment: Option<String>,
    /// The maintenance mode as its property string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<String>,
    /// `nonremovable`, `mounted` or `notmounted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_status: Option<String>,
    /// Its name.
    pub store: StoreName,
}

/// `GET .../{store}/status`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoreStatus {
    /// Bytes that can still be written.
    pub avail: u64,
    /// `filesystem` or `s3`; only with `verbose`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_type: Option<String>,
    /// Only with `verbose`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Only with `verbose`, and with the right to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc_status: Option<GcStatus>,
    /// Size of the file system in bytes.
    pub total: u64,
    /// Bytes in use.
    pub used: u64,
}

/// Groups and snapshots by type; all namespaces together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Containers.
    pub ct: Option<TypeCounts>,
    /// Hosts.
    pub host: Option<TypeCounts>,
    /// Always `null`.
    pub other: Option<TypeCounts>,
    /// Virtual machines.
    pub vm: Option<TypeCounts>,
}

/// Counts of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeCounts {
    /// Number of groups.
    pub groups: u64,
    /// Number of snapshots.
    pub snapshots: u64,
}

/// Result of the last garbage collection; also the content of the file `.gc-status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct GcStatus {
    /// Bytes of the chunks in use.
    pub disk_bytes: u64,
    /// Chunks in use.
    pub disk_chunks: u64,
    /// Content bytes of all indexes.
    pub index_data_bytes: u64,
    /// Number of indexes.
    pub index_file_count: u64,
    /// Bytes of unused chunks that are still too young.
    pub pending_bytes: u64,
    /// Unused chunks that are still too young.
    pub pending_chunks: u64,
    /// Damaged chunks removed.
    pub removed_bad: u64,
    /// Bytes removed.
    pub removed_bytes: u64,
    /// Chunks removed.
    pub removed_chunks: u64,
    /// Damaged chunks that are still there.
    pub still_bad: u64,
    /// The task; `null` before the first run.
    pub upid: Option<Upid>,
}

/// Parameters of the status call.
pub const STATUS: Schema = Schema(&[
    kinds::IN_STORE,
    &[Param::optional("verbose", Kind::Boolean).or("false")],
]);
/// Calls with the datastore alone.
pub const STORE: Schema = Schema(&[kinds::IN_STORE]);

/// `GET .../active-operations`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveOperations {
    /// Operations that read.
    pub read: u64,
    /// Operations that write.
    pub write: u64,
}

/// One datastore in `GET /status/datastore-usage`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UsageItem {
    /// Bytes that can still be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avail: Option<u64>,
    /// `filesystem` or `s3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_type: Option<String>,
    /// Why there are no numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the store will be full, by the trend; seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_full_date: Option<i64>,
    /// Last garbage collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc_status: Option<GcStatus>,
    /// Used part over the last month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Option<f64>>>,
    /// Seconds between two values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_delta: Option<u64>,
    /// Time of the first value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_start: Option<u64>,
    /// `nonremovable`, `mounted` or `notmounted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_status: Option<String>,
    /// Its name.
    pub store: StoreName,
    /// Size of the file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Bytes in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
}

//! `/admin/datastore` and `/status`: the datastores and their state (protocol.md 6.2).

pub mod returns;

use format::StoreName;
use serde::{Deserialize, Serialize};

use crate::human::ByteSize;
use crate::kinds;
use crate::schema::{Field, Kind, Param, Returns, Schema};
use crate::upid::Upid;

const COUNT: Returns = Returns::Value(Kind::at_least(0));

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
    /// How often the list of what was touched knew a chunk; only after a run of 4.x or of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_stats: Option<CacheStats>,
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

impl GcStatus {
    /// The last lines of a collection's log, which scripts read.
    pub fn summary(&self) -> Vec<String> {
        let bytes = |count: u64| ByteSize::binary(count).to_string();
        let mut lines = vec![
            format!("Removed garbage: {}", bytes(self.removed_bytes)),
            format!("Removed chunks: {}", self.removed_chunks),
        ];
        if self.pending_bytes > 0 {
            lines.push(format!(
                "Pending removals: {} (in {} chunks)",
                bytes(self.pending_bytes),
                self.pending_chunks
            ));
        }
        if self.removed_bad > 0 {
            lines.push(format!("Removed bad chunks: {}", self.removed_bad));
        }
        if self.still_bad > 0 {
            lines.push(format!("Leftover bad chunks: {}", self.still_bad));
        }
        lines.push(format!(
            "Original data usage: {}",
            bytes(self.index_data_bytes)
        ));
        if self.index_data_bytes > 0 {
            let percent = self.disk_bytes as f64 * 100.0 / self.index_data_bytes as f64;
            let used = bytes(self.disk_bytes);
            lines.push(format!("On-Disk usage: {used} ({percent:.2}%)"));
        }
        lines.push(format!("On-Disk chunks: {}", self.disk_chunks));
        let factor = match self.disk_bytes {
            0 => 1.0,
            used => self.index_data_bytes as f64 / used as f64,
        };
        lines.push(format!("Deduplication factor: {factor:.2}"));
        if let Some(average) = self.disk_bytes.checked_div(self.disk_chunks) {
            lines.push(format!("Average chunk size: {}", bytes(average)));
        }
        lines
    }
}

/// See [`GcStatus`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheStats {
    /// Chunks that were known.
    pub hits: u64,
    /// Chunks that were not.
    pub misses: u64,
}

/// The state of a datastore's garbage collection: `GET .../gc`, `GET /admin/gc`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GcJob {
    /// What the last run came to.
    #[serde(flatten)]
    pub status: GcStatus,
    /// Seconds that it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run_endtime: Option<i64>,
    /// `OK`, `WARNINGS: n`, `unknown` or the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run_state: Option<String>,
    /// By the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run: Option<i64>,
    /// The calendar event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The datastore.
    pub store: StoreName,
}

/// Parameters of `GET /admin/gc`, `/admin/prune`, `/admin/verify`.
pub const OF_STORE: Schema = Schema(&[&[Param::optional("store", kinds::STORE)]]);

/// Parameters of the status call.
pub const STATUS: Schema = Schema(&[
    kinds::IN_STORE,
    &[Param::optional("verbose", Kind::Boolean).or("false")],
]);
/// What a line of [`SpaceItem`] is about.
const LEVEL: Kind = Kind::Enum(&["store", "namespace", "group", "snapshot"]);
/// Parameters of `GET .../usage`.
pub const SPACE: Schema = Schema(&[
    kinds::IN_STORE,
    &[Param::optional("level", LEVEL).about("Only lines about these.")],
]);
/// Parameters of `POST .../usage`.
pub const SPACE_UPDATE: Schema = Schema(&[
    kinds::IN_STORE,
    &[Param::optional("anew", Kind::Boolean)
        .or("false")
        .about("Use nothing of what was counted before.")],
]);

/// What one thing costs on disk: a line of `GET .../usage`, which is ours alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceItem {
    /// Bytes of its own files: indexes, blobs, manifests.
    pub files: u64,
    /// `store`, `namespace` (with all below it), `group` or `snapshot`.
    pub level: SpaceLevel,
    /// The datastore, the namespace, `type/id` or `type/id/time`.
    pub name: String,
    /// Where it is.
    pub ns: format::Namespace,
    /// Bytes of chunks that something else needs too.
    pub shared: u64,
    /// Bytes of chunks that would be freed if it went.
    pub unique: u64,
}

/// See [`SpaceItem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpaceLevel {
    /// The whole.
    Store,
    /// A namespace with all below it.
    Namespace,
    /// A group.
    Group,
    /// A snapshot.
    Snapshot,
}

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

/// What [`ActiveOperations`] looks like.
pub const ACTIVE_OPERATIONS: Returns =
    Returns::object(&[Field::new("read", COUNT), Field::new("write", COUNT)]);

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

//! What the routes of datastores give back.

use crate::kinds;
use crate::schema::{Field, Kind, Returns};

const COUNT: Returns = Returns::Value(Kind::at_least(0));
/// Seconds since the epoch.
const TIME: Returns = Returns::INTEGER;
const BACKEND_TYPE: Returns = Returns::Value(Kind::Enum(&["filesystem", "s3"]));
const MOUNT_STATUS: Returns =
    Returns::Value(Kind::Enum(&["mounted", "notmounted", "nonremovable"]));
const STORE: Field = Field::new("store", Returns::Value(kinds::STORE));

/// `GET /admin/datastore`
pub const STORES: Returns = Returns::List(&Returns::object(&[
    Field::new("backend-type", BACKEND_TYPE),
    Field::new(
        "comment",
        Returns::Nullable(&Returns::Value(kinds::COMMENT)),
    ),
    Field::optional("maintenance", Returns::TEXT),
    Field::new("mount-status", MOUNT_STATUS),
    STORE,
]));
/// `GET .../{store}/status`
pub const STATUS: Returns = Returns::object(&[
    Field::new("avail", COUNT),
    Field::new("backend-type", BACKEND_TYPE),
    Field::optional("counts", COUNTS),
    Field::optional("gc-status", GC_STATUS),
    Field::optional("s3-statistics", S3_STATISTICS),
    Field::new("total", COUNT),
    Field::new("used", COUNT),
]);
const COUNTS: Returns = Returns::object(&[
    Field::new("ct", OF_TYPE),
    Field::new("host", OF_TYPE),
    Field::new("other", OF_TYPE),
    Field::new("vm", OF_TYPE),
]);
const OF_TYPE: Returns = Returns::Nullable(&Returns::object(&[
    Field::new("groups", COUNT),
    Field::new("snapshots", COUNT),
]));
const S3_STATISTICS: Returns = Returns::object(&[
    Field::new("delete", COUNT),
    Field::new("downloaded", COUNT),
    Field::new("get", COUNT),
    Field::new("head", COUNT),
    Field::new("post", COUNT),
    Field::new("put", COUNT),
    Field::new("uploaded", COUNT),
]);

/// What a garbage collection came to.
pub const GC_STATUS: Returns = Returns::object(&GC);
const GC: [Field; 12] = [
    Field::optional("cache-stats", CACHE_STATS),
    Field::new("disk-bytes", COUNT),
    Field::new("disk-chunks", COUNT),
    Field::new("index-data-bytes", COUNT),
    Field::new("index-file-count", COUNT),
    Field::new("pending-bytes", COUNT),
    Field::new("pending-chunks", COUNT),
    Field::new("removed-bad", COUNT),
    Field::new("removed-bytes", COUNT),
    Field::new("removed-chunks", COUNT),
    Field::new("still-bad", COUNT),
    Field::new("upid", Returns::Nullable(&Returns::Value(kinds::UPID))),
];
const CACHE_STATS: Returns =
    Returns::object(&[Field::new("hits", COUNT), Field::new("misses", COUNT)]);

/// `GET .../gc`
pub const GC_JOB: Returns = Returns::object(&GC_JOB_FIELDS);
const GC_JOB_FIELDS: [Field; 18] = {
    let mut all = [STORE; 18];
    let mut n = 0;
    while n < GC.len() {
        all[n] = GC[n];
        n += 1;
    }
    all[12] = Field::optional("duration", Returns::INTEGER);
    all[13] = Field::optional("last-run-endtime", TIME);
    all[14] = Field::optional("last-run-state", Returns::TEXT);
    all[15] = Field::optional("next-run", TIME);
    all[16] = Field::optional("schedule", Returns::Value(kinds::CALENDAR_EVENT));
    all
};
/// `GET /admin/gc`
/// `GET /status/datastore-usage`
pub const USAGE: Returns = Returns::List(&Returns::object(&[
    Field::optional("avail", COUNT),
    Field::new("backend-type", BACKEND_TYPE),
    Field::optional("error", Returns::TEXT),
    Field::optional("estimated-full-date", Returns::INTEGER),
    Field::optional("gc-status", GC_STATUS),
    Field::optional(
        "history",
        Returns::List(&Returns::Nullable(&Returns::NUMBER)),
    ),
    Field::optional("history-delta", COUNT),
    Field::optional("history-start", COUNT),
    Field::new("mount-status", MOUNT_STATUS),
    STORE,
    Field::optional("total", COUNT),
    Field::optional("used", COUNT),
]));
/// `GET .../{store}/usage`
pub const SPACE: Returns = Returns::List(&Returns::object(&[
    Field::new("files", COUNT),
    Field::new("level", Returns::Value(super::LEVEL)),
    Field::new("name", Returns::TEXT),
    Field::new("ns", Returns::Value(kinds::NAMESPACE)),
    Field::new("shared", COUNT),
    Field::new("unique", COUNT),
]));
/// `GET /admin/gc`
pub const GC_JOBS: Returns = Returns::List(&GC_JOB);

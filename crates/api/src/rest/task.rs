//! `/nodes/{node}/tasks` (protocol.md 6.7).
//!
//! The list says `worker_type` and `worker_id`, the status of one task says `type` and `id`: both are the original's.

pub mod returns;

use format::{AuthId, Tokenname, Userid};
use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::schema::{Kind, Param, Schema};
use crate::upid::Upid;

/// One task in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskItem {
    /// Its id.
    pub upid: Upid,
    /// Always `localhost`.
    pub node: String,
    /// Process.
    pub pid: u32,
    /// Start of the process in clock ticks.
    pub pstart: u64,
    /// Seconds since the epoch.
    pub starttime: i64,
    /// Kind of work.
    pub worker_type: String,
    /// What is worked on.
    pub worker_id: Option<String>,
    /// Who started it.
    pub user: AuthId,
    /// Missing while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endtime: Option<i64>,
    /// Missing while it runs; `OK`, `WARNINGS: n`, `unknown` or the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl TaskItem {
    /// The members that follow from the id.
    pub fn running(upid: Upid) -> TaskItem {
        TaskItem {
            node: "localhost".to_owned(),
            pid: upid.pid,
            pstart: upid.pstart,
            starttime: upid.start,
            worker_type: upid.worker_type.clone(),
            worker_id: upid.worker_id.clone(),
            user: upid.auth_id.clone(),
            endtime: None,
            status: None,
            upid,
        }
    }
}

/// `GET .../tasks`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskList {
    /// Skip so many.
    #[serde(default)]
    pub start: u64,
    /// At most so many, 0 is all.
    #[serde(default = "default_limit")]
    pub limit: u64,
    /// Only tasks of this datastore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Only running ones.
    #[serde(default)]
    pub running: bool,
    /// Only those that did not end with `OK`.
    #[serde(default)]
    pub errors: bool,
    /// Part of the starter's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userfilter: Option<String>,
    /// Started at or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Started at or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Part of the kind of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typefilter: Option<String>,
    /// Ends that are wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statusfilter: Vec<String>,
}

fn default_limit() -> u64 {
    50
}

/// Parameters of [`TaskList`].
pub const LIST: Schema = Schema(&[&[
    Param::required("node", kinds::NODE),
    Param::optional("start", Kind::at_least(0)).or("0"),
    Param::optional("limit", Kind::at_least(0)).or("50"),
    Param::optional("store", kinds::STORE),
    Param::optional("running", Kind::Boolean).or("false"),
    Param::optional("errors", Kind::Boolean).or("false"),
    Param::optional("userfilter", kinds::TEXT),
    Param::optional("since", Kind::at_least(i64::MIN)),
    Param::optional("until", Kind::at_least(i64::MIN)),
    Param::optional("typefilter", kinds::TEXT),
    Param::optional(
        "statusfilter",
        Kind::Array(&Kind::Enum(&["ok", "warning", "error", "unknown"])),
    ),
]]);

/// `GET .../tasks/{upid}/status`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// Seconds since the epoch, once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endtime: Option<i64>,
    /// How it ended; missing while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exitstatus: Option<String>,
    /// What is worked on.
    pub id: Option<String>,
    /// Host name of the id.
    pub node: String,
    /// Process.
    pub pid: u32,
    /// Start of the process in clock ticks.
    pub pstart: u64,
    /// Seconds since the epoch.
    pub starttime: i64,
    /// `running` or `stopped`.
    pub status: String,
    /// Token name, if a token started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenid: Option<Tokenname>,
    /// Kind of work.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub upid: Upid,
    /// The user, also of a token.
    pub user: Userid,
}

/// Calls with the task alone.
pub const TASK: Schema = Schema(&[&[
    Param::required("node", kinds::NODE),
    Param::required("upid", kinds::UPID),
]]);

/// `GET .../tasks/{upid}/log`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TaskLogQuery {
    /// First line; 0 and 1 are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// At most so many lines, 0 is all; default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Tell whether it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_status: Option<bool>,
    /// The file itself; excludes the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<bool>,
}

/// Parameters of [`TaskLogQuery`].
pub const LOG: Schema = Schema(&[&[
    Param::required("node", kinds::NODE),
    Param::required("upid", kinds::UPID),
    Param::optional("start", Kind::at_least(0)).or("0"),
    Param::optional("limit", Kind::at_least(0)).or("50"),
    Param::optional("test-status", Kind::Boolean).or("false"),
    Param::optional("download", Kind::Boolean).or("false"),
]]);

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Number, from 1.
    pub n: u64,
    /// The text with its time.
    pub t: String,
}

/// The answer to a log call; it is the same for both formats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLog {
    /// It runs; only when asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The lines.
    pub data: Vec<LogLine>,
    /// Always 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<u8>,
    /// Lines in the file.
    pub total: u64,
}

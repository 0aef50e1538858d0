//! What the routes of tasks give back.

use crate::kinds;
use crate::schema::{Field, Kind, Returns};

const COUNT: Returns = Returns::Value(Kind::at_least(0));
const NODE: Field = Field::new("node", Returns::TEXT);
const PID: Field = Field::new("pid", Returns::INTEGER);
const PSTART: Field = Field::new("pstart", COUNT);
const START: Field = Field::new("starttime", Returns::INTEGER);
const END: Field = Field::optional("endtime", Returns::INTEGER);
const UPID: Field = Field::new("upid", Returns::Value(kinds::UPID));

/// `GET .../tasks`
pub const TASKS: Returns = Returns::List(&Returns::object(&[
    UPID,
    NODE,
    PID,
    PSTART,
    START,
    Field::new("worker_type", Returns::TEXT),
    Field::new("worker_id", Returns::Nullable(&Returns::TEXT)),
    Field::new("user", Returns::Value(kinds::AUTH_ID)),
    END,
    Field::optional("status", Returns::TEXT),
]));
/// `GET .../tasks/{upid}/status`
pub const STATUS: Returns = Returns::object(&[
    END,
    Field::optional("exitstatus", Returns::TEXT),
    Field::new("id", Returns::Nullable(&Returns::TEXT)),
    NODE,
    PID,
    PSTART,
    START,
    Field::new(
        "status",
        Returns::Value(Kind::Enum(&["running", "stopped"])),
    ),
    Field::optional("tokenid", Returns::Value(kinds::TOKEN_NAME)),
    Field::new("type", Returns::TEXT),
    UPID,
    Field::new("user", Returns::Value(kinds::USERID)),
]);
/// `GET .../tasks/{upid}/log`, and of other logs: numbered lines.
pub const LINES: Returns = Returns::List(&Returns::object(&[
    Field::new("n", COUNT),
    Field::new("t", Returns::TEXT),
]));
/// A task log: its lines, or with `download` the file.
pub const LOG: Returns = Returns::AnyOf(&[LINES, Returns::Bytes("text/plain")]);

//! What the routes of groups and snapshots give back.

use crate::kinds;
use crate::schema::{Field, Kind, Returns};

const COUNT: Returns = Returns::Value(Kind::at_least(0));
const COMMENT: Field = Field::optional("comment", Returns::TEXT);
const OWNER: Field = Field::optional("owner", Returns::Value(kinds::AUTH_ID));
const TIME: Returns = Returns::Value(Kind::at_least(0));

/// A task's id.
pub const TASK: Returns = Returns::Value(kinds::UPID);

/// `GET groups`
pub const GROUPS: Returns = Returns::List(&Returns::item(
    &[kinds::GROUP],
    &[
        Field::new("backup-count", COUNT),
        COMMENT,
        Field::new("files", Returns::List(&Returns::TEXT)),
        Field::new("last-backup", TIME),
        OWNER,
    ],
));
/// `GET files`
pub const FILES: Returns = Returns::List(&FILE);
const FILE: Returns = Returns::object(&[
    Field::new("filename", Returns::Value(kinds::FILE_NAME)),
    Field::optional(
        "crypt-mode",
        Returns::Value(Kind::Enum(&["none", "encrypt", "sign-only"])),
    ),
    Field::optional("size", COUNT),
]);
/// `GET snapshots`
pub const SNAPSHOTS: Returns = Returns::List(&Returns::item(
    &[kinds::SNAPSHOT],
    &[
        COMMENT,
        Field::optional("verification", VERIFICATION),
        Field::optional("fingerprint", Returns::Value(kinds::FINGERPRINT)),
        Field::new("files", FILES),
        Field::optional("size", COUNT),
        OWNER,
        Field::new("protected", Returns::BOOLEAN),
    ],
));
const VERIFICATION: Returns = Returns::object(&[
    Field::new("upid", TASK),
    Field::new("state", Returns::Value(Kind::Enum(&["ok", "failed"]))),
]);
/// `DELETE groups`, `DELETE namespace`
pub const REMOVED: Returns = Returns::object(&[
    Field::new("protected-snapshots", COUNT),
    Field::new("removed-groups", COUNT),
    Field::new("removed-snapshots", COUNT),
]);
/// `POST prune`: the list, or the id of the task that does it.
pub const PRUNED: Returns = Returns::AnyOf(&[
    Returns::List(&Returns::item(
        &[kinds::SNAPSHOT],
        &[
            Field::new("keep", Returns::BOOLEAN),
            Field::optional("ns", Returns::Value(kinds::NAMESPACE)),
            Field::new("protected", Returns::BOOLEAN),
        ],
    )),
    TASK,
]);

//! `GET /admin/datastore/{store}/snapshot-diff`: what two snapshots of a tree have not in common. Ours alone.

use format::{BackupId, BackupTime, BackupType, Namespace};
use serde::{Deserialize, Serialize};

use super::SnapshotKey;
use super::snapshot::InNamespace;
use crate::kinds;
use crate::schema::{Field, Kind, Param, Returns, Schema};

/// Lines of one answer.
pub const LIMIT_MAX: usize = 10_000;
const LIMIT: usize = 1000;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It came.
    Added,
    /// It went.
    Removed,
    /// It is not as it was.
    Changed,
}

/// The request. What is compared with is called base; of it only what differs from the other snapshot must be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Compare {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// Which snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotKey,
    /// Which archive.
    pub archive_name: String,
    /// The base's time.
    #[serde(with = "super::epoch")]
    pub base_time: BackupTime,
    /// The base's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_ns: Option<Namespace>,
    /// The base's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_type: Option<BackupType>,
    /// The base's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_id: Option<BackupId>,
    /// The base's archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_archive_name: Option<String>,
    /// The folder; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filepath: Option<String>,
    /// Only these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// A folder that came or went stands for all in it.
    #[serde(default)]
    pub collapse: bool,
    /// Lines to leave out.
    #[serde(default)]
    pub start: usize,
    /// Lines to give.
    #[serde(default = "limit")]
    pub limit: usize,
}

fn limit() -> usize {
    LIMIT
}

/// One entry that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DiffItem {
    /// What became of it.
    pub change: Change,
    /// What differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    /// What a folder stands for: how many entries,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// and how many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Base64 of the path in the archive.
    pub filepath: String,
    /// As it is, or was; only what is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime: Option<i64>,
    /// As it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_mtime: Option<i64>,
    /// As it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_size: Option<u64>,
    /// As it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_type: Option<String>,
    /// The data are the same for certain, only the rest is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub same_data: bool,
    /// As it is, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The path as text.
    pub text: String,
    /// `d f l h b c p s`
    #[serde(rename = "type")]
    pub kind: String,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Entries that came.
    pub added: u64,
    /// Entries that are not as they were.
    pub changed: u64,
    /// False if time ran out: there may be more of all.
    pub complete: bool,
    /// Some of the lines.
    pub entries: Vec<DiffItem>,
    /// Entries that went.
    pub removed: u64,
    /// How many lines there are.
    pub total: u64,
}

const CHANGE: Kind = Kind::Enum(&["added", "removed", "changed"]);
const COUNT: Returns = Returns::Value(Kind::at_least(0));
const LETTER: Returns = Returns::Value(Kind::Enum(&["d", "f", "l", "h", "b", "c", "p", "s"]));

/// Parameters of [`Compare`].
pub const COMPARE: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[
        Param::required("archive-name", kinds::FILE_NAME)
            .about("Archive that is compared; of a split one, any of its halves."),
        Param::required("base-time", kinds::BACKUP_TIME)
            .about("Time of the snapshot that it is compared with."),
        Param::optional("base-ns", kinds::NAMESPACE)
            .about("Its namespace, if that is another one."),
        Param::optional("base-type", kinds::BACKUP_TYPE).about("Its type, if that is another one."),
        Param::optional("base-id", kinds::BACKUP_ID).about("Its group, if that is another one."),
        Param::optional("base-archive-name", kinds::FILE_NAME)
            .about("Its archive, if that has another name."),
        Param::optional("filepath", kinds::TEXT)
            .about("Folder in the archives, as base64. All of it if missing."),
        Param::optional("change", CHANGE).about("Give only these."),
        Param::optional("collapse", Kind::Boolean)
            .or("false")
            .about("A folder that came or went stands for all in it."),
        Param::optional(
            "start",
            Kind::Integer {
                min: 0,
                max: i64::MAX,
            },
        )
        .or("0")
        .about("Leave so many out."),
        Param::optional(
            "limit",
            Kind::Integer {
                min: 0,
                max: LIMIT_MAX as i64,
            },
        )
        .or("1000")
        .about("Give so many."),
    ],
]);

/// What [`COMPARE`] gives back.
pub const DIFFERENCE: Returns = Returns::object(&[
    Field::new("added", COUNT),
    Field::new("changed", COUNT),
    Field::new("complete", Returns::BOOLEAN),
    Field::new(
        "entries",
        Returns::List(&Returns::object(&[
            Field::new("change", Returns::Value(CHANGE)),
            Field::optional("differs", Returns::List(&Returns::TEXT)),
            Field::optional("entries", COUNT),
            Field::optional("bytes", COUNT),
            Field::new("filepath", Returns::TEXT),
            Field::optional("mtime", Returns::INTEGER),
            Field::optional("old-mtime", Returns::INTEGER),
            Field::optional("old-size", COUNT),
            Field::optional("old-type", LETTER),
            Field::optional("same-data", Returns::BOOLEAN),
            Field::optional("size", COUNT),
            Field::new("text", Returns::TEXT),
            Field::new("type", LETTER),
        ])),
    ),
    Field::new("removed", COUNT),
    Field::new("total", COUNT),
]);

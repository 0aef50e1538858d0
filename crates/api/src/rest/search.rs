//! `GET /admin/datastore/{store}/search`: files and folders by their names, in the snapshots that the caller may read. Ours alone.

use format::{BackupId, BackupTime, BackupType, Namespace};
use serde::{Deserialize, Serialize};

use super::snapshot::InNamespace;
use crate::kinds;
use crate::schema::{Field, Format, Kind, Param, Returns, Schema};

/// Entries of one answer.
pub const LIMIT_MAX: usize = 10_000;
const LIMIT: usize = 1000;

/// The request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Search {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// What is looked for.
    pub pattern: String,
    /// Levels of namespaces below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Only this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_type: Option<BackupType>,
    /// Only this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<BackupId>,
    /// Only this time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::epoch_opt"
    )]
    pub backup_time: Option<BackupTime>,
    /// Only this archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_name: Option<String>,
    /// Only the last snapshot of each group.
    #[serde(default)]
    pub newest: bool,
    /// `a` is not `A`.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Where an earlier answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Entries to give.
    #[serde(default = "limit")]
    pub limit: usize,
}

fn limit() -> usize {
    LIMIT
}

/// Something that fits, in all snapshots of a group where it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SearchItem {
    /// The archive, as if it were in one piece.
    pub archive_name: String,
    /// Of its group.
    pub backup_id: BackupId,
    /// Of its group.
    pub backup_type: BackupType,
    /// Base64 of the path in the archive.
    pub filepath: String,
    /// Of its group.
    pub ns: Namespace,
    /// The path as text.
    pub text: String,
    /// What it was over time; the newest first.
    pub versions: Vec<SearchVersion>,
}

/// Snapshots in which an entry looks the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchVersion {
    /// Of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime: Option<i64>,
    /// Of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Times of the snapshots.
    pub snapshots: Vec<i64>,
    /// `d f l h b c p s`
    #[serde(rename = "type")]
    pub kind: String,
}

/// What comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchReport {
    /// Archives that nobody can look into here.
    pub encrypted: u64,
    /// What fits.
    pub entries: Vec<SearchItem>,
    /// Archives that could not be read; the server's log says why.
    pub failed: u64,
    /// Missing at the end; else what `from` must be for what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Snapshots that were looked at.
    pub snapshots: u64,
}

const fn text(min: usize, max: usize) -> Kind {
    Kind::Text {
        min,
        max,
        format: Format::Any,
    }
}

const COUNT: Returns = Returns::Value(Kind::at_least(0));

/// Parameters of [`Search`].
pub const SEARCH: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    &[
        Param::required("pattern", text(1, 256)).about("A part of the name; with `*`, `?` or `[`, a pattern for the end of the path; with a slash otherwise, a part of the path."),
        Param::optional("max-depth", kinds::MAX_DEPTH).about("Levels of namespaces below; all of them if missing."),
        Param::optional("backup-type", kinds::BACKUP_TYPE).about("Only groups of this type."),
        Param::optional("backup-id", kinds::BACKUP_ID).about("Only groups of this id."),
        Param::optional("backup-time", kinds::BACKUP_TIME).about("Only snapshots of this time."),
        Param::optional("archive-name", kinds::FILE_NAME).about("Only archives of this name; of a split one, any of its halves."),
        Param::optional("newest", Kind::Boolean).or("false").about("Only the last snapshot of each group."),
        Param::optional("case-sensitive", Kind::Boolean).or("false").about("Tell upper from lower case."),
        Param::optional("from", text(0, 4096)).about("Go on where an earlier answer ended, with its `next`."),
        Param::optional("limit", Kind::Integer { min: 1, max: LIMIT_MAX as i64 }).or("1000").about("End after so many entries."),
    ],
]);

/// What [`SEARCH`] gives back.
pub const REPORT: Returns = Returns::object(&[
    Field::new("encrypted", COUNT),
    Field::new(
        "entries",
        Returns::List(&Returns::object(&[
            Field::new("archive-name", Returns::Value(kinds::FILE_NAME)),
            Field::new("backup-id", Returns::Value(kinds::BACKUP_ID)),
            Field::new("backup-type", Returns::Value(kinds::BACKUP_TYPE)),
            Field::new("filepath", Returns::TEXT),
            Field::new("ns", Returns::Value(kinds::NAMESPACE)),
            Field::new("text", Returns::TEXT),
            Field::new(
                "versions",
                Returns::List(&Returns::object(&[
                    Field::optional("mtime", Returns::INTEGER),
                    Field::optional("size", COUNT),
                    Field::new("snapshots", Returns::List(&Returns::INTEGER)),
                    Field::new(
                        "type",
                        Returns::Value(Kind::Enum(&["d", "f", "l", "h", "b", "c", "p", "s"])),
                    ),
                ])),
            ),
        ])),
    ),
    Field::new("failed", COUNT),
    Field::optional("next", Returns::TEXT),
    Field::new("snapshots", COUNT),
]);

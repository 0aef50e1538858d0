//! `/admin/datastore/{store}/...`: groups, snapshots, files, notes, protection, owner, prune, verification, downloads
//! (protocol.md 6.3, 6.5, 6.6).

pub mod returns;

use format::{
    AuthId, BackupId, BackupTime, BackupType, CryptMode, Fingerprint, Namespace, StoreName,
};
use serde::{Deserialize, Serialize};

use super::{GroupKey, SnapshotKey};
use crate::kinds;
use crate::schema::{Kind, Param, Schema};
use crate::upid::Upid;

/// One group in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GroupItem {
    /// Snapshots, unfinished ones included.
    pub backup_count: u64,
    /// The id.
    pub backup_id: BackupId,
    /// The type.
    pub backup_type: BackupType,
    /// First line of the group's notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Files of the newest finished snapshot.
    pub files: Vec<String>,
    /// Time of the newest finished snapshot, 0 if there is none.
    pub last_backup: i64,
    /// Who owns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AuthId>,
}

/// One file of a snapshot. In lists of snapshots the members come in this order, in `files` alphabetically.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileItem {
    /// Stored name.
    pub filename: String,
    /// Missing if the manifest does not know the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crypt_mode: Option<CryptMode>,
    /// Content bytes; missing if the manifest does not know the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerifyState {
    /// Everything was readable and right.
    Ok,
    /// Something was not.
    Failed,
}

/// Last verification of a snapshot, as lists and manifests show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The task that did it.
    pub upid: Upid,
    /// What came out.
    pub state: VerifyState,
}

/// One snapshot in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotItem {
    /// The type.
    pub backup_type: BackupType,
    /// The id.
    pub backup_id: BackupId,
    /// Seconds since the epoch.
    #[serde(with = "super::epoch")]
    pub backup_time: BackupTime,
    /// First line of the notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Missing if never verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Of the key, if encrypted or signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Its files.
    pub files: Vec<FileItem>,
    /// Sum of the files; missing while the backup runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Owner of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AuthId>,
    /// May not be removed.
    pub protected: bool,
}

/// A namespace of a datastore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InNamespace {
    /// From the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreName>,
    /// Default root.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub ns: Namespace,
}

/// `GET .../groups`
pub const GROUPS: Schema = Schema(&[kinds::IN_NAMESPACE]);

/// A group of a namespace, with what several calls add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OnGroup {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// Which.
    #[serde(flatten)]
    pub group: GroupKey,
    /// `PUT group-notes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// `POST change-owner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_owner: Option<AuthId>,
    /// `DELETE groups`: whether protected snapshots make it fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_on_protected: Option<bool>,
}

/// A group: `GET group-notes`.
pub const GROUP: Schema = Schema(&[kinds::IN_NAMESPACE, kinds::GROUP]);
/// `DELETE groups`
pub const GROUP_DELETE: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::GROUP,
    &[Param::optional("error-on-protected", Kind::Boolean).or("true")],
]);
/// `PUT group-notes`
pub const GROUP_NOTES: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::GROUP,
    &[Param::required("notes", kinds::NOTES)],
]);
/// `POST change-owner`
pub const CHANGE_OWNER: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::GROUP,
    &[Param::required("new-owner", kinds::AUTH_ID)],
]);

/// Answer to `DELETE groups` and `DELETE namespace` since 3.3; before it was `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RemoveReport {
    /// Snapshots kept because they are protected.
    pub protected_snapshots: u64,
    /// Groups removed.
    pub removed_groups: u64,
    /// Snapshots removed.
    pub removed_snapshots: u64,
}

/// `GET .../snapshots`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotsQuery {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// Only this type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_type: Option<BackupType>,
    /// Only this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<BackupId>,
}

/// Parameters of [`SnapshotsQuery`].
pub const SNAPSHOTS: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    &[
        Param::optional("backup-type", kinds::BACKUP_TYPE),
        Param::optional("backup-id", kinds::BACKUP_ID),
    ],
]);

/// A snapshot of a namespace, with what several calls add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OnSnapshot {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// Which.
    #[serde(flatten)]
    pub snapshot: SnapshotKey,
    /// `PUT notes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// `PUT protected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// `GET download` and `download-decoded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// A snapshot: `files`, `DELETE snapshots`, `GET notes`, `GET protected`, `upload-backup-log`.
pub const SNAPSHOT: Schema = Schema(&[kinds::IN_NAMESPACE, kinds::SNAPSHOT]);
/// `PUT notes`
pub const NOTES: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[Param::required("notes", kinds::NOTES)],
]);
/// `PUT protected`
pub const PROTECTED: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[Param::required("protected", Kind::Boolean)],
]);
/// `GET download`, `GET download-decoded`
pub const DOWNLOAD: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::SNAPSHOT,
    &[Param::required("file-name", kinds::FILE_NAME)],
]);

/// What a prune keeps of a group; none at all keeps everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeepOptions {
    /// The newest ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_last: Option<u64>,
    /// The last of so many hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_hourly: Option<u64>,
    /// The last of so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_daily: Option<u64>,
    /// The last of so many weeks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_weekly: Option<u64>,
    /// The last of so many months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_monthly: Option<u64>,
    /// The last of so many years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_yearly: Option<u64>,
}

impl KeepOptions {
    /// True if any number is given.
    pub fn keeps_something(&self) -> bool {
        *self != KeepOptions::default()
    }
}

/// `POST .../prune`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Prune {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// Which group.
    #[serde(flatten)]
    pub group: GroupKey,
    /// What stays.
    #[serde(flatten)]
    pub keep: KeepOptions,
    /// Only tell.
    #[serde(default)]
    pub dry_run: bool,
    /// Answer with a task id instead of a list.
    #[serde(default)]
    pub use_task: bool,
}

/// Parameters of [`Prune`].
pub const PRUNE: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::GROUP,
    kinds::KEEP_OPTIONS,
    &[
        Param::optional("dry-run", Kind::Boolean).or("false"),
        Param::optional("use-task", Kind::Boolean).or("false"),
    ],
]);

/// One snapshot in the answer to a prune.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PruneItem {
    /// The id.
    pub backup_id: BackupId,
    /// Seconds since the epoch.
    #[serde(with = "super::epoch")]
    pub backup_time: BackupTime,
    /// The type.
    pub backup_type: BackupType,
    /// It stays.
    pub keep: bool,
    /// Only in a dry run, and not for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns: Option<Namespace>,
    /// It stays because it is protected.
    pub protected: bool,
}

/// `POST .../prune-datastore`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PruneStore {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// What stays.
    #[serde(flatten)]
    pub keep: KeepOptions,
    /// Levels below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Only tell.
    #[serde(default)]
    pub dry_run: bool,
}

/// Parameters of [`PruneStore`].
pub const PRUNE_STORE: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::KEEP_OPTIONS,
    &[
        Param::optional("max-depth", kinds::MAX_DEPTH),
        Param::optional("dry-run", Kind::Boolean).or("false"),
    ],
]);

/// `POST .../verify`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verify {
    /// Where.
    #[serde(flatten)]
    pub place: InNamespace,
    /// With `backup_id`: only this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_type: Option<BackupType>,
    /// See `backup_type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<BackupId>,
    /// Only this snapshot.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "super::epoch_opt"
    )]
    pub backup_time: Option<BackupTime>,
    /// Skip what was verified already; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_verified: Option<bool>,
    /// Days after which a verification does not count any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outdated_after: Option<i64>,
    /// Levels below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Threads that read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_threads: Option<usize>,
    /// Threads that check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_threads: Option<usize>,
}

/// Parameters of [`Verify`].
pub const VERIFY: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    &[
        Param::optional("backup-type", kinds::BACKUP_TYPE),
        Param::optional("backup-id", kinds::BACKUP_ID),
        Param::optional("backup-time", kinds::BACKUP_TIME),
        Param::optional("ignore-verified", Kind::Boolean).or("true").about("Do not verify backups that are already verified if their verification is not outdated."),
        Param::optional("outdated-after", Kind::at_least(0)).about("Days after that a verification becomes outdated. (0 is deprecated)"),
        Param::optional("max-depth", kinds::MAX_DEPTH),
        Param::optional("read-threads", kinds::THREADS).or("1").about("The number of threads to use for reading chunks in verify job."),
        Param::optional("verify-threads", kinds::THREADS).or("4").about("The number of threads to use for verifying chunks in verify job."),
    ],
]);

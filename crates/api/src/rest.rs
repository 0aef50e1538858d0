//! The routes of the REST interface: requests with their schemas, replies with their members (protocol.md section 6).
//!
//! One module per part of the tree. Members are declared in the order in which the original writes them: alphabetical, except
//! where it streams a list. Missing members stay out of the JSON.

pub mod access;
pub mod appliance;
pub mod catalog;
pub mod datastore;
pub mod diff;
pub mod host;
pub mod namespace;
pub mod node;
pub mod search;
pub mod selection;
pub mod snapshot;
pub mod statistics;
pub mod task;

use format::{BackupId, BackupTime, BackupType, Group, Snapshot};
use serde::{Deserialize, Serialize};

/// The envelope around every answer: `data`, and beside it what describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply<T> {
    /// Running, of a task log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The result.
    pub data: T,
    /// SHA-256 of the configuration file that the data came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Number of elements, of task lists and task logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// `backup-type` and `backup-id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GroupKey {
    /// The id.
    pub backup_id: BackupId,
    /// The type.
    pub backup_type: BackupType,
}

/// `backup-type`, `backup-id` and `backup-time`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotKey {
    /// The id.
    pub backup_id: BackupId,
    /// Seconds since the epoch.
    #[serde(with = "epoch")]
    pub backup_time: BackupTime,
    /// The type.
    pub backup_type: BackupType,
}

impl From<GroupKey> for Group {
    fn from(key: GroupKey) -> Group {
        Group::new(key.backup_type, key.backup_id)
    }
}

impl From<Group> for GroupKey {
    fn from(group: Group) -> GroupKey {
        GroupKey {
            backup_id: group.id,
            backup_type: group.ty,
        }
    }
}

impl From<SnapshotKey> for Snapshot {
    fn from(key: SnapshotKey) -> Snapshot {
        Snapshot::new(Group::new(key.backup_type, key.backup_id), key.backup_time)
    }
}

impl From<Snapshot> for SnapshotKey {
    fn from(snapshot: Snapshot) -> SnapshotKey {
        SnapshotKey {
            backup_id: snapshot.group.id,
            backup_time: snapshot.time,
            backup_type: snapshot.group.ty,
        }
    }
}

/// Backup times are numbers on the wire.
pub mod epoch {
    use format::BackupTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(time: &BackupTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.epoch())
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BackupTime, D::Error> {
        BackupTime::new(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The same for times that may be missing.
pub mod epoch_opt {
    use format::BackupTime;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(
        time: &Option<BackupTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_some(&time.epoch()),
            None => serializer.serialize_none(),
        }
    }

    /// For `#[serde(with)]`.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<BackupTime>, D::Error> {
        let epoch = Option::<i64>::deserialize(deserializer)?;
        epoch
            .map(BackupTime::new)
            .transpose()
            .map_err(D::Error::custom)
    }
}

//! `sync.cfg`: jobs that copy groups from or to another datastore, of this server or of a remote one (server.md 1.9).

use api::group_filter::GroupFilter;
use api::human::ByteSize;
use api::kinds;
use api::schema::{Kind, Param, Schema};
use format::{AuthId, Namespace};
use serde::{Deserialize, Serialize};

use super::jobs::{Job, JobKind};
use crate::dir::FileSpec;
use crate::entry::Entry;
use crate::section_config::{SectionType, Syntax};

/// What a sync job must say.
pub const SYNC_REQUIRED: [Param; 2] = [
    Param::required("store", kinds::STORE).about("Datastore of this server."),
    Param::required("remote-store", kinds::STORE)
        .about("Datastore on the other side; without a remote it is one of this server too."),
];

/// What both a job and a single run may say.
pub const SYNC_SCOPE: &[Param] = &[
    Param::optional("ns", kinds::NAMESPACE).about("Namespace of this side."),
    Param::optional("remote-ns", kinds::NAMESPACE).about("Namespace of the other side."),
    Param::optional("max-depth", kinds::MAX_DEPTH)
        .about("Levels of namespaces below that are synced too; all if missing, none if 0."),
    Param::optional("remove-vanished", Kind::Boolean)
        .or("false")
        .about("Remove what is no longer on the side that is copied from."),
    Param::optional("group-filter", Kind::Array(&kinds::GROUP_FILTER))
        .about("Which groups: type:, group: or regex:, after exclude: all others."),
    Param::optional("transfer-last", Kind::at_least(1))
        .about("Only so many of the newest snapshots of each group."),
    Param::optional("encrypted-only", Kind::Boolean).about("Only snapshots that are encrypted."),
    Param::optional("verified-only", Kind::Boolean).about("Only snapshots that were verified."),
    Param::optional("worker-threads", kinds::THREADS)
        .or("1")
        .about("Groups that are synced at the same time."),
];

/// Whether damaged snapshots are copied again.
pub const RESYNC_CORRUPT: Param = Param::optional("resync-corrupt", Kind::Boolean)
    .about("Copy snapshots again whose verification failed.");
/// The other server.
pub const SYNC_REMOTE: Param = Param::optional("remote", kinds::JOB_ID)
    .about("The other server; both datastores are of this one if missing.");

/// What only a job may say.
const OF_JOB: &[Param] = &[
    SYNC_REMOTE,
    RESYNC_CORRUPT,
    Param::optional("sync-direction", Kind::Enum(&["pull", "push"]))
        .or("pull")
        .about("Copy from the other side, or to it."),
    Param::optional("owner", kinds::AUTH_ID)
        .about("Owner of the groups it makes; it runs with his rights. root@pam if missing."),
    Param::optional("schedule", kinds::CALENDAR_EVENT)
        .about("When it runs; only on request if missing."),
    Param::optional("run-on-mount", Kind::Boolean)
        .about("Run when a removable datastore of the job was mounted."),
    Param::optional("unmount-on-done", Kind::Boolean)
        .about("Unmount it again after a run that its mounting began."),
    Param::optional("active-encryption-key", kinds::JOB_ID)
        .about("Key that encrypts what is pushed unencrypted."),
    Param::optional("associated-key", Kind::Array(&kinds::JOB_ID))
        .about("Keys that decrypt what is pulled."),
    Param::optional("comment", kinds::COMMENT).about("One line about it."),
];

/// All that a sync job may say.
pub const SYNC_OPTIONAL: [&[Param]; 3] = [SYNC_SCOPE, OF_JOB, kinds::RATES];

/// What a change of a sync job may delete.
pub const SYNC_DELETABLE: &[&str] = &[
    "remote",
    "owner",
    "comment",
    "schedule",
    "remove-vanished",
    "group-filter",
    "rate-in",
    "burst-in",
    "rate-out",
    "burst-out",
    "ns",
    "remote-ns",
    "max-depth",
    "transfer-last",
    "encrypted-only",
    "verified-only",
    "run-on-mount",
    "unmount-on-done",
    "sync-direction",
    "worker-threads",
    "active-encryption-key",
    "associated-key",
];

/// The section type.
pub const SYNC_JOB: SectionType = SectionType {
    name: "sync",
    id_name: "id",
    id: kinds::JOB_ID,
    schema: Schema(&[&SYNC_REQUIRED, SYNC_SCOPE, OF_JOB, kinds::RATES]),
};

pub(super) const SYNC_SYNTAX: Syntax = Syntax {
    file: "sync.cfg",
    types: &[SYNC_JOB],
};

/// Which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncDirection {
    /// From the other side.
    #[default]
    Pull,
    /// To the other side.
    Push,
}

/// Limits of traffic; none without a rate. The size of a burst is the rate if missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rates {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_in: Option<ByteSize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_out: Option<ByteSize>,
    /// Received by this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_in: Option<ByteSize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_out: Option<ByteSize>,
}

/// A sync job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SyncJob {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_encryption_key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub associated_key: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_only: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_filter: Vec<GroupFilter>,
    pub id: String,
    /// Levels of namespaces below; all of them if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Of this side.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub ns: Namespace,
    /// `root@pam` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AuthId>,
    #[serde(flatten)]
    pub rates: Rates,
    /// Both datastores are of this server if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub remote_ns: Namespace,
    pub remote_store: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove_vanished: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resync_corrupt: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_on_mount: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Of this side.
    pub store: String,
    /// Pull if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_direction: Option<SyncDirection>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_last: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmount_on_done: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_only: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_threads: Option<usize>,
}

impl SyncJob {
    /// Which way it copies.
    pub fn direction(&self) -> SyncDirection {
        self.sync_direction.unwrap_or_default()
    }

    /// Whether it names this encryption key.
    pub fn uses_key(&self, id: &str) -> bool {
        self.encrypts_with(id) || self.associated_key.iter().any(|key| key == id)
    }

    /// Whether it encrypts with this key.
    pub fn encrypts_with(&self, id: &str) -> bool {
        self.active_encryption_key.as_deref() == Some(id)
    }
}

impl Entry for SyncJob {
    const FILE: FileSpec = FileSpec::SYNC;
    const SYNTAX: Syntax = SYNC_SYNTAX;
    const SECTION: &'static SectionType = &SYNC_JOB;
    const NOUN: &'static str = "job";
    fn id(&self) -> &str {
        &self.id
    }
}

impl Job for SyncJob {
    const KIND: JobKind = JobKind::Sync;
    fn store(&self) -> &str {
        &self.store
    }
    fn ns(&self) -> &Namespace {
        &self.ns
    }
    fn schedule(&self) -> Option<&str> {
        self.schedule.as_deref()
    }
}

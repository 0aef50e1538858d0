//! `prune.cfg` and `verification.cfg`: jobs of a datastore (server.md 1.10), and what they have in common with those of `sync.cfg`.

use api::kinds;
use api::rest::snapshot::KeepOptions;
use api::schema::{Kind, Param, Schema};
use format::Namespace;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::sync::{SYNC_DELETABLE, SYNC_SYNTAX};
use crate::dir::FileSpec;
use crate::entry::{self, Entry};
use crate::section_config::{SectionType, Syntax};

const COMMON: &[Param] = &[
    Param::required("store", kinds::STORE),
    Param::optional("ns", kinds::NAMESPACE),
    Param::optional("max-depth", kinds::MAX_DEPTH),
    Param::optional("comment", kinds::COMMENT),
];
const SCHEDULE: &[Param] = &[Param::optional("schedule", kinds::CALENDAR_EVENT)];

/// The section type of prune jobs.
pub const PRUNE_JOB: SectionType = SectionType {
    name: "prune",
    id_name: "id",
    id: kinds::JOB_ID,
    schema: Schema(&[
        COMMON,
        kinds::KEEP_OPTIONS,
        &[
            Param::required("schedule", kinds::CALENDAR_EVENT),
            Param::optional("disable", Kind::Boolean).or("false"),
        ],
    ]),
};

/// The section type of verification jobs.
pub const VERIFY_JOB: SectionType = SectionType {
    name: "verification",
    id_name: "id",
    id: kinds::JOB_ID,
    schema: Schema(&[
        COMMON,
        SCHEDULE,
        &[
            Param::optional("ignore-verified", Kind::Boolean).or("true"),
            Param::optional("outdated-after", Kind::at_least(0)),
            Param::optional("read-threads", kinds::THREADS).or("1"),
            Param::optional("verify-threads", kinds::THREADS).or("4"),
        ],
    ]),
};

const PRUNE_SYNTAX: Syntax = Syntax {
    file: "prune.cfg",
    types: &[PRUNE_JOB],
};
const VERIFY_SYNTAX: Syntax = Syntax {
    file: "verification.cfg",
    types: &[VERIFY_JOB],
};
/// The three files with their syntaxes.
pub fn jobs_syntax() -> [(FileSpec, Syntax); 3] {
    [
        (FileSpec::PRUNE, PRUNE_SYNTAX),
        (FileSpec::VERIFICATION, VERIFY_SYNTAX),
        (FileSpec::SYNC, SYNC_SYNTAX),
    ]
}

/// A prune job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PruneJob {
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Never by its schedule; written only if true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable: Option<bool>,
    /// Its id.
    pub id: String,
    /// What stays.
    #[serde(flatten)]
    pub keep: KeepOptions,
    /// Levels of namespaces below `ns`; all of them if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Default root.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub ns: Namespace,
    /// When.
    pub schedule: String,
    /// Where.
    pub store: String,
}

/// A verification job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct VerifyJob {
    /// One line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Its id.
    pub id: String,
    /// Skip what was verified and is not outdated; true if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_verified: Option<bool>,
    /// Levels of namespaces below `ns`; all of them if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Default root.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub ns: Namespace,
    /// Days after which a verification does not count any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outdated_after: Option<i64>,
    /// Threads that read; the datastore's tuning if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_threads: Option<usize>,
    /// When; only on request if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Where.
    pub store: String,
    /// Threads that check; the datastore's tuning if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_threads: Option<usize>,
}

/// Which jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    /// Of `prune.cfg`.
    Prune,
    /// Of `verification.cfg`.
    Verify,
    /// Of `sync.cfg`.
    Sync,
}

impl JobKind {
    /// What a change may delete.
    pub fn deletable(self) -> &'static [&'static str] {
        match self {
            JobKind::Prune => PRUNE_DELETABLE,
            JobKind::Verify => VERIFY_DELETABLE,
            JobKind::Sync => SYNC_DELETABLE,
        }
    }
}

/// What a change of a prune job may delete.
pub const PRUNE_DELETABLE: &[&str] = &[
    "comment",
    "disable",
    "ns",
    "max-depth",
    "keep-last",
    "keep-hourly",
    "keep-daily",
    "keep-weekly",
    "keep-monthly",
    "keep-yearly",
];
/// What a change of a verification job may delete.
pub const VERIFY_DELETABLE: &[&str] = &[
    "ignore-verified",
    "comment",
    "schedule",
    "outdated-after",
    "ns",
    "max-depth",
    "read-threads",
    "verify-threads",
];

/// A job of any of the files.
pub trait Job: Entry {
    /// Which.
    const KIND: JobKind;
    /// The datastore it works on.
    fn store(&self) -> &str;
    /// The namespace it begins at.
    fn ns(&self) -> &Namespace;
    /// When it runs, unless it does so only on request.
    fn schedule(&self) -> Option<&str>;
}

impl Entry for PruneJob {
    const FILE: FileSpec = FileSpec::PRUNE;
    const SYNTAX: Syntax = PRUNE_SYNTAX;
    const SECTION: &'static SectionType = &PRUNE_JOB;
    const NOUN: &'static str = "job";
    fn id(&self) -> &str {
        &self.id
    }
    /// Nor is `disable false` written.
    fn tidy(members: &mut Map<String, Value>) {
        entry::drop_blank(members);
        members.retain(|name, value| name != "disable" || value.as_bool() != Some(false));
    }
}

impl Job for PruneJob {
    const KIND: JobKind = JobKind::Prune;
    fn store(&self) -> &str {
        &self.store
    }
    fn ns(&self) -> &Namespace {
        &self.ns
    }
    fn schedule(&self) -> Option<&str> {
        Some(&self.schedule)
    }
}

impl Entry for VerifyJob {
    const FILE: FileSpec = FileSpec::VERIFICATION;
    const SYNTAX: Syntax = VERIFY_SYNTAX;
    const SECTION: &'static SectionType = &VERIFY_JOB;
    const NOUN: &'static str = "job";
    fn id(&self) -> &str {
        &self.id
    }
}

impl Job for VerifyJob {
    const KIND: JobKind = JobKind::Verify;
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

//! `prune.cfg`, `verification.cfg` and `sync.cfg`: the jobs that refer to a datastore (server.md 1.9, 1.10).
//!
//! Only what creating and removing a datastore needs: making its prune job, and removing every job that names it.

use api::kinds;
use api::schema::{Kind, Param, Schema};
use serde::{Deserialize, Serialize};

use crate::dir::FileSpec;
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
            Param::optional("read-threads", kinds::THREADS),
            Param::optional("verify-threads", kinds::THREADS),
        ],
    ]),
};

const SYNC_JOB: SectionType = SectionType {
    name: "sync",
    id_name: "id",
    id: kinds::JOB_ID,
    schema: Schema(&[
        COMMON,
        SCHEDULE,
        &[
            Param::optional("remote", kinds::JOB_ID),
            Param::required("remote-store", kinds::STORE),
            Param::optional("remote-ns", kinds::NAMESPACE),
            Param::optional("owner", kinds::AUTH_ID),
            Param::optional("remove-vanished", Kind::Boolean),
            Param::optional("group-filter", Kind::Array(&kinds::TEXT)),
            Param::optional("rate-in", kinds::BYTE_SIZE),
            Param::optional("burst-in", kinds::BYTE_SIZE),
            Param::optional("rate-out", kinds::BYTE_SIZE),
            Param::optional("burst-out", kinds::BYTE_SIZE),
            Param::optional("transfer-last", Kind::at_least(1)),
            Param::optional("resync-corrupt", Kind::Boolean),
            Param::optional("encrypted-only", Kind::Boolean),
            Param::optional("verified-only", Kind::Boolean),
            Param::optional("sync-direction", Kind::Enum(&["pull", "push"])),
            Param::optional("run-on-mount", Kind::Boolean),
            Param::optional("unmount-on-done", Kind::Boolean),
            Param::optional("worker-threads", kinds::THREADS),
            Param::optional("active-encryption-key", kinds::JOB_ID),
            Param::optional("associated-key", Kind::Array(&kinds::JOB_ID)),
        ],
    ]),
};

/// The three files with their syntaxes.
pub fn jobs_syntax() -> [(FileSpec, Syntax); 3] {
    [
        (
            FileSpec::PRUNE,
            Syntax {
                file: "prune.cfg",
                types: &[PRUNE_JOB],
            },
        ),
        (
            FileSpec::VERIFICATION,
            Syntax {
                file: "verification.cfg",
                types: &[VERIFY_JOB],
            },
        ),
        (
            FileSpec::SYNC,
            Syntax {
                file: "sync.cfg",
                types: &[SYNC_JOB],
            },
        ),
    ]
}

/// A prune job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PruneJob {
    /// Its id.
    pub id: String,
    /// What stays.
    #[serde(flatten)]
    pub keep: api::rest::snapshot::KeepOptions,
    /// When.
    pub schedule: String,
    /// Where.
    pub store: String,
}

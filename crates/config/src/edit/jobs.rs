//! Parameters of prune and verification jobs (server.md 1.10). When a job ran last is kept elsewhere, by who runs it.

use api::kinds;
use api::schema::{Kind, Param, Schema};

use crate::files::{PRUNE_DELETABLE, VERIFY_DELETABLE};

const ID: &[Param] = &[Param::required("id", kinds::JOB_ID).about("Job ID.")];
const STORE: &[Param] = &[Param::required("store", kinds::STORE).about("Datastore name.")];
const NEW_STORE: &[Param] = &[Param::optional("store", kinds::STORE).about("Datastore name.")];
const PLACE: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("ns", kinds::NAMESPACE).about("Namespace."),
    Param::optional("max-depth", kinds::MAX_DEPTH)
        .about("How many levels of namespaces should be operated on (0 == no recursion)"),
];
const VERIFY_PLACE: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("ns", kinds::NAMESPACE).about("Namespace."),
    Param::optional("max-depth", kinds::MAX_DEPTH)
        .or("7")
        .about("How many levels of namespaces should be operated on (0 == no recursion)"),
];
const SCHEDULE: &[Param] =
    &[Param::optional("schedule", kinds::CALENDAR_EVENT)
        .about("Run the job at specified schedule.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)
    .about("Prevent changes if current configuration file has different SHA256 digest.")];
const DISABLE: &[Param] = &[Param::optional("disable", Kind::Boolean)
    .or("false")
    .about("Disable this job.")];
const VERIFY: &[Param] = &[
    Param::optional("ignore-verified", Kind::Boolean)
        .or("true")
        .about("Do not verify backups that are already verified if their verification is not outdated."),
    Param::optional("outdated-after", Kind::at_least(0))
        .about("Days after that a verification becomes outdated."),
    Param::optional("read-threads", kinds::THREADS)
        .or("1")
        .about("The number of threads to use for reading chunks."),
    Param::optional("verify-threads", kinds::THREADS)
        .or("4")
        .about("The number of threads to use for verifying chunks."),
];

/// Parameters of the creation of a prune job.
pub const PRUNE_JOB_CREATE: Schema = Schema(&[
    ID,
    STORE,
    &[Param::required("schedule", kinds::CALENDAR_EVENT)
        .about("Run the job at specified schedule.")],
    DISABLE,
    PLACE,
    kinds::KEEP_OPTIONS,
]);

/// Parameters of a change of a prune job.
pub const PRUNE_JOB_UPDATE: Schema = Schema(&[
    ID,
    NEW_STORE,
    SCHEDULE,
    DISABLE,
    PLACE,
    kinds::KEEP_OPTIONS,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(PRUNE_DELETABLE)))
            .about("List of properties to delete."),
    ],
    DIGEST,
]);

/// Parameters of the creation of a verification job.
pub const VERIFY_JOB_CREATE: Schema = Schema(&[ID, STORE, SCHEDULE, VERIFY_PLACE, VERIFY]);

/// Parameters of a change of a verification job.
pub const VERIFY_JOB_UPDATE: Schema = Schema(&[
    ID,
    NEW_STORE,
    SCHEDULE,
    VERIFY_PLACE,
    VERIFY,
    &[
        Param::optional("delete", Kind::Array(&Kind::Enum(VERIFY_DELETABLE)))
            .about("List of properties to delete."),
    ],
    DIGEST,
]);

/// Parameters of the removal of a job.
pub const JOB_DELETE: Schema = Schema(&[ID, DIGEST]);

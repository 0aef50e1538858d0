//! The files of the directory, each as a type: what it holds, and reading and writing it.
//!
//! Files that no part of this program changes are not read here and stay as they are.

mod acl;
mod datastore;
mod domains;
mod jobs;
mod node;
pub mod notifications;
mod shadow;
mod user;

pub use acl::{parse_acl, print_acl};
pub use datastore::{
    DATASTORE, DELETABLE, Datastore, Datastores, MAINTENANCE, Maintenance, MaintenanceKind,
    NotificationMode, PROPERTIES, SyncLevel, TUNING, Tuning,
};
pub use domains::{Domains, parse_domains};
pub use jobs::{
    Job, JobKind, PRUNE_DELETABLE, PRUNE_JOB, PruneJob, VERIFY_DELETABLE, VERIFY_JOB, VerifyJob,
    jobs_syntax,
};
pub use node::Node;
pub use shadow::{Shadow, ShadowStyle};
pub use user::{Token, User, Users};

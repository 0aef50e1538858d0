//! The files of the directory, each as a type: what it holds, and reading and writing it.
//!
//! Files that no part of this program changes are not read here and stay as they are.

mod acl;
mod acme;
mod datastore;
mod domains;
mod encryption_key;
mod jobs;
mod metrics;
mod node;
pub mod notifications;
mod realm;
mod remote;
mod s3;
mod shadow;
mod sync;
mod tfa;
mod ticket_limits;
mod traffic;
mod user;

pub use acl::{parse_acl, print_acl};
pub use acme::{
    ACME_ACCOUNTS_FOLDER, ACME_DIRECTORIES, ACME_DNS, ACME_PLUGIN_DELETABLE, ACME_PLUGIN_ID,
    ACME_PLUGIN_OPTIONAL, ACME_PLUGIN_REQUIRED, AcmeAccount, AcmeAccountShown, DnsPlugin,
    PluginShown, STANDALONE,
};
pub use datastore::{
    DATASTORE, DELETABLE, Datastore, Datastores, MAINTENANCE, Maintenance, MaintenanceKind,
    NotificationMode, PROPERTIES, SyncLevel, TUNING, Tuning,
};
pub use domains::{BuiltIn, Domains, parse_domains};
pub use encryption_key::{
    ENCRYPTION_KEY, ENCRYPTION_KEY_PROPERTIES, ENCRYPTION_KEYS_FOLDER, EncryptionKey,
};
pub use jobs::{
    Job, JobKind, PRUNE_DELETABLE, PRUNE_JOB, PruneJob, VERIFY_DELETABLE, VERIFY_JOB, VerifyJob,
    jobs_syntax,
};
pub use metrics::{
    INFLUX_HTTP, INFLUX_HTTP_DELETABLE, INFLUX_HTTP_OPTIONAL, INFLUX_HTTP_REQUIRED, INFLUX_UDP,
    INFLUX_UDP_DELETABLE, INFLUX_UDP_OPTIONAL, INFLUX_UDP_REQUIRED, InfluxHttp, InfluxUdp,
};
pub use node::{ACME_DOMAIN, ACME_DOMAINS, NODE_PROPERTIES, Node};
pub(crate) use realm::DOMAINS_SYNTAX;
pub use realm::{AdRealm, Directory, LdapRealm, OpenidRealm, RealmEntry};
pub use remote::{REMOTE, REMOTE_DELETABLE, REMOTE_OPTIONAL, REMOTE_REQUIRED, Remote};
pub use s3::{S3_DELETABLE, S3_ENDPOINT, S3_OPTIONAL, S3_REQUIRED, S3_SECRET, S3Endpoint};
pub use shadow::{Shadow, ShadowStyle};
pub use sync::{
    RESYNC_CORRUPT, Rates, SYNC_DELETABLE, SYNC_JOB, SYNC_OPTIONAL, SYNC_REMOTE, SYNC_REQUIRED,
    SYNC_SCOPE, SyncDirection, SyncJob,
};
pub use tfa::{
    Demand, Entry, Factors, RECOVERY_ID, Recovery, Tfa, TotpEntry, TotpUri, UsedTotp, Webauthn,
};
pub use ticket_limits::TicketLimits;
pub use traffic::{
    TRAFFIC_DELETABLE, TRAFFIC_OPTIONAL, TRAFFIC_REQUIRED, TRAFFIC_RULE, TrafficRule,
};
pub use user::{Token, User, Users};

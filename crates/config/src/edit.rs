//! Changes of the configuration as whole steps: checked, under the locks they need, all files or an error.
//!
//! The server's routes and the manager's commands call the same functions, so both behave alike. Who may do what is decided
//! before. Locks are always taken in the order user, shadow, token.shadow, tfa, acl, datastore, jobs, then whatever jobs and datastores refer to.

mod acl;
mod acme;
mod datastore;
mod encryption_key;
mod entry;
mod error;
mod jobs;
mod metrics;
mod node;
pub mod notifications;
mod realm;
mod remote;
mod s3;
mod sync;
mod tfa;
mod tickets;
mod token;
mod traffic;
mod user;

pub use acl::update_acl;
pub use acme::{
    ACME_PLUGIN_CREATE, ACME_PLUGIN_UPDATE, acme_account, acme_accounts, create_acme_plugin,
    remove_acme_plugin, update_acme_plugin,
};
pub use datastore::{
    DATASTORE_CREATE, DATASTORE_DELETE, DATASTORE_UPDATE, DatastoreRemoval, begin_unmount,
    check_datastore, check_place, check_removable, create_datastore, end_unmount, remove_datastore,
    shares_place, update_datastore,
};
pub use encryption_key::{
    create_encryption_key, remove_encryption_key, toggle_encryption_key_archive,
};
pub use entry::{
    amend_entry, create_entry, create_entry_if, entries, find_entry, remove_entry, remove_entry_if,
    update_entry,
};
pub use error::EditError;
pub use jobs::{
    JOB_DELETE, PRUNE_JOB_CREATE, PRUNE_JOB_UPDATE, VERIFY_JOB_CREATE, VERIFY_JOB_UPDATE,
};
pub use metrics::{INFLUX_HTTP_CREATE, INFLUX_HTTP_UPDATE, INFLUX_UDP_CREATE, INFLUX_UDP_UPDATE};
pub use node::{NODE_CONFIG, NODE_DELETABLE, NODE_UPDATE, node_config, update_node_config};
pub use realm::{
    BuiltInChange, create_realm, find_built_in, remove_realm, update_built_in, update_realm,
};
pub use remote::{REMOTE_CREATE, REMOTE_UPDATE, create_remote, remove_remote, update_remote};
pub use s3::{S3_CREATE, S3_UPDATE, remove_s3_endpoint};
pub use sync::{SYNC_JOB_CREATE, SYNC_JOB_UPDATE, check_sides, create_sync_job, update_sync_job};
pub use tfa::{
    TfaAnswer, TfaOutcome, WebauthnChange, add_tfa, answer_tfa, remove_tfa, unlock_tfa, update_tfa,
    update_webauthn,
};
pub use tickets::end_tickets;
pub use token::{TokenMade, create_token, delete_token, update_token};
pub use traffic::{TRAFFIC_CREATE, TRAFFIC_UPDATE};
pub use user::{create_user, remove_user, set_password, update_user};

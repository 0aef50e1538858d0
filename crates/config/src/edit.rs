//! Changes of the configuration as whole steps: checked, under the locks they need, all files or an error.
//!
//! The server's routes and the manager's commands call the same functions, so both behave alike. Who may do what is decided
//! before. Locks are always taken in the order user, shadow, token.shadow, tfa, acl, datastore, jobs.

mod acl;
mod datastore;
mod entry;
mod error;
mod jobs;
pub mod notifications;
mod token;
mod user;

pub use acl::update_acl;
pub use datastore::{
    DATASTORE_CREATE, DATASTORE_UPDATE, DatastoreRemoval, create_datastore, remove_datastore,
    update_datastore,
};
pub use entry::{create_entry, entries, find_entry, remove_entry, update_entry};
pub use error::EditError;
pub use jobs::{
    JOB_DELETE, PRUNE_JOB_CREATE, PRUNE_JOB_UPDATE, VERIFY_JOB_CREATE, VERIFY_JOB_UPDATE,
};
pub use token::{TokenMade, create_token, delete_token, update_token};
pub use user::{create_user, remove_user, set_password, update_user};

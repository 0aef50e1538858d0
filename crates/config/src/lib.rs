//! The configuration of a server: files under a root that the caller names, read, checked, locked and replaced.
//!
//! The formats are the original's, so that an existing `/etc` directory can be taken over and given back. Nothing is cached
//! and nothing is global; a server asks [`ConfigDir::stamp`] whether a file has changed. What root makes
//! belongs to the owner of the folder it is made in (`owner`). Modules are listed from the ground up; a module uses only groups above its own.

pub mod error;
pub mod owner;
pub mod password;
pub mod places;
pub mod secret;
pub mod totp;

mod link;

pub mod dir;
pub mod failures;
pub mod recovery;
pub mod section_config;

pub mod entry;

pub mod files;
pub mod guard;
pub mod identity;
pub mod readable;

pub mod edit;
pub mod takeover;

pub mod health;

pub use dir::{ConfigDir, FileSpec, Locked, Stamp};
pub use entry::Entry;
pub use error::ConfigError;
pub use places::{NotADirectory, Places};
pub use secret::Secret;

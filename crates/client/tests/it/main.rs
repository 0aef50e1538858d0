//! Backups and restores against a real server in this process, on a free port and in a temporary folder.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps an error fails, as it should"
)]

mod fixtures;
mod rig;

mod browse;
mod diff;
mod failures;
mod files;
mod held;
mod images;
mod login;
mod outages;
mod parts;
mod random;
mod resume;
mod split;
mod stalled;
mod stopped;
mod trees;

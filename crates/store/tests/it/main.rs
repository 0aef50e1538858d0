//! The store from outside: its contract, whole backups, the original's datastore, faults, and what may not happen at the same time.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap like tests")]

mod world;

mod begin;
mod collect;
mod contract;
mod damage;
mod faults;
mod full_disk;
mod images;
mod model;
mod moves;
mod namespaces;
mod original;
mod pairs;
mod session;
mod snapshots;
mod space;
mod uploads;

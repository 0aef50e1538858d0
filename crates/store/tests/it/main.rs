//! The store from outside: its contract, whole backups, the original's datastore, faults, and what may not happen at the same time.

mod contract;

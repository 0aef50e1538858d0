//! Long work on datastores that runs as a task, on request or by a schedule (server.md 4). What each decides is a plan of the crate `store`;
//! here it gets a task, its log and the rights of whoever it runs for.

pub mod prune;

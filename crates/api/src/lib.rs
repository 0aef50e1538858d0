//! The words of the wire, shared by server, client library and command lines: requests and replies, parameter schemas,
//! task ids, ticket texts, repositories, privileges, roles and the evaluation of access control lists.
//!
//! Pure: no file, no clock, no network, no key. Signing tickets and reading `acl.cfg` belong to `config`, routes to
//! `server`, connections to `remote`. Modules are listed from the ground up; a module uses only groups above its own.

pub mod calendar;
pub mod defaults;
pub mod human;
pub mod network;
pub mod pattern;
pub mod privilege;

pub mod form;
pub mod group_filter;
pub mod property;
pub mod repository;
pub mod role;
pub mod ticket;
pub mod upid;

pub mod acl;
pub mod schema;

pub mod kinds;

pub mod rest;

pub mod backup;
pub mod reader;

pub use acl::{AclTree, Granted};
pub use privilege::{Privilege, Privileges};
pub use repository::Repository;
pub use role::Role;
pub use ticket::Ticket;
pub use upid::Upid;

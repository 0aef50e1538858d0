//! A connection to a server: TLS with pinned or trusted certificates, login, REST calls, backup and reader sessions.
//!
//! [`Client`] is a login and the HTTP/1.1 connections it needs; [`BackupSession`] and [`ReaderSession`] are HTTP/2 connections that
//! a client opens. Nothing here knows a key or opens a chunk: what is sealed stays sealed, which is the work of `client`.
//! Every failure is a variant of [`Error`]; the server's own words are passed on unchanged. Wire facts: protocol.md 1 to 6.

mod error;
mod offers;
mod query;
mod rate;
mod secret;

mod certificate;
mod socket;

mod login;

mod connect;

mod wire;

mod session;

mod backup;

mod reader;

mod client;

pub use backup::{BackupSession, IndexKind, Writer};
pub use client::{BackupTarget, Client, Download};
pub use connect::{Confirm, Connect, Proxy, UnknownCertificate};
pub use error::Error;
pub use login::{Credential, SecondFactor, Ticket};
pub use query::{Query, escape};
pub use rate::Rate;
pub use reader::ReaderSession;
pub use secret::Secret;

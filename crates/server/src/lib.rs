//! The server: HTTP, authentication, routes, the backup and reader protocols, tasks. The async edge over `store` and `config`, which block;
//! the two meet in [`blocking`] alone. [`Server::bind`] starts one in this process; it reads neither environment nor arguments.
//! Modules are listed from the ground up; a module uses only groups above its own.

mod shares;

pub mod blocking;
pub mod presence;
pub mod removable;
pub mod shortage;
#[cfg(feature = "pam")]
mod sys;
pub mod tuned;

pub mod app;
pub mod log_book;
pub mod operations;

pub mod settings;

pub mod body;
pub mod certificate;
pub mod counters;
pub mod events;
pub mod journal;
mod limiter;
pub mod looks;
pub mod machine;
#[cfg(feature = "pam")]
mod pam;
mod selections;
mod token_cache;
mod traffic;
mod turns;

mod room;
mod work;

pub mod statistics;
pub mod tasks;

mod transfer;

pub mod fault;

mod configuration;

pub mod context;

mod auth;
pub mod params;
pub mod reply;

mod ranges;
pub mod route;

mod permission;

mod changes;
mod content;
pub mod jobs;
mod sampling;
mod writability;

mod survey;

pub mod lifecycle;
mod probes;
mod rights;

mod protocol;

mod api;

mod openapi;
mod pages;

mod dispatch;

mod front;
pub mod local;

mod server;

pub use api::tables;
pub use certificate::ReloadError;
pub use route::Tree;
pub use server::{Server, ShutdownOutcome, StartError};
pub use settings::Settings;

//! A directory tree to a pxar archive and back.
//!
//! This crate alone touches extended attributes, ACLs, file attributes and mounts, and it alone turns names out of archives
//! into files: always one component at a time beneath an open directory, never by joining strings. It blocks, and it knows no
//! network, no keys and no chunks.
//!
//! Start reading at [`create()`] and [`extract()`].

mod advice;
mod sys;

mod beneath;
mod file_system;
mod listing;
mod posix_acl;
mod sparse;

mod capture;

mod apply;
pub mod reuse;

pub mod create;
pub mod extract;

pub use create::{
    CatalogSink, CreateError, CreateOptions, CreateStats, CreateWatch, DeviceSet, Notice,
    PayloadSink, Previous, ReuseStats, create, create_split, open_source,
};
pub use extract::{
    CREATE_DEVICE, EntryError, ExtractError, ExtractOptions, ExtractStats, ExtractWatch, Remark,
    extract,
};
pub use reuse::{ChunkTable, ReusedChunk};

//! What `format` promises, shown on the vectors of the specification and on files made by the original's programs.
//!
//! The fixtures are read in place (`STRONGROOM_FIXTURES`, by default beside the repository); where they are absent their tests say so and
//! pass.
#![expect(clippy::unwrap_used, reason = "tests")]

mod blob;
mod catalog;
mod chunker;
mod fixtures;
mod index;
mod inspect;
mod keyfile;
mod manifest;
mod names;
mod upload_journal;

//! What `crypto` promises, shown on the vectors of the specification and on keys and snapshots made by the original's programs.
//!
//! The fixtures are read in place (`STRONGROOM_FIXTURES`, by default beside the repository); where they are absent their tests say so and
//! pass.
#![expect(clippy::unwrap_used, reason = "tests")]

mod blobs;
mod fixtures;
mod keyfile;
mod keys;
mod manifest;
mod rsa;

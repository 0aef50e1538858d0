//! Recorded exchanges of known clients with the original, replayed against this server, and what no well-behaved client would send.
//! The recordings are in the fixtures (`h2/`) and, as far as the specification prints them, in these files. Each test starts a server of its
//! own on a free port and speaks raw TLS and HTTP/2 to it, so that nothing of our own client can hide a mistake.

mod bodies;
pub mod client;
mod rig;
mod transcript;

mod endings;
mod flood;
mod gone;
mod hostile;
mod memory;
mod pressure;
mod replay;
mod reuse;
mod spec;
mod tasks;
mod uploaded;

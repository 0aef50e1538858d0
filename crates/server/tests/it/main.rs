//! Tests of the server from outside: a real one on a free port, in this process.

mod conformance;
#[path = "../exchange/all.rs"]
mod exchange;
mod rest;

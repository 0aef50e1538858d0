//! Tests of the words of the wire: tables from the specification, the original's captures, properties of the parsers.

mod acl;
mod calendar;
mod fixtures;
mod names;
mod parsers;
mod schema;
mod traffic;
mod wire;

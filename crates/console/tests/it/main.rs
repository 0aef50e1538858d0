//! The command line's grammar and output against the original's.

mod args;
mod complete;
mod fixtures;
mod help;
mod human;
mod progress;
mod report;
mod table;

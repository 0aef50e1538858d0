//! The program as a user runs it: arguments, help, keys, errors and exit status; no server.

mod debug;
mod errors;
mod help;
mod keys;
mod run;
mod shells;
mod statuses;

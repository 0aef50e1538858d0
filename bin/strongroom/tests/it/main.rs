//! The program as a user runs it: arguments, help, keys, errors and exit status; no server.

mod errors;
mod help;
mod keys;
mod run;

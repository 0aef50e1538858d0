//! How our command lines speak: arguments, error reports, tables, JSON, progress, prompts.
//!
//! Everything here works on values it is given: no environment, no home, no arguments are
//! read, and no other crate of this house is known. A program collects its settings at its
//! edge and passes them in. Grammar and layouts are those of the original (cli.md 1), since
//! scripts parse them.

pub mod files;
pub mod human;
pub mod json;
pub mod near;
pub mod shown;

pub mod out;

pub mod fault;
pub mod help;
pub mod prompt;
pub mod screen;
pub mod table;

pub mod args;
pub mod describe;
pub mod manual;
pub mod naming;
pub mod output;
pub mod progress;

pub mod complete;
pub mod scripts;

pub mod report;

pub mod refusal;

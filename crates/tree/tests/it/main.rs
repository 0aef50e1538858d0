//! Tests of storing and restoring trees. What the original made is the expected value; the rest is built in temp folders.

mod changes;
mod create;
mod extract;
mod golden;
mod hostile;
mod properties;
mod reuse;
mod support;
mod targets;
mod waiting;

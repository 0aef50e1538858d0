//! Tests of the archive format. Expected values are the original's: the vectors of the specification and its own archives.

mod fixtures;
mod hostile;
mod lookup;
mod patterns;
mod properties;
mod split;
mod support;
mod vectors;

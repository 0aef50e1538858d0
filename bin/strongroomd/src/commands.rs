//! Commands of `strongroomd` besides serving.

pub mod quickstart;

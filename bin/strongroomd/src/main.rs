//! strongroomd

fn main() {}

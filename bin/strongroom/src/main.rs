//! strongroom

fn main() {}

//! strongroom-manager

fn main() {}

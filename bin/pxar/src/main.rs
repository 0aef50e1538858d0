//! pxar

fn main() {}

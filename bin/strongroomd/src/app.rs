//! The browser's app, as the build script found or built it: names, and bytes packed by gzip. Empty where it was left out.

include!(concat!(env!("OUT_DIR"), "/app.rs"));

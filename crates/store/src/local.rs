//! Local chunk store.
/// Chunks in a directory.
pub struct LocalChunks {}

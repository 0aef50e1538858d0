//! What the server does with an uploaded chunk before it is stored (formats.md 2.5, protocol.md 3.3).

use format::{BlobError, Digest};

use crate::chunk::ChunkError;

/// Why an uploaded chunk was refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("unable to parse raw blob - wrong magic")]
    Magic,
    #[error("unable to parse raw blob - {len} bytes are too few")]
    TooShort { len: usize },
    #[error("uploaded chunk cannot be decoded")]
    Decode { source: BlobError },
    #[error("detected chunk with wrong length ({announced} != {len})")]
    WrongLength { announced: u64, len: u64 },
    #[error("detected chunk with wrong digest.")]
    WrongDigest { digest: Digest },
    #[error(transparent)]
    Store(#[from] ChunkError),
}

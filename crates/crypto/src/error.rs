//! What can go wrong between a blob and its content.

use format::{BlobError, Digest, ManifestError};

use crate::random::RandomError;

#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error("encryption and signing need a key, but there is none")]
    NoKey,
    #[error("data is encrypted, its key is needed")]
    Encrypted,
    #[error("cannot decrypt: this is the wrong key, or the data is damaged")]
    Decrypt,
    #[error("content has digest {computed} instead of {expected}; it is damaged")]
    Digest { expected: Digest, computed: Digest },
    #[error("{len} bytes are more than can be encrypted at once")]
    TooLong { len: usize },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Random(#[from] RandomError),
}

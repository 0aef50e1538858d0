//! Content into its blob: compress, encrypt, envelope.
//!
//! One sealer per worker: it keeps its zstd context, encrypts in place in the caller's buffer, and allocates nothing once that buffer is
//! warm. The digest is a step of its own, since a known chunk needs no sealing.

use std::sync::Arc;

use format::blob::write_sealed_header;
use format::{BlobKind, Compressor, CryptMode, Digest};

use crate::error::CryptoError;
use crate::key::Key;
use crate::random::{Random, SystemRandom, random_array};

pub struct Sealer<R = SystemRandom> {
    /// Set only if chunks are encrypted.
    key: Option<Arc<Key>>,
    compressor: Compressor,
    random: R,
}

impl Sealer {
    /// `mode` decides: only [`CryptMode::Encrypt`] uses the key, and it needs one.
    pub fn new(key: Option<Arc<Key>>, mode: CryptMode) -> Result<Sealer, CryptoError> {
        Sealer::with_random(key, mode, SystemRandom)
    }
}

impl<R: Random> Sealer<R> {
    /// With another source of IVs than the system; for tests.
    pub fn with_random(
        key: Option<Arc<Key>>,
        mode: CryptMode,
        random: R,
    ) -> Result<Sealer<R>, CryptoError> {
        let key = match mode {
            CryptMode::Encrypt => Some(key.ok_or(CryptoError::NoKey)?),
            CryptMode::None | CryptMode::SignOnly => None,
        };
        Ok(Sealer {
            key,
            compressor: Compressor::new(),
            random,
        })
    }

    /// The digest by which the chunk goes: keyed if it is going to be encrypted.
    pub fn digest(&self, data: &[u8]) -> Digest {
        match &self.key {
            Some(key) => key.digest(data),
            None => Digest::of(data),
        }
    }

    /// Writes the whole blob into `out`, whose old content is dropped.
    pub fn seal(
        &mut self,
        data: &[u8],
        compress: bool,
        out: &mut Vec<u8>,
    ) -> Result<BlobKind, CryptoError> {
        let Some(key) = &self.key else {
            return Ok(self.compressor.encode(data, compress, out)?);
        };
        let compressed = self.compressor.encode_body(data, compress, true, out)?;
        let kind = BlobKind::new(compressed, true);
        let iv = random_array(&mut self.random)?;
        let tag = key.encrypt(&iv, &mut out[kind.header_len()..])?;
        write_sealed_header(out, kind, &iv, &tag)?;
        Ok(kind)
    }
}

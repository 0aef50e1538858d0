//! A blob into its content: decrypt, decompress, compare. The last of the four places where integrity is looked at.
//!
//! One opener per worker: it keeps its zstd context and one buffer for decrypted but still compressed bytes.

use std::sync::Arc;

use format::{Blob, BlobError, BlobKind, Decompressor, Digest};
use zeroize::Zeroizing;

use crate::error::CryptoError;
use crate::key::Key;

pub struct Opener {
    key: Option<Arc<Key>>,
    decompressor: Decompressor,
    decrypted: Zeroizing<Vec<u8>>,
}

/// A chunk as it is stored, and where its content goes.
pub struct SealedChunk<'a> {
    pub blob: &'a [u8],
    /// The content's digest: the keyed one for encrypted kinds.
    pub expected: &'a Digest,
    /// Content larger than this is an error.
    pub out: &'a mut [u8],
}

/// What stands in the buffer, and the key if its digest is a keyed one.
struct Revealed {
    len: usize,
    key: Option<Arc<Key>>,
}

impl Opener {
    /// Without a key only plain blobs can be opened.
    pub fn new(key: Option<Arc<Key>>) -> Opener {
        Opener {
            key,
            decompressor: Decompressor::new(),
            decrypted: Zeroizing::default(),
        }
    }

    /// Writes the content of the encoded `blob` into `out`, whose old content is dropped; on an error `out` is empty.
    ///
    /// With an `expected` digest the content is compared with it: the keyed one for encrypted kinds. Without one, the checksum in the envelope
    /// is compared. Content larger than `raw_max` bytes is an error.
    pub fn open(
        &mut self,
        blob: &[u8],
        raw_max: usize,
        expected: Option<&Digest>,
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let result = self.open_unchecked(blob, raw_max, expected, out);
        if result.is_err() {
            out.clear();
        }
        result
    }

    /// Writes the content of a chunk's encoded blob to the beginning of the caller's buffer and tells how long it is; else like
    /// [`Opener::open`]. On an error nothing of the buffer may be used.
    pub fn open_into(&mut self, chunk: SealedChunk<'_>) -> Result<usize, CryptoError> {
        let opened = self.reveal(chunk.blob, chunk.out)?;
        let content = &chunk.out[..opened.len];
        let computed = match &opened.key {
            Some(key) => key.digest(content),
            None => Digest::of(content),
        };
        compare(chunk.expected, computed)?;
        Ok(opened.len)
    }

    /// The same with two chunks, whose digests are computed side by side.
    pub fn open_two(&mut self, chunks: [SealedChunk<'_>; 2]) -> [Result<usize, CryptoError>; 2] {
        let [first, second] = chunks;
        let revealed = [
            self.reveal(first.blob, first.out),
            self.reveal(second.blob, second.out),
        ];
        let contents = [&*first.out, &*second.out];
        let messages: [(&[u8], &[u8]); 2] = std::array::from_fn(|at| match &revealed[at] {
            Ok(opened) => (
                &contents[at][..opened.len],
                opened.key.as_deref().map_or(&[][..], Key::digest_suffix),
            ),
            Err(_) => (&[][..], &[][..]),
        });
        let [one, two] = Digest::of_two(messages);
        let [opened, other] = revealed;
        let checked = |opened: Result<Revealed, CryptoError>, expected, computed| {
            let opened = opened?;
            compare(expected, computed)?;
            Ok(opened.len)
        };
        [
            checked(opened, first.expected, one),
            checked(other, second.expected, two),
        ]
    }

    /// Decrypts and decompresses; nothing is compared yet but the tag.
    fn reveal(&mut self, blob: &[u8], out: &mut [u8]) -> Result<Revealed, CryptoError> {
        let blob = Blob::parse(blob)?;
        let (Some(iv), Some(tag)) = (blob.iv(), blob.tag()) else {
            let len = self.decompressor.decode_into(&blob, out)?;
            return Ok(Revealed { len, key: None });
        };
        let key = self.key.clone().ok_or(CryptoError::Encrypted)?;
        self.unlock(&key, &blob, iv, tag, out.len())?;
        let len = if blob.kind() == BlobKind::ZstdEncrypted {
            self.decompressor.decompress_into(&self.decrypted, out)?
        } else {
            // No longer than the body, whose length was compared.
            out[..self.decrypted.len()].copy_from_slice(&self.decrypted);
            self.decrypted.len()
        };
        Ok(Revealed {
            len,
            key: Some(key),
        })
    }

    fn open_unchecked(
        &mut self,
        blob: &[u8],
        raw_max: usize,
        expected: Option<&Digest>,
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let blob = Blob::parse(blob)?;
        if expected.is_none() {
            blob.check_crc()?;
        }
        let computed = match (blob.iv(), blob.tag()) {
            (Some(iv), Some(tag)) => {
                let key = self.key.clone().ok_or(CryptoError::Encrypted)?;
                self.decrypt(&key, &blob, iv, tag, raw_max, out)?;
                expected.map(|_| key.digest(out))
            }
            _ => {
                self.decompressor.decode(&blob, raw_max, out)?;
                expected.map(|_| Digest::of(out))
            }
        };
        match (expected, computed) {
            (Some(expected), Some(computed)) => compare(expected, computed),
            _ => Ok(()),
        }
    }

    fn decrypt(
        &mut self,
        key: &Key,
        blob: &Blob<'_>,
        iv: &[u8; 16],
        tag: &[u8; 16],
        raw_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        if blob.kind() == BlobKind::ZstdEncrypted {
            self.unlock(key, blob, iv, tag, raw_max)?;
            self.decompressor
                .decompress(&self.decrypted, raw_max, out)?;
            return Ok(());
        }
        unlock_into(key, blob, iv, tag, raw_max, out)
    }

    /// Decrypts the body into the buffer between.
    fn unlock(
        &mut self,
        key: &Key,
        blob: &Blob<'_>,
        iv: &[u8; 16],
        tag: &[u8; 16],
        raw_max: usize,
    ) -> Result<(), CryptoError> {
        unlock_into(key, blob, iv, tag, raw_max, &mut self.decrypted)
    }
}

fn compare(expected: &Digest, computed: Digest) -> Result<(), CryptoError> {
    if *expected == computed {
        return Ok(());
    }
    Err(CryptoError::Digest {
        expected: *expected,
        computed,
    })
}

fn unlock_into(
    key: &Key,
    blob: &Blob<'_>,
    iv: &[u8; 16],
    tag: &[u8; 16],
    raw_max: usize,
    into: &mut Vec<u8>,
) -> Result<(), CryptoError> {
    // Compression never makes content larger, so the limit holds for the body too.
    if blob.body().len() > raw_max {
        return Err(BlobError::ContentTooLarge { raw_max }.into());
    }
    into.clear();
    into.extend_from_slice(blob.body());
    key.decrypt(iv, tag, into)
}

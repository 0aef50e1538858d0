//! What happens to an uploaded chunk before it is stored (formats.md 2.5, protocol.md 3.3).
//!
//! Plain kinds are decoded and compared with the announced digest and length; of encrypted ones only the envelope can be looked at.
//! The client's checksum is not trusted and not refused, but written anew. Runs on any thread, in parallel: the buffers that decoding
//! needs come from a pool and are used again.

use format::blob::set_crc;
use format::{Blob, BlobError, BlobKind, CHUNK_RAW_MAX, Digest};

use crate::chunk::ChunkError;
use crate::scratch::ScratchPool;

/// Why an uploaded chunk was refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("unable to parse raw blob - wrong magic")]
    Magic,
    #[error("unable to parse raw blob - {len} bytes are too few")]
    TooShort { len: usize },
    #[error("uploaded chunk cannot be decoded")]
    Decode { source: BlobError },
    #[error("announced size {size} is no size of a chunk (1 to {CHUNK_RAW_MAX})")]
    Size { size: u64 },
    #[error("detected chunk with wrong length ({announced} != {len})")]
    WrongLength { announced: u64, len: u64 },
    #[error("detected chunk with wrong digest.")]
    WrongDigest { digest: Digest },
    #[error(transparent)]
    Store(#[from] ChunkError),
}

/// Checks an uploaded chunk as far as it can be checked without its key, and rewrites its checksum.
pub(crate) fn check(digest: &Digest, size: u64, encoded: &mut [u8]) -> Result<(), UploadError> {
    if !(1..=CHUNK_RAW_MAX as u64).contains(&size) {
        return Err(UploadError::Size { size });
    }
    let blob = Blob::parse(encoded).map_err(|error| match error {
        BlobError::TooShort { len, .. } => UploadError::TooShort { len },
        _ => UploadError::Magic,
    })?;
    match blob.kind() {
        BlobKind::Plain => check_content(digest, size, blob.body())?,
        BlobKind::Zstd => {
            ScratchPool::common()
                .with_content(&blob, size, |raw| check_content(digest, size, raw))
                .map_err(|source| UploadError::Decode { source })??;
        }
        BlobKind::Encrypted | BlobKind::ZstdEncrypted => {}
    }
    set_crc(encoded).map_err(|source| UploadError::Decode { source })
}

fn check_content(digest: &Digest, size: u64, raw: &[u8]) -> Result<(), UploadError> {
    let len = raw.len() as u64;
    if len != size {
        return Err(UploadError::WrongLength {
            announced: size,
            len,
        });
    }
    if Digest::of(raw) != *digest {
        return Err(UploadError::WrongDigest { digest: *digest });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use format::Compressor;

    use super::*;

    #[test]
    fn each_check_has_its_error() {
        let content = vec![b'A'; 5000];
        let digest = Digest::of(&content);
        let encode = |compress| {
            let mut encoded = Vec::new();
            Compressor::new()
                .encode(&content, compress, &mut encoded)
                .unwrap();
            encoded
        };
        let (plain, zstd) = (encode(false), encode(true));
        let mut sealed = vec![0; 60];
        sealed[..8].copy_from_slice(&BlobKind::Encrypted.magic());
        let cut = zstd[..zstd.len() - 3].to_vec();
        let other = Digest::of(b"other");
        let rows: [(&str, &[u8], Digest, u64, &str); 13] = [
            ("plain", &plain, digest, 5000, ""),
            ("compressed", &zstd, digest, 5000, ""),
            (
                "sealed: digest and size are believed",
                &sealed,
                other,
                1,
                "",
            ),
            (
                "length",
                &plain,
                digest,
                4999,
                "detected chunk with wrong length (4999 != 5000)",
            ),
            (
                "length, compressed",
                &zstd,
                digest,
                5001,
                "detected chunk with wrong length (5001 != 5000)",
            ),
            (
                "length, compressed, more than announced",
                &zstd,
                digest,
                1,
                "detected chunk with wrong length (1 != 5000)",
            ),
            (
                "digest",
                &plain,
                other,
                5000,
                "detected chunk with wrong digest.",
            ),
            (
                "digest, compressed",
                &zstd,
                other,
                5000,
                "detected chunk with wrong digest.",
            ),
            (
                "magic",
                &[0; 100],
                digest,
                5000,
                "unable to parse raw blob - wrong magic",
            ),
            (
                "short",
                &[0; 3],
                digest,
                5000,
                "unable to parse raw blob - 3 bytes are too few",
            ),
            (
                "no size",
                &plain,
                digest,
                0,
                "announced size 0 is no size of a chunk (1 to 16777216)",
            ),
            (
                "too large",
                &plain,
                digest,
                (16 << 20) + 1,
                "announced size 16777217 is no size of a chunk (1 to 16777216)",
            ),
            (
                "cut",
                &cut,
                digest,
                5000,
                "uploaded chunk cannot be decoded",
            ),
        ];
        for (name, bytes, digest, size, expected) in rows {
            let mut bytes = bytes.to_vec();
            let found = check(&digest, size, &mut bytes)
                .map_or_else(|error| error.to_string(), |()| String::new());
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_checksum_is_mended() {
        let mut encoded = Vec::new();
        Compressor::new()
            .encode(b"hello", false, &mut encoded)
            .unwrap();
        let good = encoded.clone();
        encoded[8..12].fill(0);
        check(&Digest::of(b"hello"), 5, &mut encoded).unwrap();
        assert_eq!(encoded, good);
    }
}

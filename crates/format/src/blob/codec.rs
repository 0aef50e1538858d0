//! Content into an envelope and back, with zstd contexts and buffers that are kept from one call to the next.
//!
//! Once warm, neither direction allocates. Decompression is bounded: it never yields, and hardly ever reserves, more than the caller's
//! `raw_max`. Frames with and without an announced size and several frames in a row are read alike (formats.md 2.3).

use std::io::Cursor;

use zstd::zstd_safe::{
    CCtx, CParameter, DCtx, ErrorCode, InBuffer, OutBuffer, ResetDirective, get_error_name,
    get_frame_content_size, zstd_sys::ZSTD_ErrorCode,
};

use super::{BLOB_RAW_MAX, Blob, BlobError, BlobKind, CHUNK_RAW_MAX, set_crc};

/// The level the original uses; higher ones cost more than they save on backups.
const LEVEL: i32 = 1;

/// Makes envelopes, one after the other.
pub struct Compressor {
    context: CCtx<'static>,
}

impl Compressor {
    pub fn new() -> Compressor {
        let mut context = CCtx::create();
        context
            .set_parameter(CParameter::CompressionLevel(LEVEL))
            .expect("zstd knows its level 1");
        Compressor { context }
    }

    /// Encodes `data` as a plain blob into `out`, whose old content is dropped. Compressed only if wanted and not larger than `data`.
    pub fn encode(
        &mut self,
        data: &[u8],
        compress: bool,
        out: &mut Vec<u8>,
    ) -> Result<BlobKind, BlobError> {
        let compressed = self.encode_body(data, compress, false, out)?;
        let kind = BlobKind::new(compressed, false);
        out[..8].copy_from_slice(&kind.magic());
        set_crc(out)?;
        Ok(kind)
    }

    /// The first half of encoding: leaves a zeroed header of an encrypted or plain kind and the body behind it in `out`, and says whether the
    /// body is compressed. `crypto` encrypts the body in place and then writes the header.
    pub fn encode_body(
        &mut self,
        data: &[u8],
        compress: bool,
        encrypted: bool,
        out: &mut Vec<u8>,
    ) -> Result<bool, BlobError> {
        if data.len() > BLOB_RAW_MAX {
            return Err(BlobError::ContentTooLarge {
                raw_max: BLOB_RAW_MAX,
            });
        }
        let header_len = BlobKind::new(false, encrypted).header_len();
        out.clear();
        out.reserve_exact(header_len + data.len());
        out.resize(header_len, 0);
        if compress && self.compress_behind(header_len, data, out)? {
            return Ok(true);
        }
        out.truncate(header_len);
        out.extend_from_slice(data);
        Ok(false)
    }

    /// Whether the frame is in `out`: it is not if it would be larger than `data`.
    fn compress_behind(
        &mut self,
        header_len: usize,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, BlobError> {
        let mut target = Cursor::new(out);
        target.set_position(header_len as u64);
        match self.context.compress2(&mut target, data) {
            Ok(len) => Ok(len <= data.len()),
            Err(code) => {
                // A failed call leaves its frame open.
                self.context
                    .reset(ResetDirective::SessionOnly)
                    .expect("resetting only the session cannot fail");
                if is_too_small(code) {
                    Ok(false)
                } else {
                    Err(BlobError::Compress {
                        reason: get_error_name(code),
                    })
                }
            }
        }
    }
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor::new()
    }
}

/// Takes content out of envelopes, one after the other.
pub struct Decompressor {
    context: DCtx<'static>,
}

impl Decompressor {
    pub fn new() -> Decompressor {
        Decompressor {
            context: DCtx::create(),
        }
    }

    /// Decodes a plain kind into `out`, whose old content is dropped. The checksum is not looked at.
    pub fn decode(
        &mut self,
        blob: &Blob<'_>,
        raw_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlobError> {
        out.clear();
        match blob.kind() {
            BlobKind::Zstd => self.decompress(blob.body(), raw_max, out),
            BlobKind::Plain if blob.body().len() > raw_max => {
                Err(BlobError::ContentTooLarge { raw_max })
            }
            BlobKind::Plain => {
                out.extend_from_slice(blob.body());
                Ok(())
            }
            BlobKind::Encrypted | BlobKind::ZstdEncrypted => Err(BlobError::Encrypted),
        }
    }

    /// Decodes a plain kind to the beginning of `out`, which has room for all that is accepted; tells how much it was.
    pub fn decode_into(&mut self, blob: &Blob<'_>, out: &mut [u8]) -> Result<usize, BlobError> {
        match blob.kind() {
            BlobKind::Zstd => self.decompress_into(blob.body(), out),
            BlobKind::Plain => {
                let body = blob.body();
                let too_large = BlobError::ContentTooLarge { raw_max: out.len() };
                out.get_mut(..body.len())
                    .ok_or(too_large)?
                    .copy_from_slice(body);
                Ok(body.len())
            }
            BlobKind::Encrypted | BlobKind::ZstdEncrypted => Err(BlobError::Encrypted),
        }
    }

    /// Decompresses one or more whole zstd frames to the beginning of `out`; tells how much it was.
    pub fn decompress_into(&mut self, frames: &[u8], out: &mut [u8]) -> Result<usize, BlobError> {
        let raw_max = out.len();
        self.context.decompress(out, frames).map_err(|code| {
            if is_too_small(code) {
                BlobError::ContentTooLarge { raw_max }
            } else {
                damaged(code)
            }
        })
    }

    /// Decompresses one or more whole zstd frames into `out`, whose old content is dropped. On an error `out` is empty.
    pub fn decompress(
        &mut self,
        frames: &[u8],
        raw_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlobError> {
        out.clear();
        let announced = get_frame_content_size(frames).map_err(|_| BlobError::Damaged {
            reason: "no zstd frame",
        })?;
        let announced = match announced.map(usize::try_from) {
            Some(Ok(size)) if size <= raw_max => Some(size),
            Some(_) => return Err(BlobError::ContentTooLarge { raw_max }),
            None => None,
        };
        let done = match announced {
            Some(size) => self.at_once(frames, size, raw_max, out)?,
            None => false,
        };
        // The size is unknown, or the announced one is of the first frame of several.
        let done =
            done || (raw_max <= CHUNK_RAW_MAX && self.at_once(frames, raw_max, raw_max, out)?);
        match (done, raw_max <= CHUNK_RAW_MAX) {
            (true, _) => Ok(()),
            (false, true) => Err(BlobError::ContentTooLarge { raw_max }),
            (false, false) => self.in_steps(frames, raw_max, out),
        }
    }

    /// Into a buffer of fixed size, without the copies that streaming makes. False if the content does not fit into `room`.
    fn at_once(
        &mut self,
        frames: &[u8],
        room: usize,
        raw_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, BlobError> {
        out.reserve_exact(room);
        match self.context.decompress(out, frames) {
            // The buffer may have had more room than was asked for.
            Ok(len) if len > raw_max => {
                out.clear();
                Err(BlobError::ContentTooLarge { raw_max })
            }
            Ok(_) => Ok(true),
            Err(code) => {
                out.clear();
                if is_too_small(code) {
                    Ok(false)
                } else {
                    Err(damaged(code))
                }
            }
        }
    }

    /// Into a buffer that grows, for large blobs of unknown size.
    fn in_steps(
        &mut self,
        frames: &[u8],
        raw_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), BlobError> {
        const FIRST_STEP: usize = 1 << 20;
        self.context
            .reset(ResetDirective::SessionOnly)
            .expect("resetting only the session cannot fail");
        let mut input = InBuffer::around(frames);
        loop {
            if out.len() == out.capacity() {
                out.reserve(out.len().max(FIRST_STEP));
            }
            let filled = out.len();
            let mut output = OutBuffer::around_pos(out, filled);
            let result = self.context.decompress_stream(&mut output, &mut input);
            let grown = output.pos() > filled;
            let failure = match result {
                Err(code) => Some(damaged(code)),
                Ok(_) if out.len() > raw_max => Some(BlobError::ContentTooLarge { raw_max }),
                // All input is taken and a frame has just ended.
                Ok(0) if input.pos() == frames.len() => return Ok(()),
                Ok(_) if input.pos() == frames.len() && !grown => Some(BlobError::Damaged {
                    reason: "the zstd frame ends too early",
                }),
                Ok(_) => None,
            };
            if let Some(failure) = failure {
                out.clear();
                return Err(failure);
            }
        }
    }
}

impl Default for Decompressor {
    fn default() -> Decompressor {
        Decompressor::new()
    }
}

fn is_too_small(code: ErrorCode) -> bool {
    // zstd returns its errors as negated numbers in a size.
    code == (ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall as usize).wrapping_neg()
}

pub(super) fn damaged(code: ErrorCode) -> BlobError {
    BlobError::Damaged {
        reason: get_error_name(code),
    }
}

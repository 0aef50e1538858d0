//! The content of a plain kind as it is read: a blob of any size in a few hundred KiB, where [`Decompressor`](super::Decompressor) holds
//! content and envelope whole.
//!
//! Whoever wants to send nothing of a damaged blob reads it twice, the first time for the checksum alone. What decompression holds is told
//! by the frame's window, which its maker chose; see [`Window`].

use std::io::{self, ErrorKind, Read};

use crc32fast::Hasher;
use zstd::zstd_safe::{DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, zstd_sys::ZSTD_ErrorCode};

use super::codec::damaged;
use super::{Blob, BlobError, BlobKind, CRC, SEALED_HEADER_LEN};

/// Bytes of the body read at a time.
const INPUT_BYTES: usize = 64 << 10;

/// How far back a frame may refer: so much of its content is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// 8 MiB, what every decoder of zstd is asked to have; backup clients use half of one.
    Usual,
    /// All of the content, as a frame of one segment wants it.
    Any,
}

impl Window {
    fn log(self) -> u32 {
        match self {
            Window::Usual => 23,
            Window::Any => 31,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BlobReadError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a blob from its first byte on.
pub struct BlobReader<R> {
    source: R,
    kind: BlobKind,
    stored_crc: u32,
    crc: Hasher,
    /// What may still come.
    room: usize,
    raw_max: usize,
    frames: Option<Frames>,
    input: Vec<u8>,
    /// What of the input was used.
    used: usize,
    ended: bool,
}

struct Frames {
    context: DCtx<'static>,
    /// Between two frames; the end may come here only.
    complete: bool,
}

impl<R: Read> BlobReader<R> {
    /// Reads the header. Content larger than `raw_max` will be an error, one that needs a larger window too.
    pub fn new(
        mut source: R,
        raw_max: usize,
        window: Window,
    ) -> Result<BlobReader<R>, BlobReadError> {
        let mut header = Vec::with_capacity(SEALED_HEADER_LEN);
        let plain = BlobKind::Plain.header_len();
        (&mut source).take(plain as u64).read_to_end(&mut header)?;
        if let Some(more) = wanted_header(&header).checked_sub(plain) {
            (&mut source).take(more as u64).read_to_end(&mut header)?;
        }
        let blob = Blob::parse(&header)?;
        let kind = blob.kind();
        let frames = match kind.is_compressed() && !kind.is_encrypted() {
            true => Some(Frames::new(window)?),
            false => None,
        };
        Ok(BlobReader {
            source,
            kind,
            stored_crc: u32::from_le_bytes(header[CRC].try_into().expect("4 bytes were sliced")),
            crc: Hasher::new(),
            room: raw_max,
            raw_max,
            frames,
            input: Vec::new(),
            used: 0,
            ended: false,
        })
    }

    pub fn kind(&self) -> BlobKind {
        self.kind
    }

    /// Some of the content; 0 at its end, where the checksum was compared. An error that the checksum explains is told as that; after an
    /// error nothing more comes. Encrypted kinds give [`BlobError::Encrypted`] if their checksum is right.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize, BlobReadError> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        match self.step(out) {
            Ok(0) => {
                self.ended = true;
                self.check_crc().map(|()| 0)
            }
            Ok(len) => Ok(len),
            Err(error) => {
                self.ended = true;
                if let BlobReadError::Blob(_) = &error {
                    while self.fill()? {}
                    self.check_crc()?;
                }
                Err(error)
            }
        }
    }

    /// All of the content into nothing.
    pub fn check(mut self) -> Result<(), BlobReadError> {
        let mut scratch = vec![0; INPUT_BYTES];
        while self.read(&mut scratch)? > 0 {}
        Ok(())
    }

    fn step(&mut self, out: &mut [u8]) -> Result<usize, BlobReadError> {
        if self.kind.is_encrypted() {
            return Err(BlobError::Encrypted.into());
        }
        loop {
            if self.used == self.input.len() && !self.fill()? {
                return self.end(out);
            }
            let input = &self.input[self.used..];
            let (taken, len) = match &mut self.frames {
                Some(frames) => frames.step(input, out)?,
                None => {
                    let len = input.len().min(out.len());
                    out[..len].copy_from_slice(&input[..len]);
                    (len, len)
                }
            };
            self.used += taken;
            if len > 0 {
                return self.count(len);
            }
        }
    }

    /// What the decoder still has when all input is used; 0 at the end of the content.
    fn end(&mut self, out: &mut [u8]) -> Result<usize, BlobReadError> {
        let Some(frames) = &mut self.frames else {
            return Ok(0);
        };
        if frames.complete {
            return Ok(0);
        }
        match frames.step(&[], out)? {
            (_, 0) if frames.complete => Ok(0),
            (_, 0) => Err(BlobError::Damaged {
                reason: "the zstd frame ends too early",
            }
            .into()),
            (_, len) => self.count(len),
        }
    }

    fn count(&mut self, len: usize) -> Result<usize, BlobReadError> {
        let raw_max = self.raw_max;
        self.room = self
            .room
            .checked_sub(len)
            .ok_or(BlobError::ContentTooLarge { raw_max })?;
        Ok(len)
    }

    /// The next bytes of the body; false if there are none.
    fn fill(&mut self) -> io::Result<bool> {
        self.used = 0;
        self.input.resize(INPUT_BYTES, 0);
        let len = loop {
            match self.source.read(&mut self.input) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.input.truncate(*len.as_ref().unwrap_or(&0));
        self.crc.update(&self.input);
        Ok(len? > 0)
    }

    fn check_crc(&self) -> Result<(), BlobReadError> {
        let (stored, computed) = (self.stored_crc, self.crc.clone().finalize());
        match stored == computed {
            true => Ok(()),
            false => Err(BlobError::Crc { stored, computed }.into()),
        }
    }
}

impl Frames {
    fn new(window: Window) -> Result<Frames, BlobError> {
        let mut context = DCtx::create();
        context
            .set_parameter(DParameter::WindowLogMax(window.log()))
            .map_err(damaged)?;
        // A body without a frame is none.
        let complete = false;
        Ok(Frames { context, complete })
    }

    /// How much was taken and given.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), BlobError> {
        let mut input = InBuffer::around(input);
        let mut output = OutBuffer::around(out);
        let left = self.context.decompress_stream(&mut output, &mut input);
        self.complete = left.map_err(failure)? == 0;
        Ok((input.pos(), output.pos()))
    }
}

fn failure(code: ErrorCode) -> BlobError {
    let too_large = ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge as usize;
    match code == too_large.wrapping_neg() {
        true => BlobError::Window,
        false => damaged(code),
    }
}

/// How long the header is whose first bytes these are.
fn wanted_header(begin: &[u8]) -> usize {
    let kind = BlobKind::ALL
        .into_iter()
        .find(|kind| begin.starts_with(&kind.magic()));
    kind.map_or(0, BlobKind::header_len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::{BLOB_RAW_MAX, CHUNK_RAW_MAX, set_crc};
    use crate::{Compressor, Decompressor};

    fn all(encoded: &[u8], raw_max: usize, window: Window) -> Result<Vec<u8>, BlobReadError> {
        let mut reader = BlobReader::new(encoded, raw_max, window)?;
        let (mut content, mut piece) = (Vec::new(), vec![0; 10_000]);
        loop {
            match reader.read(&mut piece)? {
                0 => return Ok(content),
                len => content.extend_from_slice(&piece[..len]),
            }
        }
    }

    fn blob(kind: BlobKind, body: &[u8]) -> Vec<u8> {
        let mut encoded = kind.magic().to_vec();
        encoded.resize(kind.header_len(), 0);
        encoded.extend_from_slice(body);
        set_crc(&mut encoded).expect("header and magic are right");
        encoded
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..len).map(next).collect()
    }

    #[test]
    fn content_comes_as_the_decompressor_gives_it() {
        let words: Vec<u8> = (0..300_000u32)
            .flat_map(|n| (n % 1000).to_le_bytes())
            .collect();
        for data in [vec![], vec![7], noise(200_000), words, vec![0; 20 << 20]] {
            for compress in [false, true] {
                let (mut encoded, mut out) = (Vec::new(), Vec::new());
                let kind = Compressor::new().encode(&data, compress, &mut encoded);
                let view = Blob::parse(&encoded).expect("a blob");
                Decompressor::new()
                    .decode(&view, BLOB_RAW_MAX, &mut out)
                    .expect("whole");
                let read = all(&encoded, data.len(), Window::Usual).expect("in parts");
                assert!(read == out, "{kind:?} {}", data.len());
                if let Some(less) = data.len().checked_sub(1) {
                    let error = all(&encoded, less, Window::Usual).expect_err("larger");
                    let text =
                        format!("content of the blob is larger than the allowed {less} bytes");
                    assert_eq!(error.to_string(), text);
                }
            }
        }
        // Several frames in a row, and one with nothing in it.
        let frame = |data: &[u8]| zstd::bulk::compress(data, 1).expect("zstd");
        let body = [frame(b"one, "), frame(b""), frame(b"two")].concat();
        let read = all(&blob(BlobKind::Zstd, &body), 100, Window::Usual).expect("frames");
        assert_eq!(read, b"one, two");
    }

    /// Nine readers of a blob of 128 MiB zeros, 4.5 KB on disk, held 2.5 GB: each had the whole content.
    #[test]
    fn what_is_held_does_not_grow_with_the_content() {
        let mut encoded = Vec::new();
        let zeros = vec![0; BLOB_RAW_MAX];
        Compressor::new()
            .encode(&zeros, true, &mut encoded)
            .expect("encodes");
        drop(zeros);
        let mut reader =
            BlobReader::new(&encoded[..], BLOB_RAW_MAX, Window::Usual).expect("a blob");
        let (mut piece, mut total, mut held) = (vec![1; 64 << 10], 0, 0);
        loop {
            let len = reader.read(&mut piece).expect("zeros");
            assert!(piece[..len].iter().all(|&byte| byte == 0));
            let frames = reader.frames.as_ref().expect("compressed");
            held = held.max(frames.context.sizeof() + reader.input.capacity());
            total += len;
            if len == 0 {
                break;
            }
        }
        assert_eq!(total, BLOB_RAW_MAX);
        assert!(held < 2 << 20, "{held}");
    }

    /// The maker of a frame says how far back it refers: one of a single segment wants all of its content held.
    #[test]
    fn a_wide_window_is_held_only_where_it_may_be() {
        let mut context = zstd::bulk::Compressor::new(1).expect("zstd");
        context
            .set_parameter(zstd::zstd_safe::CParameter::WindowLog(27))
            .expect("a parameter");
        let data = vec![5; CHUNK_RAW_MAX];
        let encoded = blob(BlobKind::Zstd, &context.compress(&data).expect("zstd"));
        let refused = all(&encoded, BLOB_RAW_MAX, Window::Usual);
        assert!(
            matches!(refused, Err(BlobReadError::Blob(BlobError::Window))),
            "{refused:?}"
        );
        assert!(all(&encoded, BLOB_RAW_MAX, Window::Any).expect("allowed") == data);
    }

    #[test]
    fn damage_is_told_and_nothing_comes_after_it() {
        let mut encoded = Vec::new();
        Compressor::new()
            .encode(&noise(1000), true, &mut encoded)
            .expect("encodes");
        for len in 0..encoded.len() {
            assert!(all(&encoded[..len], 1000, Window::Usual).is_err(), "{len}");
        }
        for (what, at) in [("checksum", 9), ("magic", 3), ("body", 40)] {
            let mut bad = encoded.clone();
            bad[at] ^= 1;
            assert!(all(&bad, 1000, Window::Usual).is_err(), "{what}");
        }
        let frame = zstd::bulk::compress(&[3; 5000], 1).expect("zstd");
        let cut = blob(BlobKind::Zstd, &frame[..frame.len() - 1]);
        let mut reader = BlobReader::new(&cut[..], 5000, Window::Usual).expect("a blob");
        let mut out = [0; 10_000];
        let error = loop {
            match reader.read(&mut out) {
                Ok(len) => assert!(len > 0, "an end"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("ends too early"), "{error}");
        assert_eq!(reader.read(&mut out).expect("over"), 0);
        // The checksum explains what the decoder only stumbles over.
        let mut bad = blob(BlobKind::Zstd, &frame);
        bad[12] ^= 1;
        let error = all(&bad, 5000, Window::Usual).expect_err("damaged");
        assert!(
            matches!(error, BlobReadError::Blob(BlobError::Crc { .. })),
            "{error}"
        );
    }

    #[test]
    fn encrypted_kinds_have_their_checksum_compared() {
        let encoded = blob(BlobKind::ZstdEncrypted, &[9; 100]);
        let error = all(&encoded, 1000, Window::Usual).expect_err("encrypted");
        assert!(matches!(error, BlobReadError::Blob(BlobError::Encrypted)));
        let cut = all(&encoded[..120], 1000, Window::Usual).expect_err("cut");
        assert!(matches!(cut, BlobReadError::Blob(BlobError::Crc { .. })));
        let short = all(&encoded[..40], 1000, Window::Usual).expect_err("short");
        assert!(matches!(
            short,
            BlobReadError::Blob(BlobError::TooShort { needed: 44, .. })
        ));
    }
}

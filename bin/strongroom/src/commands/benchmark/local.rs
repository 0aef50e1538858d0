//! What this machine does with a chunk of one mebibyte, in bytes per second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use crypto::{Key, Opener, Sealer, SystemRandom};
use format::{Blob, CryptMode, Decompressor, Digest};

const SIZE: usize = 1 << 20;
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(3);

/// One chunk, plain and as a blob, and a key.
pub struct Bench {
    data: Vec<u8>,
    blob: Vec<u8>,
    digest: Digest,
    key: Arc<Key>,
}

impl Bench {
    /// With a random key where none is given.
    pub fn new(key: Option<Arc<Key>>) -> Result<Bench> {
        let key = match key {
            Some(key) => key,
            None => Arc::new(Key::generate(&mut SystemRandom)?),
        };
        let data = pattern(SIZE);
        let mut blob = Vec::new();
        let mut sealer = Sealer::new(None, CryptMode::None)?;
        sealer.seal(&data, true, &mut blob)?;
        format::blob::set_crc(&mut blob)?;
        let digest = sealer.digest(&data);
        Ok(Bench {
            data,
            blob,
            digest,
            key,
        })
    }

    pub fn sha256(&self) -> f64 {
        let sum = || {
            std::hint::black_box(Digest::of(&self.data));
            Ok::<_, std::convert::Infallible>(())
        };
        match repeat(SHORT, sum) {
            Ok(speed) => speed,
            Err(never) => match never {},
        }
    }

    pub fn compress(&self) -> Result<f64> {
        let mut sealer = Sealer::new(None, CryptMode::None)?;
        let mut out = Vec::new();
        repeat(LONG, || {
            sealer.seal(&self.data, true, &mut out)?;
            Ok(())
        })
    }

    pub fn decompress(&self) -> Result<f64> {
        let blob = Blob::parse(&self.blob)?;
        let mut decompressor = Decompressor::new();
        let mut out = Vec::new();
        repeat(SHORT, || {
            out.clear();
            decompressor.decode(&blob, SIZE, &mut out)?;
            Ok(())
        })
    }

    /// AES-256-GCM with a new IV for each chunk, as a backup does it.
    pub fn encrypt(&self) -> Result<f64> {
        let mut sealer = Sealer::new(Some(Arc::clone(&self.key)), CryptMode::Encrypt)?;
        let mut out = Vec::new();
        repeat(SHORT, || {
            sealer.seal(&self.data, false, &mut out)?;
            Ok(())
        })
    }

    /// Checksum, decompression and digest of a plain chunk.
    pub fn verify(&self) -> Result<f64> {
        let mut opener = Opener::new(None);
        let mut out = Vec::new();
        repeat(SHORT, || {
            opener.open(&self.blob, SIZE, None, &mut out)?;
            anyhow::ensure!(
                Digest::of(&out) == self.digest,
                "the chunk is not what it was"
            );
            Ok(())
        })
    }
}

/// Bytes per second of a step that works on [`SIZE`] bytes.
fn repeat<E>(time: Duration, mut step: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let started = Instant::now();
    let mut steps = 0u32;
    loop {
        step()?;
        steps += 1;
        let elapsed = started.elapsed();
        if elapsed >= time {
            return Ok(f64::from(steps) * SIZE as f64 / elapsed.as_secs_f64());
        }
    }
}

/// Bytes that compress to about half, without repeating.
fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // The low four bits vary, so zstd's entropy coder finds half of every byte.
        state.to_le_bytes()[3] & 0x0f | 0x40
    };
    std::iter::repeat_with(next).take(len).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_compresses_by_half() {
        let bench = Bench::new(None).unwrap();
        let share = bench.blob.len() * 100 / bench.data.len();
        assert!((40..60).contains(&share), "{share} %");
        assert!(Blob::parse(&bench.blob).unwrap().kind().is_compressed());
    }

    #[test]
    fn a_measurement_ends_with_its_time() {
        let mut steps = 0u32;
        let started = Instant::now();
        let speed = repeat(Duration::from_millis(2), || {
            steps += 1;
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap();
        assert!(steps > 1 && started.elapsed() < Duration::from_secs(10));
        assert!(speed > SIZE as f64);
    }
}

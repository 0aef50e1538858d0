//! Decoders and the buffers they fill, for whoever looks into chunks: uploads that are checked, and verification. They are used again, and
//! bounded for the whole process, however many datastores and tasks there are.

use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use format::{Blob, BlobError, CHUNK_RAW_MAX, Decompressor};

/// A decoder and the place for what it decodes.
struct Scratch {
    decompressor: Decompressor,
    raw: Vec<u8>,
}

/// Decoders and buffers, made as they are needed and used again. One pool serves all datastores of a process, or each would keep its own.
pub(crate) struct ScratchPool {
    /// As many are out at most: checking is work for processors, so more would only cost memory.
    out_max: usize,
    content: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    kept: Vec<Scratch>,
    out: usize,
    /// Content that is being decoded.
    out_bytes: usize,
}

/// One of the pool, which goes back when dropped.
pub(crate) struct Taken<'a> {
    pool: &'a ScratchPool,
    bytes: usize,
    /// Made when none was kept; there until this is dropped.
    scratch: Option<Scratch>,
}

/// Content that is decoded at the same time, and memory of buffers that wait for the next chunk: sixteen of the usual size, four of the largest.
const BYTES_MAX: usize = 64 << 20;

impl Scratch {
    fn new() -> Scratch {
        Scratch {
            decompressor: Decompressor::new(),
            raw: Vec::new(),
        }
    }
}

impl ScratchPool {
    /// The one of this process.
    pub(crate) fn common() -> &'static ScratchPool {
        static COMMON: LazyLock<ScratchPool> = LazyLock::new(|| {
            ScratchPool::new(
                std::thread::available_parallelism()
                    .map_or(2, usize::from)
                    .min(16),
            )
        });
        &COMMON
    }

    fn new(out_max: usize) -> ScratchPool {
        ScratchPool {
            out_max,
            content: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// For a chunk of `size` bytes of content. Waits while as many are out, or as much, as may be.
    pub(crate) fn take(&self, size: u64) -> Taken<'_> {
        let bytes = usize::try_from(size).map_or(CHUNK_RAW_MAX, |size| size.min(CHUNK_RAW_MAX));
        let mut content = self.open();
        while content.out >= self.out_max
            || (content.out > 0 && content.out_bytes + bytes > BYTES_MAX)
        {
            content = self
                .returned
                .wait(content)
                .unwrap_or_else(PoisonError::into_inner);
        }
        content.out += 1;
        content.out_bytes += bytes;
        let scratch = content.kept.pop();
        Taken {
            pool: self,
            bytes,
            scratch,
        }
    }

    fn open(&self) -> MutexGuard<'_, Pool> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken<'_> {
    /// The content of a plain chunk.
    pub(crate) fn decode(&mut self, blob: &Blob<'_>) -> Result<&[u8], BlobError> {
        let Scratch { decompressor, raw } = self.scratch.get_or_insert_with(Scratch::new);
        decompressor.decode(blob, CHUNK_RAW_MAX, raw)?;
        Ok(raw)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut content = self.pool.open();
        content.out -= 1;
        content.out_bytes -= self.bytes;
        let kept_bytes: usize = content
            .kept
            .iter()
            .map(|scratch| scratch.raw.capacity())
            .sum();
        if let Some(scratch) = self
            .scratch
            .take()
            .filter(|scratch| kept_bytes + scratch.raw.capacity() <= BYTES_MAX)
        {
            content.kept.push(scratch);
        }
        drop(content);
        self.pool.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use format::Compressor;

    use super::*;

    /// Each thread that had once checked a chunk of the largest size left a buffer of that size behind: 256 MiB for every datastore.
    #[test]
    fn no_more_buffers_than_may_be_out() {
        let content: Vec<u8> = (0..200_000u32)
            .flat_map(|at| (at / 64).to_le_bytes())
            .collect();
        let mut encoded = Vec::new();
        Compressor::new()
            .encode(&content, true, &mut encoded)
            .unwrap();
        let pool = ScratchPool::new(2);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (pool, encoded, len) = (&pool, &encoded, content.len());
                scope.spawn(move || {
                    for _ in 0..20 {
                        let blob = Blob::parse(encoded).unwrap();
                        assert_eq!(pool.take(len as u64).decode(&blob).unwrap().len(), len);
                        assert!(pool.open().out <= 2);
                    }
                });
            }
        });
        let left = pool.open();
        assert_eq!(left.out, 0);
        assert!((1..=2).contains(&left.kept.len()), "{}", left.kept.len());
    }
}

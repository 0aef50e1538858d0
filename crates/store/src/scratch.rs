//! Decoders and the buffers they fill, for whoever looks into chunks: uploads that are checked, and verification. They are used again, and
//! bounded for the whole process, however many datastores and tasks there are. Whoever waits is served in the order in which he came.

use std::collections::VecDeque;
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
    /// Room of the buffers that are out.
    out_bytes: usize,
    /// Those who wait, first the one who came first: as many as there are threads that check. A large chunk would wait for ever if small ones
    /// that came later could pass.
    waiting: VecDeque<u64>,
    tickets: u64,
}

/// One of the pool, which goes back when dropped.
struct Taken<'a> {
    pool: &'a ScratchPool,
    /// Room for content; nothing larger is decoded.
    room: usize,
    /// What counts: the room, or a buffer that is larger.
    bytes: usize,
    /// There until this is dropped.
    scratch: Option<Scratch>,
}

/// Memory of all buffers, of those that are out and of those that wait for the next chunk: sixteen of the usual size, four of the largest.
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

    /// Works on the content of a plain chunk that is said to have `size` bytes. Room is made for these and no more; if it has more, there is a
    /// second wait for room for the largest of chunks. Other work than on that content would keep others waiting.
    pub(crate) fn with_content<T>(
        &self,
        blob: &Blob<'_>,
        size: u64,
        work: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, BlobError> {
        let room = usize::try_from(size).map_or(CHUNK_RAW_MAX, |size| size.min(CHUNK_RAW_MAX));
        let mut taken = self.take(room);
        match taken.decode(blob) {
            Err(BlobError::ContentTooLarge { .. }) if room < CHUNK_RAW_MAX => {
                // Given back first: two who each hold one and wait for another would wait for ever.
                drop(taken);
                self.take(CHUNK_RAW_MAX).decode(blob).map(work)
            }
            decoded => decoded.map(work),
        }
    }

    /// Waits until it is the caller's turn and there is so much room.
    fn take(&self, room: usize) -> Taken<'_> {
        let mut content = self.open();
        let ticket = content.tickets;
        content.tickets += 1;
        content.waiting.push_back(ticket);
        while content.waiting.front() != Some(&ticket) || !content.has(self.out_max, room) {
            content = self
                .returned
                .wait(content)
                .unwrap_or_else(PoisonError::into_inner);
        }
        content.waiting.pop_front();
        let scratch = content.choose(room);
        let bytes = scratch.raw.capacity().max(room);
        content.out += 1;
        content.out_bytes += bytes;
        content.shrink();
        drop(content);
        // The next one may have room too.
        self.returned.notify_all();
        Taken {
            pool: self,
            room,
            bytes,
            scratch: Some(scratch),
        }
    }

    fn open(&self) -> MutexGuard<'_, Pool> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    fn has(&self, out_max: usize, room: usize) -> bool {
        self.out < out_max && (self.out == 0 || self.out_bytes + room <= BYTES_MAX)
    }

    /// The smallest that has the room; else any, which gets a buffer of its own size.
    fn choose(&mut self, room: usize) -> Scratch {
        let fits =
            |raw: &Vec<u8>| raw.capacity() >= room && self.out_bytes + raw.capacity() <= BYTES_MAX;
        let best = (self.kept.iter().enumerate())
            .filter(|(_, scratch)| fits(&scratch.raw))
            .min_by_key(|(_, scratch)| scratch.raw.capacity());
        if let Some((at, _)) = best {
            return self.kept.swap_remove(at);
        }
        let mut scratch = self.kept.pop().unwrap_or_else(Scratch::new);
        scratch.raw = Vec::new();
        scratch
    }

    /// Drops kept buffers, not their decoders, until there is no more memory than there may be.
    fn shrink(&mut self) {
        let mut bytes = self.out_bytes + self.kept_bytes();
        for scratch in &mut self.kept {
            if bytes <= BYTES_MAX {
                break;
            }
            bytes -= scratch.raw.capacity();
            scratch.raw = Vec::new();
        }
    }

    fn kept_bytes(&self) -> usize {
        self.kept.iter().map(|scratch| scratch.raw.capacity()).sum()
    }
}

impl Taken<'_> {
    /// The content of a plain chunk, if there is room for it.
    fn decode(&mut self, blob: &Blob<'_>) -> Result<&[u8], BlobError> {
        let Scratch { decompressor, raw } = self.scratch.get_or_insert_with(Scratch::new);
        decompressor.decode(blob, self.room, raw)?;
        Ok(raw)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut content = self.pool.open();
        content.out -= 1;
        content.out_bytes -= self.bytes;
        content.kept.extend(self.scratch.take());
        content.shrink();
        drop(content);
        self.pool.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use format::Compressor;

    use super::*;

    fn encoded(len: usize) -> Vec<u8> {
        let content: Vec<u8> = (0u32..)
            .flat_map(|at| (at / 64).to_le_bytes())
            .take(len)
            .collect();
        let mut encoded = Vec::new();
        Compressor::new()
            .encode(&content, true, &mut encoded)
            .unwrap();
        encoded
    }

    /// Each thread that had once checked a chunk of the largest size left a buffer of that size behind: 256 MiB for every datastore.
    #[test]
    fn no_more_buffers_than_may_be_out() {
        let len = 800_000;
        let encoded = encoded(len);
        let pool = ScratchPool::new(2);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (pool, encoded) = (&pool, &encoded);
                scope.spawn(move || {
                    for _ in 0..20 {
                        let blob = Blob::parse(encoded).unwrap();
                        let found = pool.with_content(&blob, len as u64, <[u8]>::len);
                        assert_eq!(found, Ok(len));
                        assert!(pool.open().out <= 2);
                    }
                });
            }
        });
        let left = pool.open();
        assert_eq!((left.out, left.out_bytes, left.waiting.len()), (0, 0, 0));
        assert!((1..=2).contains(&left.kept.len()), "{}", left.kept.len());
    }

    /// An upload that said it had one byte was decoded up to 16 MiB, and counted as one.
    #[test]
    fn what_is_decoded_is_what_counts() {
        let len = 3 << 20;
        let encoded = encoded(len);
        let blob = Blob::parse(&encoded).unwrap();
        let pool = ScratchPool::new(4);
        let mut small = pool.take(1);
        let refused = small.decode(&blob).map(<[u8]>::len);
        assert_eq!(refused, Err(BlobError::ContentTooLarge { raw_max: 1 }));
        drop(small);
        for said in [0, 1, len as u64 - 1, len as u64, u64::MAX] {
            let look = |content: &[u8]| (content.len(), pool.open().out_bytes >= content.len());
            assert_eq!(
                pool.with_content(&blob, said, look),
                Ok((len, true)),
                "{said}"
            );
        }
        // A buffer that was made for a large one counts for what it is.
        let taken = pool.take(1);
        let kept = taken
            .scratch
            .as_ref()
            .map_or(0, |scratch| scratch.raw.capacity());
        assert!(pool.open().out_bytes >= kept.max(1));
        drop(taken);
    }

    #[test]
    fn memory_is_bounded_with_what_is_kept() {
        let pool = ScratchPool::new(16);
        let sizes = [CHUNK_RAW_MAX, 1 << 20, 5 << 20, CHUNK_RAW_MAX / 2];
        for round in 0..40 {
            let mut out = Vec::new();
            while pool
                .open()
                .has(16, sizes[(round + out.len()) % sizes.len()])
            {
                let mut taken = pool.take(sizes[(round + out.len()) % sizes.len()]);
                let raw = &mut taken.scratch.as_mut().unwrap().raw;
                raw.clear();
                raw.reserve_exact(taken.room);
                out.push(taken);
                let content = pool.open();
                let made: usize = (out.iter().flat_map(|taken| &taken.scratch))
                    .map(|scratch| scratch.raw.capacity())
                    .sum();
                assert!(made <= content.out_bytes, "{made} {}", content.out_bytes);
                assert!(content.out_bytes + content.kept_bytes() <= BYTES_MAX);
            }
        }
    }

    /// While small chunks came one after the other there never was room for a large one.
    #[test]
    fn nobody_passes_who_came_later() {
        let pool = ScratchPool::new(16);
        let first = pool.take(BYTES_MAX - (4 << 20));
        let (tell, told) = mpsc::channel();
        std::thread::scope(|scope| {
            for (place, room) in [CHUNK_RAW_MAX, 1, 1].into_iter().enumerate() {
                let (pool, tell) = (&pool, tell.clone());
                scope.spawn(move || {
                    let taken = pool.take(room);
                    tell.send(room).unwrap();
                    drop(taken);
                });
                while pool.open().waiting.len() <= place {
                    assert_eq!(told.try_recv().ok(), None, "who came later passed");
                    std::thread::yield_now();
                }
            }
            assert!(told.try_recv().is_err(), "the large one is waited for");
            drop(first);
        });
        assert_eq!(told.try_iter().count(), 3);
        assert!(pool.open().waiting.is_empty());
    }
}

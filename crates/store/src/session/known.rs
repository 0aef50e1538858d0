//! The chunks that a session may reference: those it uploaded, those of indexes it took from its base (formats.md 3.5), and those that an
//! unfinished backup uploaded before it.
//!
//! Every chunk in here was marked as used after the session began, so a finished backup needs no other snapshot to keep its chunks alive
//! (formats.md 9.7): uploads mark in passing, all others are marked before they become known.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use format::Digest;
use format::upload_journal::Record;

use crate::chunk::{ChunkError, ChunkStore};

/// Digest to content size.
#[derive(Debug, Default)]
pub(super) struct KnownChunks(HashMap<Digest, u32>);

impl KnownChunks {
    /// Whether it was not known before.
    pub(super) fn add(&mut self, digest: &Digest, size: u64) -> bool {
        let size = u32::try_from(size).expect("a chunk has at most 16 MiB");
        self.0.insert(*digest, size).is_none()
    }

    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        self.0.get(digest).map(|size| u64::from(*size))
    }

    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

/// What of a list of chunks is not in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) count: u64,
    pub(super) first: Digest,
}

/// With fewer chunks than this per thread, threads cost more than they save.
const PER_THREAD: usize = 4096;
const THREADS_MAX: usize = 8;

/// Marks chunks as used and tells which are missing. They are sorted and each is marked once.
pub(super) fn mark_all(
    store: &dyn ChunkStore,
    mut digests: Vec<Digest>,
) -> Result<Option<Missing>, ChunkError> {
    digests.sort_unstable();
    digests.dedup();
    let threads = (digests.len() / PER_THREAD).clamp(1, THREADS_MAX);
    let part = NonZero::new(digests.len().div_ceil(threads)).map_or(1, NonZero::get);
    if threads == 1 {
        return mark_part(store, &digests, &AtomicBool::new(false));
    }
    let failed = AtomicBool::new(false);
    let parts: Vec<_> = thread::scope(|scope| {
        let run = |part| {
            let failed = &failed;
            scope.spawn(move || mark_part(store, part, failed))
        };
        let threads: Vec<_> = digests.chunks(part).map(run).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("marking does not panic"))
            .collect()
    });
    let mut all: Option<Missing> = None;
    for missing in parts {
        if let Some(missing) = missing? {
            // Parts are in order, so the first one that lacks a chunk lacks the first.
            let first = all.map_or(missing.first, |all| all.first);
            all = Some(Missing {
                count: all.map_or(0, |all| all.count) + missing.count,
                first,
            });
        }
    }
    Ok(all)
}

fn mark_part(
    store: &dyn ChunkStore,
    digests: &[Digest],
    failed: &AtomicBool,
) -> Result<Option<Missing>, ChunkError> {
    let mut missing: Option<Missing> = None;
    for digest in digests {
        if failed.load(Ordering::Relaxed) {
            break;
        }
        match store.touch(digest) {
            Ok(true) => {}
            Ok(false) => {
                missing
                    .get_or_insert(Missing {
                        count: 0,
                        first: *digest,
                    })
                    .count += 1
            }
            Err(error) => {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
    }
    Ok(missing)
}

/// Marks recorded chunks as used and keeps those that are in the store as they were recorded. The mark comes first: what has it stays.
pub(super) fn keep_same(
    store: &dyn ChunkStore,
    mut records: Vec<Record>,
) -> Result<Vec<Record>, ChunkError> {
    records.sort_unstable_by_key(|record| record.offer.digest);
    let threads = (records.len() / PER_THREAD).clamp(1, THREADS_MAX);
    let part = NonZero::new(records.len().div_ceil(threads)).map_or(1, NonZero::get);
    let parts: Vec<_> = thread::scope(|scope| {
        let run = |part| scope.spawn(move || same_of_part(store, part));
        let threads: Vec<_> = records.chunks(part).map(run).collect();
        let done = threads.into_iter().map(|thread| thread.join());
        done.map(|part| part.expect("marking does not panic"))
            .collect()
    });
    let mut same = Vec::with_capacity(records.len());
    for part in parts {
        same.extend(part?);
    }
    Ok(same)
}

fn same_of_part(store: &dyn ChunkStore, records: &[Record]) -> Result<Vec<Record>, ChunkError> {
    let mut same = Vec::with_capacity(records.len());
    for record in records {
        let digest = &record.offer.digest;
        if store.touch(digest)? && store.stamp(digest)? == Some(record.stamp) {
            same.push(*record);
        }
    }
    Ok(same)
}

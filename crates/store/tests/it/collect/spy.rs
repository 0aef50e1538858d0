//! A chunk store that counts touches, and that can be told to overlook them: as if whoever relies on a chunk forgot to mark it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use format::Digest;
use store::{ChunkError, ChunkStore, Epoch, Inserted, Part, SweepReport, Watch};

pub struct Spy<S> {
    inner: S,
    touches: Mutex<BTreeMap<Digest, u64>>,
    careless: AtomicBool,
    losses: AtomicU64,
}

impl<S: ChunkStore> Spy<S> {
    pub fn new(inner: S) -> Spy<S> {
        Spy {
            inner,
            touches: Mutex::default(),
            careless: AtomicBool::new(false),
            losses: AtomicU64::new(0),
        }
    }

    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How often each chunk was touched.
    pub fn touches(&self) -> BTreeMap<Digest, u64> {
        self.counted().clone()
    }

    pub fn forget_touches(&self) {
        self.counted().clear();
    }

    /// From now on a touch says what is there, and marks nothing.
    pub fn set_careless(&self, careless: bool) {
        self.careless.store(careless, Ordering::SeqCst);
    }

    /// Somebody was told that a write was lost.
    pub fn lose(&self) {
        self.losses.fetch_add(1, Ordering::SeqCst);
    }

    fn counted(&self) -> std::sync::MutexGuard<'_, BTreeMap<Digest, u64>> {
        self.touches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: ChunkStore> ChunkStore for Spy<S> {
    fn insert(&self, digest: &Digest, encoded: &[u8]) -> Result<Inserted, ChunkError> {
        self.inner.insert(digest, encoded)
    }

    fn load(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), ChunkError> {
        self.inner.load(digest, into)
    }

    fn touch(&self, digest: &Digest) -> Result<bool, ChunkError> {
        if self.careless.load(Ordering::SeqCst) {
            return Ok(self.inner.position(digest)?.is_some());
        }
        *self.counted().entry(*digest).or_default() += 1;
        self.inner.touch(digest)
    }

    fn touch_aside(&self, digest: &Digest) -> Result<bool, ChunkError> {
        self.inner.touch_aside(digest)
    }

    fn position(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        self.inner.position(digest)
    }

    fn stamp(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        self.inner.stamp(digest)
    }

    fn stored_size(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        self.inner.stored_size(digest)
    }

    fn set_aside(&self, digest: &Digest, position: u64) -> Result<Option<String>, ChunkError> {
        self.inner.set_aside(digest, position)
    }

    fn sweep(
        &self,
        part: Part,
        cutoff: i64,
        oldest_writer: i64,
        watch: &dyn Watch,
    ) -> Result<SweepReport, ChunkError> {
        self.inner.sweep(part, cutoff, oldest_writer, watch)
    }

    fn probe(&self, wait: Duration) -> Result<(), ChunkError> {
        self.inner.probe(wait)
    }

    fn epoch(&self) -> Epoch {
        let mut epoch = self.inner.epoch();
        epoch.losses += self.losses.load(Ordering::SeqCst);
        epoch
    }

    fn note_loss(&self) {
        self.inner.note_loss();
    }
    fn disturbed(&self, since: Epoch) -> bool {
        self.inner.disturbed(since)
    }

    fn barrier(&self, since: Epoch) -> Result<(), ChunkError> {
        self.inner.barrier(since)
    }
}

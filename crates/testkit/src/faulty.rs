//! A chunk store around another one that fails one operation, counted from the start: before it was done, or after.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use format::Digest;
use store::{ChunkError, ChunkStore, Epoch, Inserted, SweepReport, Watch};

/// Where the failing operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was done.
    Before,
    /// It was done, but the caller is told that it was not.
    After,
}

#[derive(Debug)]
pub struct FaultyChunks<S> {
    inner: S,
    fault: Fault,
    /// Which operation fails, from 1; 0 for none.
    fails: AtomicU64,
    done: AtomicU64,
}

impl<S: ChunkStore> FaultyChunks<S> {
    /// Fails the `n`-th operation from now, from 1; with 0 none.
    pub fn new(inner: S, n: u64, fault: Fault) -> FaultyChunks<S> {
        FaultyChunks {
            inner,
            fault,
            fails: AtomicU64::new(n),
            done: AtomicU64::new(0),
        }
    }

    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How many operations were asked for, the failed one included.
    pub fn operations(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    /// Whether the failing operation was reached.
    pub fn has_failed(&self) -> bool {
        let fails = self.fails.load(Ordering::SeqCst);
        fails != 0 && self.operations() >= fails
    }

    fn run<T>(&self, operation: impl FnOnce() -> Result<T, ChunkError>) -> Result<T, ChunkError> {
        let n = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        if n != self.fails.load(Ordering::SeqCst) {
            return operation();
        }
        if self.fault == Fault::After {
            operation()?;
        }
        let source = io::Error::from_raw_os_error(5);
        Err(ChunkError::Io {
            action: "do what the test forbids in",
            path: PathBuf::from("faulty store"),
            source,
        })
    }
}

impl<S: ChunkStore> ChunkStore for FaultyChunks<S> {
    fn insert(&self, digest: &Digest, encoded: &[u8]) -> Result<Inserted, ChunkError> {
        self.run(|| self.inner.insert(digest, encoded))
    }

    fn load(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), ChunkError> {
        self.run(|| self.inner.load(digest, into))
    }

    fn touch(&self, digest: &Digest) -> Result<bool, ChunkError> {
        self.run(|| self.inner.touch(digest))
    }

    fn touch_aside(&self, digest: &Digest) -> Result<bool, ChunkError> {
        self.run(|| self.inner.touch_aside(digest))
    }

    fn position(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        self.run(|| self.inner.position(digest))
    }

    fn set_aside(&self, digest: &Digest, position: u64) -> Result<Option<String>, ChunkError> {
        self.run(|| self.inner.set_aside(digest, position))
    }

    fn sweep(
        &self,
        cutoff: i64,
        oldest_writer: i64,
        watch: &dyn Watch,
    ) -> Result<SweepReport, ChunkError> {
        self.run(|| self.inner.sweep(cutoff, oldest_writer, watch))
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    fn barrier(&self, since: Epoch) -> Result<(), ChunkError> {
        self.run(|| self.inner.barrier(since))
    }
}

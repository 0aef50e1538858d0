//! A chunk store around another one that fails one operation, counted from the start: before it was done, or after.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use format::Digest;
use store::{ChunkError, ChunkStore, Epoch, Inserted, Part, SweepReport, Watch};

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
    plan: Mutex<Plan>,
}

#[derive(Debug)]
struct Plan {
    fault: Fault,
    /// Which operation fails, from 1; 0 for none.
    fails: u64,
    done: u64,
}

impl<S: ChunkStore> FaultyChunks<S> {
    /// Fails the `n`-th operation from now, from 1; with 0 none.
    pub fn new(inner: S, n: u64, fault: Fault) -> FaultyChunks<S> {
        let plan = Mutex::new(Plan {
            fault,
            fails: n,
            done: 0,
        });
        FaultyChunks { inner, plan }
    }

    /// Counts from here, and fails the `n`-th operation.
    pub fn arm(&self, n: u64, fault: Fault) {
        *self.plan() = Plan {
            fault,
            fails: n,
            done: 0,
        };
    }

    /// Fails nothing more.
    pub fn disarm(&self) {
        self.arm(0, Fault::Before);
    }

    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// How many operations were asked for since the counting began, the failed one included.
    pub fn operations(&self) -> u64 {
        self.plan().done
    }

    /// Whether the failing operation was reached.
    pub fn has_failed(&self) -> bool {
        let plan = self.plan();
        plan.fails != 0 && plan.done >= plan.fails
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next operation's fate.
    fn next(&self) -> Option<Fault> {
        let mut plan = self.plan();
        plan.done += 1;
        (plan.done == plan.fails).then_some(plan.fault)
    }

    fn run<T>(&self, operation: impl FnOnce() -> Result<T, ChunkError>) -> Result<T, ChunkError> {
        match self.next() {
            None => return operation(),
            Some(Fault::Before) => {}
            Some(Fault::After) => drop(operation()?),
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

    fn stamp(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        self.run(|| self.inner.stamp(digest))
    }

    fn stored_size(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        self.run(|| self.inner.stored_size(digest))
    }

    fn set_aside(&self, digest: &Digest, position: u64) -> Result<Option<String>, ChunkError> {
        self.run(|| self.inner.set_aside(digest, position))
    }

    fn sweep(
        &self,
        part: Part,
        cutoff: i64,
        oldest_writer: i64,
        watch: &dyn Watch,
    ) -> Result<SweepReport, ChunkError> {
        self.run(|| self.inner.sweep(part, cutoff, oldest_writer, watch))
    }

    fn probe(&self, wait: Duration) -> Result<(), ChunkError> {
        self.run(|| self.inner.probe(wait))
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    fn note_loss(&self) {
        self.inner.note_loss();
    }

    fn disturbed(&self, since: Epoch) -> bool {
        self.inner.disturbed(since)
    }

    fn barrier(&self, since: Epoch) -> Result<(), ChunkError> {
        self.run(|| self.inner.barrier(since))
    }
}

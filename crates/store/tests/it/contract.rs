//! Every chunk store keeps the contract.

use std::fs;
use std::time::Duration;

use store::{
    ChunkError, ChunkStore, Epoch, Inserted, LocalChunks, Part, SweepReport, SyncLevel, Watch,
    suite,
};
use testkit::{Fault, FaultyChunks, MemoryChunks};

/// A store on disk that goes with its directory. The 65536 directories are made when needed.
struct Temp {
    chunks: LocalChunks,
    _dir: tempfile::TempDir,
}

fn local(sync: SyncLevel) -> Temp {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".chunks")).unwrap();
    Temp {
        chunks: LocalChunks::open(dir.path(), sync).unwrap(),
        _dir: dir,
    }
}

impl ChunkStore for Temp {
    fn insert(&self, digest: &format::Digest, encoded: &[u8]) -> Result<Inserted, ChunkError> {
        self.chunks.insert(digest, encoded)
    }
    fn load(&self, digest: &format::Digest, into: &mut Vec<u8>) -> Result<(), ChunkError> {
        self.chunks.load(digest, into)
    }
    fn touch(&self, digest: &format::Digest) -> Result<bool, ChunkError> {
        self.chunks.touch(digest)
    }
    fn touch_aside(&self, digest: &format::Digest) -> Result<bool, ChunkError> {
        self.chunks.touch_aside(digest)
    }
    fn position(&self, digest: &format::Digest) -> Result<Option<u64>, ChunkError> {
        self.chunks.position(digest)
    }
    fn stamp(&self, digest: &format::Digest) -> Result<Option<u64>, ChunkError> {
        self.chunks.stamp(digest)
    }
    fn stored_size(&self, digest: &format::Digest) -> Result<Option<u64>, ChunkError> {
        self.chunks.stored_size(digest)
    }
    fn set_aside(
        &self,
        digest: &format::Digest,
        position: u64,
    ) -> Result<Option<String>, ChunkError> {
        self.chunks.set_aside(digest, position)
    }
    fn sweep(
        &self,
        part: Part,
        cutoff: i64,
        oldest: i64,
        watch: &dyn Watch,
    ) -> Result<SweepReport, ChunkError> {
        self.chunks.sweep(part, cutoff, oldest, watch)
    }
    fn probe(&self, wait: Duration) -> Result<(), ChunkError> {
        self.chunks.probe(wait)
    }
    fn epoch(&self) -> Epoch {
        self.chunks.epoch()
    }
    fn note_loss(&self) {
        self.chunks.note_loss();
    }
    fn disturbed(&self, since: Epoch) -> bool {
        self.chunks.disturbed(since)
    }
    fn barrier(&self, since: Epoch) -> Result<(), ChunkError> {
        self.chunks.barrier(since)
    }
}

#[test]
fn local_without_sync() {
    suite::run(|| local(SyncLevel::None));
}

#[test]
fn local_with_file_sync() {
    suite::run(|| local(SyncLevel::File));
}

#[test]
fn local_with_file_system_sync() {
    suite::run(|| local(SyncLevel::Filesystem));
}

#[test]
fn in_memory() {
    suite::run(MemoryChunks::lenient);
}

#[test]
fn around_a_store_that_does_not_fail() {
    suite::run(|| FaultyChunks::new(MemoryChunks::lenient(), 0, Fault::Before));
}

#[test]
fn a_fault_hits_the_operation_it_was_set_for() {
    let (digest, encoded) = suite::plain(b"content");
    for (fault, stored) in [(Fault::Before, false), (Fault::After, true)] {
        let store = FaultyChunks::new(MemoryChunks::new(), 2, fault);
        assert!(!store.touch(&digest).unwrap());
        assert!(!store.has_failed());
        assert!(matches!(
            store.insert(&digest, &encoded),
            Err(ChunkError::Io { .. })
        ));
        assert!(store.has_failed());
        assert_eq!(store.touch(&digest).unwrap(), stored);
        assert_eq!(store.operations(), 3);
    }
}

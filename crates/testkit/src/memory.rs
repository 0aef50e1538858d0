//! A chunk store in memory. Stricter than the one on disk: it takes no blob with a wrong checksum, and no plain blob under a digest
//! that is not its content's, because both mean that the code before it forgot to look.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use format::{Blob, BlobKind, Digest};
use store::{
    ChunkError, ChunkStore, Epoch, InsertPlan, Inserted, Look, Part, SweepReport, Watch,
    check_loaded, parse_new, plan_insert,
};

#[derive(Debug, Clone)]
struct Entry {
    bytes: Vec<u8>,
    /// Unix seconds, by the store's clock.
    marked: i64,
    /// When it was written, counted over all writes.
    serial: u64,
}

#[derive(Debug, Default)]
struct Tables {
    chunks: BTreeMap<Digest, Entry>,
    aside: BTreeMap<(Digest, u8), Entry>,
    writes: u64,
    /// How many chunks were ever set aside.
    asides: u64,
    losses: u64,
}

impl Tables {
    fn write(&mut self, digest: &Digest, bytes: Vec<u8>, marked: i64) {
        self.writes += 1;
        let entry = Entry {
            bytes,
            marked,
            serial: self.writes,
        };
        self.chunks.insert(*digest, entry);
    }
}

#[derive(Debug, Default)]
pub struct MemoryChunks {
    tables: Mutex<Tables>,
    /// Seconds by which the clock is ahead.
    ahead: AtomicI64,
    /// Refuse plain content that does not match its digest.
    strict: bool,
}

impl MemoryChunks {
    /// Checks the content of plain blobs.
    pub fn new() -> MemoryChunks {
        MemoryChunks {
            strict: true,
            ..MemoryChunks::default()
        }
    }

    /// For tests whose blobs have made-up digests.
    pub fn lenient() -> MemoryChunks {
        MemoryChunks::default()
    }

    /// Turns the clock forward (or back).
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Unix seconds by this store's clock.
    pub fn now(&self) -> i64 {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs() as i64);
        real + self.ahead.load(Ordering::SeqCst)
    }

    /// All chunks that are there.
    pub fn digests(&self) -> Vec<Digest> {
        self.tables().chunks.keys().copied().collect()
    }

    /// Puts bytes under a digest, whatever they are: damage for tests.
    pub fn put(&self, digest: &Digest, bytes: Vec<u8>) {
        let marked = self.now();
        self.tables().write(digest, bytes, marked);
    }

    /// Takes a chunk away.
    pub fn remove(&self, digest: &Digest) {
        self.tables().chunks.remove(digest);
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChunkStore for MemoryChunks {
    fn insert(&self, digest: &Digest, encoded: &[u8]) -> Result<Inserted, ChunkError> {
        let blob = parse_new(digest, encoded)?;
        blob.check_crc().map_err(|source| ChunkError::NotABlob {
            digest: *digest,
            source,
        })?;
        if self.strict && blob.kind() == BlobKind::Plain {
            assert_eq!(
                Digest::of(blob.body()),
                *digest,
                "a chunk under a foreign name"
            );
        }
        let marked = self.now();
        let mut tables = self.tables();
        if let Some(entry) = tables.chunks.get_mut(digest) {
            let kind = |look| {
                Ok(Blob::parse(&entry.bytes)
                    .ok()
                    .filter(|b| look == Look::Header || b.check_crc().is_ok())
                    .map(|b| b.kind()))
            };
            if plan_insert(digest, &blob, entry.bytes.len() as u64, kind)? == InsertPlan::Keep {
                entry.marked = marked;
                return Ok(Inserted::Duplicate {
                    stored: entry.bytes.len() as u64,
                });
            }
        }
        tables.write(digest, encoded.to_vec(), marked);
        Ok(Inserted::New {
            stored: encoded.len() as u64,
        })
    }

    fn load(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), ChunkError> {
        into.clear();
        let tables = self.tables();
        let entry = tables
            .chunks
            .get(digest)
            .ok_or(ChunkError::NotFound { digest: *digest })?;
        into.extend_from_slice(&entry.bytes);
        check_loaded(digest, into)
    }

    fn touch(&self, digest: &Digest) -> Result<bool, ChunkError> {
        let marked = self.now();
        let mut tables = self.tables();
        let entry = tables
            .chunks
            .get_mut(digest)
            .filter(|entry| !entry.bytes.is_empty());
        Ok(entry.map(|entry| entry.marked = marked).is_some())
    }

    fn touch_aside(&self, digest: &Digest) -> Result<bool, ChunkError> {
        let marked = self.now();
        let mut any = false;
        for (_, entry) in self.tables().aside.range_mut((*digest, 0)..=(*digest, 9)) {
            entry.marked = marked;
            any = true;
        }
        Ok(any)
    }

    fn position(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        Ok(self.tables().chunks.get(digest).map(|entry| entry.serial))
    }

    fn stamp(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        self.position(digest)
    }

    fn stored_size(&self, digest: &Digest) -> Result<Option<u64>, ChunkError> {
        let tables = self.tables();
        let entry = tables.chunks.get(digest);
        Ok(entry.map(|entry| entry.bytes.len() as u64))
    }

    fn set_aside(&self, digest: &Digest, position: u64) -> Result<Option<String>, ChunkError> {
        let mut tables = self.tables();
        if tables
            .chunks
            .get(digest)
            .is_none_or(|entry| entry.serial != position)
        {
            return Ok(None);
        }
        let entry = tables.chunks.remove(digest).expect("it was found above");
        let n = (0..9)
            .find(|n| !tables.aside.contains_key(&(*digest, *n)))
            .unwrap_or(9);
        tables.aside.insert((*digest, n), entry);
        tables.asides += 1;
        Ok(Some(format!("{digest}.{n}.bad")))
    }

    fn sweep(
        &self,
        part: Part,
        cutoff: i64,
        oldest_writer: i64,
        watch: &dyn Watch,
    ) -> Result<SweepReport, ChunkError> {
        let mut report = SweepReport {
            stopped: watch.stopped(),
            ..SweepReport::default()
        };
        if report.stopped {
            return Ok(report);
        }
        let mut tables = self.tables();
        tables.chunks.retain(|digest, entry| {
            if !part.contains(digest) {
                return true;
            }
            let size = entry.bytes.len() as u64;
            let (count, bytes) = match entry.marked {
                marked if marked < cutoff => {
                    (&mut report.removed_chunks, &mut report.removed_bytes)
                }
                marked if marked < oldest_writer => {
                    (&mut report.pending_chunks, &mut report.pending_bytes)
                }
                _ => (&mut report.disk_chunks, &mut report.disk_bytes),
            };
            *count += 1;
            *bytes += size;
            entry.marked >= cutoff
        });
        tables.aside.retain(|(digest, _), entry| {
            if !part.contains(digest) {
                return true;
            }
            let size = entry.bytes.len() as u64;
            match entry.marked {
                marked if marked < cutoff => {
                    report.removed_bad += 1;
                    report.removed_bytes += size;
                }
                marked if marked < oldest_writer => {
                    report.still_bad += 1;
                    report.pending_bytes += size;
                }
                _ => report.disk_bytes += size,
            }
            entry.marked >= cutoff
        });
        Ok(report)
    }

    fn probe(&self, _wait: Duration) -> Result<(), ChunkError> {
        Ok(())
    }

    fn epoch(&self) -> Epoch {
        let tables = self.tables();
        Epoch {
            losses: tables.losses,
            asides: Some(tables.asides),
        }
    }

    fn note_loss(&self) {
        self.tables().losses += 1;
    }

    fn disturbed(&self, since: Epoch) -> bool {
        since.asides != self.epoch().asides
    }

    fn barrier(&self, since: Epoch) -> Result<(), ChunkError> {
        match self.tables().losses > since.losses {
            true => Err(ChunkError::WritesLost),
            false => Ok(()),
        }
    }
}

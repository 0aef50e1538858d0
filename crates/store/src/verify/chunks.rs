//! The chunks of one index: read in the order in which they lie on disk, checked in parallel.
//!
//! Readers fill buffers from a fixed pool, checkers empty them; the pool bounds memory, and no buffer is made twice. What is damaged is
//! set aside and named in the log. Integrity, third place of four.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use format::{Blob, BlobError, CryptMode, Digest, Index};

use super::{Known, VerifyMemory};
use crate::chunk::ChunkError;
use crate::datastore::Datastore;
use crate::error::with_causes;
use crate::options::ChunkOrder;
use crate::options::Options;
use crate::scratch::ScratchPool;
use crate::watch::Watch;

/// What the chunks of one index came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) errors: u64,
    pub(super) stopped: bool,
}

/// A buffer that has become larger is made anew; few chunks are.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// A chunk to look at.
#[derive(Debug, Clone, Copy)]
struct Job {
    digest: Digest,
    /// Content bytes that the index says it has.
    size: u64,
    /// Where it lies; nothing if it is missing.
    position: Option<u64>,
}

/// What is wrong with a chunk.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Load(#[from] ChunkError),
    #[error("its content cannot be decoded")]
    Decode(#[from] BlobError),
    #[error("its content has another digest ({found})")]
    Digest { found: Digest },
    /// The chunk is what its name says; the index is wrong.
    #[error("the index says that it has {expected} bytes, but it has {found}")]
    Size { expected: u64, found: u64 },
    /// The chunk may be good; the manifest is wrong.
    #[error("chunk CryptMode ({found}) does not match index CryptMode ({expected})")]
    Mode {
        found: CryptMode,
        expected: CryptMode,
    },
}

impl Fault {
    /// Whether the chunk itself is to blame: then it is remembered as corrupt.
    fn is_corruption(&self) -> bool {
        matches!(
            self,
            Fault::Load(_) | Fault::Decode(_) | Fault::Digest { .. }
        )
    }

    /// Whether the chunk's file is useless, so that it should make room for a new one. An error of the system may pass; one of the
    /// disk does not.
    fn is_damage(&self) -> bool {
        match self {
            Fault::Load(ChunkError::Damaged { .. } | ChunkError::DamagedSize { .. }) => true,
            Fault::Load(ChunkError::Io { source, .. }) => source.raw_os_error() == Some(libc::EIO),
            Fault::Load(_) => false,
            Fault::Decode(_) | Fault::Digest { .. } => true,
            Fault::Size { .. } | Fault::Mode { .. } => false,
        }
    }
}

/// What all threads share.
struct Run<'a> {
    store: &'a Datastore,
    watch: &'a dyn Watch,
    mode: CryptMode,
    /// `[ns/..]type/id/time/archive`
    label: &'a str,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    verified: Vec<(Digest, Known)>,
    corrupt: Vec<Digest>,
    errors: u64,
    read_bytes: u64,
    content_bytes: u64,
}

pub(super) fn verify(
    store: &Datastore,
    index: &Index,
    mode: CryptMode,
    label: &str,
    memory: &mut VerifyMemory,
    watch: &dyn Watch,
) -> Outcome {
    let begun = Instant::now();
    let run = Run {
        store,
        watch,
        mode,
        label,
        tally: Mutex::default(),
    };
    let jobs = run.jobs(index, memory);
    run.check_all(&jobs);
    let tally = run
        .tally
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    memory.verified.extend(tally.verified.iter().copied());
    memory.corrupt.extend(&tally.corrupt);
    let stopped = watch.stopped();
    if !stopped {
        watch.log(&tally.summary(begun.elapsed().as_secs_f64()));
    }
    Outcome {
        errors: tally.errors,
        stopped,
    }
}

impl Tally {
    fn summary(&self, seconds: f64) -> String {
        const MIB: f64 = 1048576.0;
        let (read, content) = (
            self.read_bytes as f64 / MIB,
            self.content_bytes as f64 / MIB,
        );
        let per_second = |mib: f64| if seconds > 0.0 { mib / seconds } else { 0.0 };
        format!(
            "  verified {read:.2}/{content:.2} MiB in {seconds:.2} seconds, speed {:.2}/{:.2} MiB/s ({} errors)",
            per_second(read),
            per_second(content),
            self.errors
        )
    }
}

impl Run<'_> {
    /// Each chunk of the index that was not seen yet, once, in the order of the disk; those that are missing come last.
    fn jobs(&self, index: &Index, memory: &VerifyMemory) -> Vec<Job> {
        let mut sizes: HashMap<Digest, u64> = HashMap::new();
        let mut jobs = Vec::new();
        for (range, digest) in index.iter() {
            let size = range.end - range.start;
            let job = Job {
                digest,
                size,
                position: None,
            };
            if let Some(known) = memory.verified.get(&digest) {
                if let Err(fault) = self.compare(&job, *known) {
                    self.fault(&job, &fault);
                }
                continue;
            }
            if memory.corrupt.contains(&digest) {
                self.error(&format!("chunk {digest} was marked as corrupt"));
                continue;
            }
            match sizes.insert(digest, job.size) {
                None => jobs.push(job),
                Some(size) if size == job.size => {}
                Some(size) => self.fault(
                    &job,
                    &Fault::Size {
                        expected: job.size,
                        found: size,
                    },
                ),
            }
            if self.watch.stopped() {
                return Vec::new();
            }
        }
        for job in &mut jobs {
            job.position = self.store.chunks().position(&job.digest).ok().flatten();
        }
        if self.store.options().verify_order == ChunkOrder::Disk {
            jobs.sort_by_key(|job| job.position.unwrap_or(u64::MAX));
        }
        jobs
    }

    /// Whether a chunk that was fine is what this index wants.
    fn compare(&self, job: &Job, known: Known) -> Result<(), Fault> {
        if known.encrypted != (self.mode == CryptMode::Encrypt) {
            let found = match known.encrypted {
                true => CryptMode::Encrypt,
                false => CryptMode::None,
            };
            return Err(Fault::Mode {
                found,
                expected: self.mode,
            });
        }
        match known.size == job.size {
            true => Ok(()),
            false => Err(Fault::Size {
                expected: job.size,
                found: known.size,
            }),
        }
    }

    /// Runs the readers and the checkers until all jobs are done, or the watch says stop.
    fn check_all(&self, jobs: &[Job]) {
        let wanted = self.store.verify_threads();
        let threads = |wanted: usize| wanted.clamp(1, Options::VERIFY_THREADS_MAX).min(jobs.len());
        // Checking is work for processors: more threads than these would only hold more memory.
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let (readers, checkers) = (
            threads(wanted.readers),
            threads(wanted.checkers).min(processors),
        );
        // One for each that works, and one for a checker to find when it is done.
        let buffers = readers + checkers + 1;
        let (empty_in, empty_out) = sync_channel(buffers);
        let (full_in, full_out) = sync_channel(buffers);
        for _ in 0..buffers {
            empty_in
                .send(Vec::new())
                .expect("the queue has room for all buffers");
        }
        let next = AtomicUsize::new(0);
        // Each side owns its ends of the queues, so when one side is gone the other one's calls return.
        let (empty_out, full_out) = (
            Arc::new(Mutex::new(empty_out)),
            Arc::new(Mutex::new(full_out)),
        );
        thread::scope(|scope| {
            for _ in 0..readers {
                let (empty, full, next) = (Arc::clone(&empty_out), full_in.clone(), &next);
                scope.spawn(move || self.read(jobs, next, &empty, &full));
            }
            for _ in 0..checkers {
                let (empty, full) = (empty_in.clone(), Arc::clone(&full_out));
                scope.spawn(move || self.check_loaded(&empty, &full));
            }
            drop((empty_in, empty_out, full_in, full_out));
        });
    }

    fn read(
        &self,
        jobs: &[Job],
        next: &AtomicUsize,
        empty: &Mutex<Receiver<Vec<u8>>>,
        full: &SyncSender<(Job, Vec<u8>)>,
    ) {
        let mut spare = None;
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.watch.stopped() {
                return;
            }
            let Some(mut buffer) = spare.take().or_else(|| receive(empty)) else {
                return;
            };
            match self.store.chunks().load(&job.digest, &mut buffer) {
                Ok(()) => {
                    if full.send((*job, buffer)).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    self.fault(job, &Fault::Load(error));
                    spare = Some(buffer);
                }
            }
        }
    }

    fn check_loaded(&self, empty: &SyncSender<Vec<u8>>, full: &Mutex<Receiver<(Job, Vec<u8>)>>) {
        while let Some((job, mut buffer)) = receive(full) {
            if !self.watch.stopped() {
                let checked = self.check(&job, &buffer);
                self.count(&job, buffer.len() as u64, checked);
            }
            if buffer.capacity() > KEPT_BYTES_MAX {
                buffer = Vec::new();
            }
            // The readers are gone when they have read everything.
            let _ = empty.send(buffer);
        }
    }

    fn check(&self, job: &Job, encoded: &[u8]) -> Result<(), Fault> {
        let blob = Blob::parse(encoded)?;
        let encrypted = blob.kind().is_encrypted();
        if encrypted != (self.mode == CryptMode::Encrypt) {
            return Err(Fault::Mode {
                found: blob.kind().crypt_mode(),
                expected: self.mode,
            });
        }
        if encrypted {
            // Without its key nothing more can be said than that the checksum is right, and load has looked at that.
            return Ok(());
        }
        let content = |content: &[u8]| (Digest::of(content), content.len() as u64);
        let (found, len) = if blob.kind().is_compressed() {
            ScratchPool::common().with_content(&blob, job.size, content)?
        } else {
            content(blob.body())
        };
        if found != job.digest {
            return Err(Fault::Digest { found });
        }
        if len != job.size {
            return Err(Fault::Size {
                expected: job.size,
                found: len,
            });
        }
        Ok(())
    }

    fn count(&self, job: &Job, read_bytes: u64, checked: Result<(), Fault>) {
        {
            let mut tally = self.tally();
            tally.read_bytes += read_bytes;
            tally.content_bytes += job.size;
            if checked.is_ok() {
                let known = Known {
                    size: job.size,
                    encrypted: self.mode == CryptMode::Encrypt,
                };
                tally.verified.push((job.digest, known));
            }
        }
        if let Err(fault) = checked {
            self.fault(job, &fault);
        }
    }

    /// Notes and tells what is wrong with a chunk, and sets it aside if it is damaged.
    fn fault(&self, job: &Job, fault: &Fault) {
        self.error(&format!(
            "chunk {} of {}:{}: {}",
            job.digest,
            self.store.name(),
            self.label,
            with_causes(fault)
        ));
        if fault.is_corruption() {
            self.tally().corrupt.push(job.digest);
        }
        let (true, Some(position)) = (fault.is_damage(), job.position) else {
            return;
        };
        match self.store.chunks().set_aside(&job.digest, position) {
            Ok(Some(name)) => self
                .watch
                .warn(&format!("corrupted chunk renamed to {name:?}")),
            Ok(None) => {}
            Err(error) => {
                self.watch.warn(&format!(
                    "could not rename corrupted chunk {}: {}",
                    job.digest,
                    with_causes(&error)
                ));
            }
        }
    }

    fn error(&self, text: &str) {
        self.tally().errors += 1;
        self.watch.warn(text);
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next item, nothing when no more will come.
fn receive<T>(queue: &Mutex<Receiver<T>>) -> Option<T> {
    queue
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

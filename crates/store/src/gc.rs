//! Garbage collection: marks every chunk that an index names, then lets the chunk store sweep what nobody marked in time (formats.md 9).
//!
//! Backups, prunes, forgets and verifies go on meanwhile. What keeps them safe: the indexes of a group are read until a reading finds nothing
//! new; sessions mark what they rely on, and nothing younger than the oldest session goes; what was removed from the tree is on disk before
//! its chunks go; a clock that jumps ends the run. Each chunk is touched once, however many indexes name it, in the order in which chunks lie.
//! A collection that is stopped while it sweeps goes on where it was, see `resume`.

mod digests;
mod list;
mod mark;
mod resume;
mod seen;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use format::{Group, IndexError};

use crate::chunk::{ChunkError, Part, SweepReport};
use crate::clock::{Stopwatch, unix_now};
use crate::datastore::Datastore;
use crate::error::{StoreError, with_causes};
use crate::index_file::IndexFileError;
use crate::watch::Watch;
use resume::Progress;
use seen::{Disk, Seen};

/// How long the probe waits between two marks; all file systems worth using tell times a second apart.
const PROBE_WAIT: Duration = Duration::from_secs(1);
/// For the grain of clocks: so much older than the oldest writer a chunk must be to go.
const WRITER_MARGIN_S: i64 = 300;
/// How often it is written down how far a sweep has come.
const KEEP_EVERY: Duration = Duration::from_secs(30);

/// How garbage is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOptions {
    /// See first whether the store remembers marks; takes a second and leaves the chunk of 4 MiB of zeroes.
    pub probe: bool,
    /// So long a chunk must have been unmarked to go, in seconds.
    pub cutoff_s: i64,
    /// Digests that are held in memory before they go to a file, some 70 bytes each.
    pub digests_max: usize,
}

impl Default for GcOptions {
    /// The original's: probe, and 24 hours and 5 minutes. At most 64 MiB of digests, which is a store of 3.5 TiB without a file.
    fn default() -> GcOptions {
        GcOptions {
            probe: true,
            cutoff_s: 86_700,
            digests_max: 917_504,
        }
    }
}

/// What a collection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GcReport {
    pub index_files: u64,
    /// Content bytes of all indexes.
    pub index_bytes: u64,
    /// Different chunks that an index names; as many touches were made.
    pub marked_chunks: u64,
    /// Of these so many are not there.
    pub missing_chunks: u64,
    /// Entries of indexes whose chunk was in memory already, and those whose was not.
    pub hits: u64,
    pub misses: u64,
    pub sweep: SweepReport,
}

/// Why a collection removed nothing, or not all.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    #[error("index {path:?} is damaged, so nothing was removed; verify or remove its snapshot")]
    BadIndex { path: PathBuf, source: IndexError },
    #[error("cannot read index {path:?}, so nothing was removed")]
    ReadIndex { path: PathBuf, source: io::Error },
    #[error("cannot list {path:?}, so nothing was removed")]
    List { path: PathBuf, source: io::Error },
    #[error(
        "backups of group {group} came and went faster than they could be read, so nothing was removed; try again"
    )]
    Restless { group: Group },
    #[error("the clock was set while garbage was collected; nothing more was removed, try again")]
    ClockSet,
    #[error("cannot keep the list of digests in {path:?}")]
    Spill { path: PathBuf, source: io::Error },
    #[error("garbage collection was stopped")]
    Stopped,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

impl From<IndexFileError> for GcError {
    fn from(error: IndexFileError) -> GcError {
        match error {
            IndexFileError::Bad { path, source } => GcError::BadIndex { path, source },
            IndexFileError::Read { path, source } => GcError::ReadIndex { path, source },
        }
    }
}

/// What goes: chunks last marked before the answer (formats.md 9.3). `oldest` is when the oldest writer began.
fn cutoff(start: i64, oldest: i64, cutoff_s: i64) -> i64 {
    let usual = start.saturating_sub(cutoff_s);
    if oldest < usual {
        oldest.saturating_sub(WRITER_MARGIN_S)
    } else {
        usual
    }
}

impl Datastore {
    /// Removes chunks that no index names and no session may still need. `start` is now, in Unix seconds.
    ///
    /// One at a time, and only while no other process writes here. Backups of this process may run, begin and end meanwhile. Until the
    /// sweep begins nothing is removed, so that every error before leaves all as it was; running it again does no harm.
    pub fn collect_garbage(
        &self,
        options: &GcOptions,
        start: i64,
        watch: &dyn Watch,
    ) -> Result<GcReport, GcError> {
        let _alone = self.lock_exclusive()?;
        let clock = Stopwatch::start();
        let losses = self.chunks().epoch().losses;
        if options.probe {
            self.chunks().probe(PROBE_WAIT)?;
            watch.log("Access time update check successful.");
        }
        let mut progress = match Progress::read(self, options, start) {
            Some(progress) => self.mark_news(progress, options, clock, watch)?,
            None => self.mark_all(options, start, clock, watch)?,
        };
        // A power cut must not bring back a snapshot without its chunks.
        self.sync_tree()?;
        watch.log("Start GC phase2 (sweep unused chunks)");
        let guarded = Guarded {
            watch,
            clock,
            losses,
        };
        let epoch = self.chunks().epoch();
        let swept = self.sweep_on(&mut progress, &guarded);
        if !matches!(swept, Err(GcError::Stopped)) {
            Progress::forget(self)?;
        }
        swept?;
        self.chunks().barrier(epoch)?;
        Ok(progress.report)
    }

    fn mark_all(
        &self,
        options: &GcOptions,
        start: i64,
        clock: Stopwatch,
        watch: &dyn Watch,
    ) -> Result<Progress, GcError> {
        Progress::forget(self)?;
        // Before any index is looked at: a session that began earlier is counted, one that begins later marks after `start`.
        let oldest = self.oldest_writer().map_or(start, |since| since.min(start));
        watch.log("Start GC phase1 (mark used chunks)");
        let disk = Disk::of(self);
        let marked = mark::mark(self, Seen::default(), options.digests_max, watch)?;
        if clock.was_set() {
            return Err(GcError::ClockSet);
        }
        let cutoff = cutoff(start, oldest, options.cutoff_s);
        let progress = Progress::new(start, cutoff, oldest, options, marked, disk);
        Ok(progress)
    }

    /// Marks what indexes name that the stopped collection has not seen. Most came with backups that marked it; but they may have gone by
    /// another clock, and a snapshot may have been put back by hand, or on another machine.
    fn mark_news(
        &self,
        mut progress: Progress,
        options: &GcOptions,
        clock: Stopwatch,
        watch: &dyn Watch,
    ) -> Result<Progress, GcError> {
        watch.log(&format!(
            "going on with the collection that was stopped, {} of {} parts are swept; what was removed since goes with the next one",
            progress.next,
            Part::COUNT
        ));
        let oldest = self.oldest_writer().unwrap_or(progress.oldest);
        watch.log("Start GC phase1 (mark chunks of indexes that came since)");
        let before = progress.seen.clone();
        let marked = mark::mark(self, before, options.digests_max, watch);
        let failed = !matches!(marked, Ok(_) | Err(GcError::Stopped));
        if failed || clock.was_set() {
            Progress::forget(self)?;
        }
        let marked = marked?;
        if clock.was_set() {
            return Err(GcError::ClockSet);
        }
        let cutoff = cutoff(progress.start, oldest, options.cutoff_s);
        progress.go_on(marked, cutoff, oldest);
        Ok(progress)
    }

    /// Sweeps the parts that are left. When it is stopped, or broken off, the next collection goes on.
    fn sweep_on(&self, progress: &mut Progress, guarded: &Guarded<'_>) -> Result<(), GcError> {
        let (mut kept, mut percent_told, mut chunks_told) = (Instant::now(), 0, 0);
        while progress.next < Part::COUNT {
            let part = Part::nth(progress.next);
            let (cutoff, oldest) = (progress.cutoff, progress.oldest);
            let swept = self.chunks().sweep(part, cutoff, oldest, guarded)?;
            if swept.stopped {
                if guarded.clock.was_set() {
                    return Err(GcError::ClockSet);
                }
                self.keep(progress, guarded);
                return Err(GcError::Stopped);
            }
            progress.next += 1;
            progress.report.sweep = progress.report.sweep.and(swept);
            if kept.elapsed() > KEEP_EVERY {
                self.keep(progress, guarded);
                kept = Instant::now();
            }
            guarded.progress(progress.next.into(), Part::COUNT.into());
            // Nothing is told of the empty folders of a small store.
            let percent = u32::from(progress.next) * 100 / u32::from(Part::COUNT);
            let chunks = progress.report.sweep.disk_chunks + progress.report.sweep.pending_chunks;
            if percent > percent_told && percent < 100 && chunks > chunks_told {
                guarded.log(&format!("processed {percent}% ({chunks} chunks)"));
                (percent_told, chunks_told) = (percent, chunks);
            }
        }
        Ok(())
    }

    /// What cannot be kept is done again. The marks must be on disk before it is said that they are there.
    fn keep(&self, progress: &mut Progress, watch: &Guarded<'_>) {
        if !progress.can_be_kept() {
            return;
        }
        let kept = self.sync_all().and_then(|()| progress.write(self));
        // A lost write is told once, perhaps to a backup; it may have been one of marks.
        let lost = self.chunks().epoch().losses > watch.losses;
        let why = match kept {
            Err(error) => with_causes(&error),
            Ok(()) if lost => "writes to the disk were lost".to_owned(),
            Ok(()) => return,
        };
        watch.warn(&format!("the next collection begins anew: {why}"));
        // What an earlier one kept says of marks that they are on disk, which they may not be.
        if let Err(error) = Progress::forget(self) {
            watch.warn(&format!(
                "remove it by hand before the next collection: {}",
                with_causes(&error)
            ));
        }
    }

    /// For who marks chunks: where the clock was set since a collection was stopped, his marks may count as old by the right one, and may
    /// take the place of newer ones. Then the next collection begins anew.
    pub(crate) fn doubt_marks(&self) {
        if Progress::is_doubtful(self) {
            // What stays is looked at again by that collection, and by the next who marks.
            let _ = Progress::forget(self);
        }
    }

    /// Whether marks are remembered, as a collection needs it; for those who make a datastore.
    pub fn probe_marks(&self) -> Result<(), StoreError> {
        Ok(self.chunks().probe(PROBE_WAIT)?)
    }

    /// Collects with the original's settings, from now on.
    pub fn collect_garbage_now(&self, watch: &dyn Watch) -> Result<GcReport, GcError> {
        self.collect_garbage(&GcOptions::default(), unix_now(), watch)
    }
}

/// Stops a sweep when its clock is not to be trusted any more.
struct Guarded<'a> {
    watch: &'a dyn Watch,
    clock: Stopwatch,
    /// Lost writes that were known of when it began.
    losses: u64,
}

impl Watch for Guarded<'_> {
    fn log(&self, text: &str) {
        self.watch.log(text);
    }

    fn warn(&self, text: &str) {
        self.watch.warn(text);
    }

    fn progress(&self, done: u64, total: u64) {
        self.watch.progress(done, total);
    }

    fn stopped(&self) -> bool {
        self.watch.stopped() || self.clock.was_set()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes() {
        const DAY: i64 = 86_400;
        let start = 1_700_000_000;
        for (name, oldest, cutoff_s, expected) in [
            ("no writer", start, 86_700, start - 86_700),
            ("a young writer", start - 60, 86_700, start - 86_700),
            ("at the border", start - 86_700, 86_700, start - 86_700),
            (
                "an old writer",
                start - 2 * DAY,
                86_700,
                start - 2 * DAY - 300,
            ),
            ("a short cutoff", start, 60, start - 60),
            ("a short cutoff, a writer", start - 90, 60, start - 390),
        ] {
            assert_eq!(cutoff(start, oldest, cutoff_s), expected, "{name}");
        }
    }
}

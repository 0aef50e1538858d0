//! How far a collection has come that was stopped while it swept, so that the next one goes on there: chunks are marked already, and to mark
//! takes as long as to sweep. It goes on only as a collection would that merely was slow: what is marked stays marked, and what indexes name that came
//! meanwhile is marked first. Where anything is in doubt (another boot, a clock that was set, another disk, other settings, a day gone by) it begins anew.
//!
//! Kept in the datastore as some lines of numbers; see `docs/formats/datastore.md`.

use std::fs;

use format::Digest;

use super::seen::{Disk, Seen};
use crate::chunk::{Part, SweepReport};
use crate::clock::Moment;
use crate::datastore::Datastore;
use crate::error::StoreError;
use crate::files::{self, Durable};
use crate::gc::mark::Marked;
use crate::gc::{GcOptions, GcReport};
use crate::layout::{GC_PROGRESS, GC_SEEN};

/// Older progress is of no use: so much garbage has come since that it is better to begin anew.
const AGE_MAX_S: i64 = 86_400;
const BYTES_MAX: u64 = 4096;
const HEAD: &str = "strongroom-gc 2";
const NUMBERS: usize = 19;

/// A sweep that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    /// When the collection began, and what it goes by.
    pub(super) start: i64,
    pub(super) cutoff: i64,
    pub(super) oldest: i64,
    /// The setting that made this cutoff.
    cutoff_s: i64,
    /// The next part to sweep.
    pub(super) next: u8,
    /// What it came to so far.
    pub(super) report: GcReport,
    /// The indexes whose chunks are marked.
    pub(super) seen: Seen,
    /// By what their list is known, once it is kept.
    listed: Option<Digest>,
    disk: Option<Disk>,
    /// When this was so.
    moment: Moment,
}

impl Progress {
    /// Everything is marked, nothing is swept. Nothing where time cannot be measured over the end of this process.
    pub(super) fn new(
        start: i64,
        cutoff: i64,
        oldest: i64,
        options: &GcOptions,
        marked: Marked,
        disk: Option<Disk>,
    ) -> Progress {
        Progress {
            start,
            cutoff,
            oldest,
            cutoff_s: options.cutoff_s,
            next: 0,
            report: marked.report,
            seen: marked.seen,
            listed: None,
            disk,
            moment: Moment::now(),
        }
    }

    /// What an earlier collection left, if a collection that begins at `now` may go on with it.
    pub(super) fn read(store: &Datastore, options: &GcOptions, now: i64) -> Option<Progress> {
        let mut found = Progress::load(store)?;
        let age = now.checked_sub(found.start)?;
        let fits = found.cutoff_s == options.cutoff_s
            && (0..=AGE_MAX_S).contains(&age)
            && found.next < Part::COUNT
            && found.disk.is_some()
            && found.disk == Disk::of(store)
            && Moment::now().follows(&found.moment);
        if !fits {
            return None;
        }
        found.seen = Seen::read(store, &found.listed?)?;
        Some(found)
    }

    /// What is there, whether it is of use or not.
    fn load(store: &Datastore) -> Option<Progress> {
        let path = store.base().join(GC_PROGRESS);
        let file = fs::File::open(&path).ok()?;
        let bytes = files::read_bounded(&file, &path, BYTES_MAX).ok()?;
        Progress::parse(std::str::from_utf8(&bytes).ok()?)
    }

    /// Whether something is there, and the clock was set or the machine started anew since.
    pub(super) fn is_doubtful(store: &Datastore) -> bool {
        Progress::load(store).is_some_and(|found| !Moment::now().follows(&found.moment))
    }

    /// What was marked since it was kept, and by which writers its times must go now.
    pub(super) fn go_on(&mut self, marked: Marked, cutoff: i64, oldest: i64) {
        self.cutoff = self.cutoff.min(cutoff);
        self.oldest = self.oldest.min(oldest);
        let (all, new) = (&mut self.report, &marked.report);
        all.index_files += new.index_files;
        all.index_bytes += new.index_bytes;
        all.marked_chunks += new.marked_chunks;
        all.missing_chunks += new.missing_chunks;
        all.hits += new.hits;
        all.misses += new.misses;
        if self.seen != marked.seen {
            self.seen = marked.seen;
            self.listed = None;
        }
    }

    /// Keeps it with the datastore.
    pub(super) fn write(&mut self, store: &Datastore) -> Result<(), StoreError> {
        self.moment = Moment::now();
        if self.listed.is_none() {
            self.listed = Some(self.seen.write(store)?);
        }
        let path = store.base().join(GC_PROGRESS);
        files::replace(&path, self.text().as_bytes(), Durable::Later)
    }

    /// The next collection begins anew.
    pub(super) fn forget(store: &Datastore) -> Result<(), StoreError> {
        files::remove_file(&store.base().join(GC_PROGRESS))?;
        files::remove_file(&store.base().join(GC_SEEN))
    }

    /// Whether it may be kept at all.
    pub(super) fn can_be_kept(&self) -> bool {
        self.seen.is_whole() && self.disk.is_some()
    }

    fn text(&self) -> String {
        let GcReport { sweep, .. } = &self.report;
        let times = [self.start, self.cutoff, self.oldest, self.cutoff_s];
        let counts = [
            u64::from(self.next),
            self.report.index_files,
            self.report.index_bytes,
            self.report.marked_chunks,
            self.report.missing_chunks,
            self.report.hits,
            self.report.misses,
            sweep.removed_chunks,
            sweep.removed_bad,
            sweep.removed_bytes,
            sweep.pending_chunks,
            sweep.pending_bytes,
            sweep.still_bad,
            sweep.disk_chunks,
            sweep.disk_bytes,
        ];
        let times = times.iter().map(i64::to_string);
        let numbers: Vec<_> = times.chain(counts.iter().map(u64::to_string)).collect();
        let disk = self.disk.as_ref().map(Disk::text).unwrap_or_default();
        let listed = self.listed.map(|digest| digest.to_string());
        format!(
            "{HEAD}\n{}\n{}\n{disk}\n{}\n",
            numbers.join(" "),
            listed.unwrap_or_default(),
            self.moment.text()
        )
    }

    fn parse(text: &str) -> Option<Progress> {
        let mut lines = text.lines();
        if lines.next()? != HEAD {
            return None;
        }
        let numbers: Vec<&str> = lines.next()?.split(' ').collect();
        let numbers: [&str; NUMBERS] = numbers.try_into().ok()?;
        let listed: Digest = lines.next()?.parse().ok()?;
        let disk = Disk::parse(lines.next()?)?;
        let moment = Moment::parse(lines.next()?)?;
        let time = |at: usize| numbers[at].parse::<i64>().ok();
        let count = |at: usize| numbers[at].parse::<u64>().ok();
        let sweep = SweepReport {
            removed_chunks: count(11)?,
            removed_bad: count(12)?,
            removed_bytes: count(13)?,
            pending_chunks: count(14)?,
            pending_bytes: count(15)?,
            still_bad: count(16)?,
            disk_chunks: count(17)?,
            disk_bytes: count(18)?,
            stopped: false,
        };
        Some(Progress {
            start: time(0)?,
            cutoff: time(1)?,
            oldest: time(2)?,
            cutoff_s: time(3)?,
            next: numbers[4].parse().ok()?,
            report: GcReport {
                index_files: count(5)?,
                index_bytes: count(6)?,
                marked_chunks: count(7)?,
                missing_chunks: count(8)?,
                hits: count(9)?,
                misses: count(10)?,
                sweep,
            },
            seen: Seen::default(),
            listed: Some(listed),
            disk: Some(disk),
            moment,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        let sweep = SweepReport {
            removed_chunks: 7,
            removed_bad: 8,
            removed_bytes: 9,
            pending_chunks: 10,
            pending_bytes: 11,
            still_bad: 12,
            disk_chunks: 13,
            disk_bytes: u64::MAX,
            stopped: false,
        };
        let report = GcReport {
            index_files: 1,
            index_bytes: 2,
            marked_chunks: 3,
            missing_chunks: 4,
            hits: 5,
            misses: 6,
            sweep,
        };
        let seen = Seen::default();
        let marked = Marked { report, seen };
        let disk = Disk::parse("2049 3");
        let mut progress = Progress::new(1000, -5, 900, &GcOptions::default(), marked, disk);
        progress.listed = Some(Digest::of(b"the list"));
        progress.next = 17;
        progress
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let text = progress().text();
        assert_eq!(Progress::parse(&text), Some(progress_at(&text)));
        for len in 0..text.len() - 1 {
            let cut = Progress::parse(&text[..len]);
            assert!(
                cut.is_none_or(|cut| cut.moment != progress_at(&text).moment),
                "{len}"
            );
        }
        for (from, to) in [
            (HEAD, "strongroom-gc 1"),
            ("1000 ", "x "),
            (" 17 ", " 300 "),
        ] {
            assert_eq!(Progress::parse(&text.replace(from, to)), None, "{to}");
        }
    }

    /// The same with the moment that the text tells.
    fn progress_at(text: &str) -> Progress {
        let line = text.lines().last().expect("a line");
        Progress {
            moment: Moment::parse(line).expect("a moment"),
            ..progress()
        }
    }
}

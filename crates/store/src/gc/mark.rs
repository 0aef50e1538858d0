//! Phase one: collects what all indexes name, then touches it (formats.md 9.4).
//!
//! First every index file below the store is listed. Then group after group is read, the newest snapshot first, again and again until a reading
//! finds no index that was not read: a backup that finishes while its base is removed is thus never overlooked. What is left of
//! the first list lies where no index should be, and is read too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use format::{Digest, Group, Namespace};

use super::digests::Digests;
use super::list::all_indexes;
use super::seen::{Identity, Seen};
use super::{GcError, GcReport};
use crate::datastore::{Datastore, move_journal};
use crate::index_file::{self, Kind};
use crate::watch::Watch;

/// So often a group is read anew without holding its lock.
const READINGS_MAX: usize = 10;
/// So many missing chunks are told one by one.
const MISSING_TOLD: u64 = 100;

/// What marking came to.
pub(super) struct Marked {
    pub(super) report: GcReport,
    /// All indexes whose chunks are marked, those of before too.
    pub(super) seen: Seen,
}

struct Marker<'a> {
    store: &'a Datastore,
    watch: &'a dyn Watch,
    digests: Digests,
    /// Relative paths of the first list that were not read yet.
    left: BTreeSet<PathBuf>,
    /// Those whose chunks were marked before; they are not read again.
    before: Seen,
    read: BTreeMap<PathBuf, Identity>,
    total: usize,
    percent_told: usize,
    report: GcReport,
}

/// What a reading of a group found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Nothing,
    News,
}

/// Marks all chunks as used that an index names, but for indexes that were `before`. Counts in the report all but the sweep, and what is new only.
pub(super) fn mark(
    store: &Datastore,
    before: Seen,
    digests_max: usize,
    watch: &dyn Watch,
) -> Result<Marked, GcError> {
    let left = all_indexes(store.base(), watch)?;
    let mut marker = Marker {
        store,
        watch,
        digests: Digests::new(store.base(), digests_max),
        total: left.len(),
        left,
        before,
        read: BTreeMap::new(),
        percent_told: 0,
        report: GcReport::default(),
    };
    marker.groups()?;
    marker.strays()?;
    marker.moved()?;
    marker.touch_all()
}

impl Marker<'_> {
    /// All groups, those too that came while others were read.
    fn groups(&mut self) -> Result<(), GcError> {
        let mut seen = BTreeSet::new();
        loop {
            let mut news = false;
            for ns in self.store.namespaces(&Namespace::root(), None)? {
                let groups = match self.store.groups(&ns) {
                    Ok(groups) => groups,
                    // Removed since it was listed.
                    Err(_) if !self.store.namespace_exists(&ns) => continue,
                    Err(error) => return Err(error.into()),
                };
                for group in groups {
                    if seen.insert((ns.clone(), group.clone())) {
                        news = true;
                        self.group(&ns, &group)?;
                    }
                }
            }
            if !news {
                return Ok(());
            }
        }
    }

    fn group(&mut self, ns: &Namespace, group: &Group) -> Result<(), GcError> {
        for _ in 0..READINGS_MAX {
            if self.read_group(ns, group)? == Reading::Nothing {
                return Ok(());
            }
        }
        // Nothing new can be finished while the group is held.
        let restless = || GcError::Restless {
            group: group.clone(),
        };
        let _held = self.store.try_lock_group(ns, group)?.ok_or_else(restless)?;
        self.read_group(ns, group)?;
        match self.read_group(ns, group)? {
            Reading::Nothing => Ok(()),
            Reading::News => Err(restless()),
        }
    }

    /// Reads every index of a group that was not read yet. Each snapshot builds on one before it: when a reading finds nothing new, then
    /// whatever comes later names chunks that were marked here, or that its own session marks.
    fn read_group(&mut self, ns: &Namespace, group: &Group) -> Result<Reading, GcError> {
        let times = match self.store.snapshot_times(ns, group) {
            Ok(times) => times,
            Err(_) if !self.store.group_exists(ns, group) => return Ok(Reading::Nothing),
            Err(error) => return Err(error.into()),
        };
        let mut reading = Reading::Nothing;
        for time in times.into_iter().rev() {
            let folder = self.store.snapshot_path(ns, &group.at(time));
            for path in indexes_in(&folder)? {
                if self.read_if_new(&path)? {
                    reading = Reading::News;
                }
            }
        }
        Ok(reading)
    }

    /// Whether there was something to read, or would have been, had it not vanished.
    fn read_if_new(&mut self, path: &Path) -> Result<bool, GcError> {
        if self.watch.stopped() {
            return Err(GcError::Stopped);
        }
        self.read_now(path)
    }

    fn read_now(&mut self, path: &Path) -> Result<bool, GcError> {
        let relative = path
            .strip_prefix(self.store.base())
            .unwrap_or(path)
            .to_path_buf();
        let Some(kind) = path.file_name().and_then(|name| Kind::of(name.as_bytes())) else {
            return Ok(false);
        };
        let failed = |source| GcError::ReadIndex {
            path: path.to_path_buf(),
            source,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(failed(error)),
        };
        let stat = file.metadata().map_err(failed)?;
        let identity = Identity::of(&stat);
        if self.read.get(&relative) == Some(&identity) {
            return Ok(false);
        }
        if !self.before.contains(&relative, &identity) {
            self.read_index(file, path, kind)?;
        }
        self.left.remove(&relative);
        self.read.insert(relative, identity);
        self.tell();
        Ok(true)
    }

    fn read_index(&mut self, file: File, path: &Path, kind: Kind) -> Result<(), GcError> {
        let Marker {
            store,
            watch,
            digests,
            report,
            ..
        } = self;
        let size = index_file::read::<GcError>(file, path, kind, &mut |digest| {
            let Err(overflow) = digests.insert(digest) else {
                return Ok(());
            };
            // Some chunks may be touched twice then.
            watch.log(&format!(
                "no room for a list of digests ({}), marking {} chunks now",
                overflow.cause,
                overflow.digests.len()
            ));
            for digest in overflow.digests {
                touch(store, *watch, &digest, report)?;
            }
            Ok(())
        })?;
        self.report.index_files += 1;
        self.report.index_bytes += size;
        Ok(())
    }

    fn tell(&mut self) {
        let done = self.read.len();
        let total = self.total.max(done);
        let percent = done * 100 / total;
        if percent > self.percent_told {
            self.watch.log(&format!(
                "marked {percent}% ({done} of {total} index files)"
            ));
            self.percent_told = percent;
        }
        self.watch.progress(done as u64, total as u64);
    }

    /// What is left of the first list, and is still there.
    fn strays(&mut self) -> Result<(), GcError> {
        let mut strays = 0;
        for relative in std::mem::take(&mut self.left) {
            let path = self.store.base().join(relative);
            let before = self.read.len();
            self.read_if_new(&path)?;
            strays += self.read.len() - before;
        }
        if strays > 0 {
            self.watch.warn(&format!(
                "found {strays} index files outside of the expected directories; their chunks are kept"
            ));
        }
        Ok(())
    }

    /// What was moved while groups were read, from one that was not read yet to one that was. Most of it is read while others may go on
    /// moving; then nothing moves until what was told since is read.
    fn moved(&mut self) -> Result<(), GcError> {
        let (lines, end) = move_journal::so_far(self.store)?;
        for path in lines {
            self.read_if_new(&path?)?;
        }
        let journal = move_journal::Journal::lock(self.store)?;
        for path in journal.lines(end)? {
            self.read_now(&path?)?;
        }
        Ok(journal.clear()?)
    }

    fn touch_all(mut self) -> Result<Marked, GcError> {
        let base = self.store.base();
        let failed = |source| GcError::Spill {
            path: base.to_path_buf(),
            source,
        };
        self.report.hits = self.digests.hits;
        self.report.misses = self.digests.misses;
        for digest in self.digests.into_sorted().map_err(failed)? {
            if self.watch.stopped() {
                return Err(GcError::Stopped);
            }
            touch(
                self.store,
                self.watch,
                &digest.map_err(failed)?,
                &mut self.report,
            )?;
        }
        let missing = self.report.missing_chunks;
        if missing > MISSING_TOLD {
            self.watch
                .warn(&format!("{missing} chunks are missing in all"));
        }
        let mut seen = self.before;
        for (relative, identity) in &self.read {
            seen.add(relative, identity);
        }
        Ok(Marked {
            report: self.report,
            seen,
        })
    }
}

fn touch(
    store: &Datastore,
    watch: &dyn Watch,
    digest: &Digest,
    report: &mut GcReport,
) -> Result<(), GcError> {
    report.marked_chunks += 1;
    if store.chunks().touch(digest)? {
        return Ok(());
    }
    report.missing_chunks += 1;
    let aside = store.chunks().touch_aside(digest)?;
    if report.missing_chunks <= MISSING_TOLD {
        watch.warn(&format!(
            "chunk {digest} is missing{}; a verify tells whose it is",
            if aside {
                ", a damaged one was set aside"
            } else {
                ""
            }
        ));
    }
    Ok(())
}

/// Full paths of a snapshot's index files; nothing if it is gone.
fn indexes_in(folder: &Path) -> Result<Vec<PathBuf>, GcError> {
    let failed = |source| GcError::List {
        path: folder.to_path_buf(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut indexes = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if Kind::of(entry.file_name().as_bytes()).is_some() && !is_odd(&entry) {
            indexes.push(entry.path());
        }
    }
    indexes.sort();
    Ok(indexes)
}

/// Neither links nor folders are indexes, whatever they are called.
fn is_odd(entry: &fs::DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| !kind.is_file())
}

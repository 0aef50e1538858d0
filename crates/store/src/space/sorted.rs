//! Sorts any number of (chunk, snapshot) pairs in a fixed amount of memory: what does not fit goes as sorted records to files without a name, and
//! all of them are merged in one pass. What a pass gives for a chunk is everything that any source says of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use format::Digest;

use super::records::Record;
use crate::files::random_suffix;

/// So many files are merged into one; each has a buffer while they are.
const RUNS_MAX: usize = 16;
const BUFFER: usize = 1 << 16;

/// Records in order.
pub(super) trait Records {
    /// Nothing after the last one.
    fn next(&mut self) -> io::Result<Option<Record>>;
}

impl<R: BufRead> Records for R {
    fn next(&mut self) -> io::Result<Option<Record>> {
        Record::read(self)
    }
}

/// Pairs on their way into order.
pub(super) struct Pairs {
    folder: PathBuf,
    max: usize,
    held: Vec<(Digest, u32)>,
    runs: Vec<File>,
}

impl Pairs {
    /// At most `max` pairs in memory, some 40 bytes each; files go to `folder`.
    pub(super) fn new(folder: &Path, max: usize) -> Pairs {
        Pairs {
            folder: folder.to_path_buf(),
            max: max.max(1),
            held: Vec::new(),
            runs: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, digest: Digest, snapshot: u32) -> io::Result<()> {
        if self.held.len() >= self.max {
            // Within one snapshot many chunks repeat.
            self.sort();
            if self.held.len() > self.max / 2 {
                self.spill()?;
            }
        }
        self.held.push((digest, snapshot));
        Ok(())
    }

    fn sort(&mut self) {
        self.held.sort_unstable();
        self.held.dedup();
    }

    fn spill(&mut self) -> io::Result<()> {
        let held = Held::new(std::mem::take(&mut self.held));
        let run = write_run(&self.folder, held.map(Ok))?;
        self.runs.push(run);
        if self.runs.len() >= RUNS_MAX {
            let merge = Merge::new(None::<BufReader<File>>, &mut self.runs, Vec::new())?;
            let run = write_run(&self.folder, merge)?;
            self.runs = vec![run];
        }
        Ok(())
    }

    /// All pairs as records, together with those of `kept`, whose sizes count.
    pub(super) fn merged<R: Records>(mut self, kept: Option<R>) -> io::Result<Merge<R>> {
        self.sort();
        Merge::new(kept, &mut self.runs, self.held)
    }
}

fn write_run(folder: &Path, records: impl Iterator<Item = io::Result<Record>>) -> io::Result<File> {
    let path = folder.join(format!(".space-run.tmp_{}", random_suffix()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    fs::remove_file(&path)?;
    let mut out = BufWriter::with_capacity(BUFFER, file);
    for record in records {
        record?.write(&mut out)?;
    }
    out.flush()?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Sorted pairs as records without sizes.
struct Held(std::iter::Peekable<std::vec::IntoIter<(Digest, u32)>>);

impl Held {
    fn new(pairs: Vec<(Digest, u32)>) -> Held {
        Held(pairs.into_iter().peekable())
    }
}

impl Iterator for Held {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (digest, first) = self.0.next()?;
        let mut snapshots = vec![first];
        while let Some((_, snapshot)) = self.0.next_if(|(next, _)| *next == digest) {
            snapshots.push(snapshot);
        }
        Some(Record {
            digest,
            size: 0,
            snapshots,
        })
    }
}

enum Source<R> {
    Kept(R),
    Run(BufReader<File>),
    Memory(Held),
}

impl<R: Records> Source<R> {
    fn next(&mut self) -> io::Result<Option<Record>> {
        match self {
            Source::Kept(input) => input.next(),
            Source::Run(input) => Record::read(input),
            Source::Memory(held) => Ok(held.next()),
        }
    }
}

/// All sources as one, in order, each digest once.
pub(super) struct Merge<R> {
    sources: Vec<Source<R>>,
    /// The next record of each source.
    heads: Vec<Option<Record>>,
    order: BinaryHeap<Reverse<(Digest, usize)>>,
}

impl<R: Records> Merge<R> {
    fn new(kept: Option<R>, runs: &mut [File], held: Vec<(Digest, u32)>) -> io::Result<Merge<R>> {
        let mut sources: Vec<Source<R>> = kept.into_iter().map(Source::Kept).collect();
        for run in runs {
            run.seek(SeekFrom::Start(0))?;
            let input = BufReader::with_capacity(BUFFER, run.try_clone()?);
            sources.push(Source::Run(input));
        }
        sources.push(Source::Memory(Held::new(held)));
        let mut merge = Merge {
            heads: vec![None; sources.len()],
            sources,
            order: BinaryHeap::new(),
        };
        for place in 0..merge.sources.len() {
            merge.refill(place)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, place: usize) -> io::Result<()> {
        let next = self.sources[place].next()?;
        if let Some(record) = &next {
            self.order.push(Reverse((record.digest, place)));
        }
        self.heads[place] = next;
        Ok(())
    }

    fn take(&mut self, place: usize) -> io::Result<Record> {
        let record = self.heads[place].take();
        self.refill(place)?;
        record.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn advance(&mut self) -> io::Result<Option<Record>> {
        let Some(Reverse((digest, place))) = self.order.pop() else {
            return Ok(None);
        };
        let mut record = self.take(place)?;
        while let Some(Reverse((next, place))) = self.order.peek().copied() {
            if next != digest {
                // A source out of order is a damaged one.
                if next < digest {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                break;
            }
            self.order.pop();
            let more = self.take(place)?;
            record.size = record.size.max(more.size);
            record.snapshots.extend(more.snapshots);
        }
        record.snapshots.sort_unstable();
        record.snapshots.dedup();
        Ok(Some(record))
    }
}

impl<R: Records> Iterator for Merge<R> {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<io::Result<Record>> {
        self.advance().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// However little memory there is, the records are the same.
        #[test]
        fn as_a_map(pairs in prop::collection::vec((0u8..60, 0u32..9), 0..500), max in 1usize..60) {
            let dir = tempfile::tempdir().unwrap();
            let mut sorted = Pairs::new(dir.path(), max);
            let mut expected: BTreeMap<Digest, BTreeSet<u32>> = BTreeMap::new();
            for (n, snapshot) in pairs {
                let digest = Digest::of(&[n]);
                sorted.push(digest, snapshot).unwrap();
                prop_assert!(sorted.held.len() <= max && sorted.runs.len() < RUNS_MAX);
                expected.entry(digest).or_default().insert(snapshot);
            }
            let found: Vec<Record> = sorted.merged(None::<&[u8]>).unwrap().map(Result::unwrap).collect();
            let expected: Vec<Record> = expected
                .into_iter()
                .map(|(digest, snapshots)| Record { digest, size: 0, snapshots: snapshots.into_iter().collect() })
                .collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "files are left");
        }
    }
}

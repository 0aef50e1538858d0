//! A set of digests of any size in a fixed amount of memory, given back in order, each once.
//!
//! As many as are allowed are held in memory. Further ones go to sorted files that have no name any more, so that nothing is left of them
//! whatever happens; several files are merged into one, so that together they grow with the number of different digests only.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use format::Digest;

use crate::files::random_suffix;

/// So many files are merged into one; each has a buffer while they are.
const RUNS_MAX: usize = 8;
const BUFFER: usize = 1 << 16;

pub(super) struct Digests {
    folder: PathBuf,
    max: usize,
    held: HashSet<Digest>,
    runs: Vec<File>,
    pub(super) hits: u64,
    pub(super) misses: u64,
}

/// Digests that had to leave memory and could not be written to a file. They are sorted; whoever gets them handles them at once.
pub(super) struct Overflow {
    pub(super) digests: Vec<Digest>,
    pub(super) cause: io::Error,
}

impl Digests {
    /// Files go to `folder`.
    pub(super) fn new(folder: &Path, max: usize) -> Digests {
        Digests {
            folder: folder.to_path_buf(),
            max: max.max(1),
            held: HashSet::new(),
            runs: Vec::new(),
            hits: 0,
            misses: 0,
        }
    }

    /// Adds a digest. If memory and disk are full, the answer is what was held until now, and the set has forgotten it.
    pub(super) fn insert(&mut self, digest: &Digest) -> Result<(), Overflow> {
        if self.held.contains(digest) {
            self.hits += 1;
            return Ok(());
        }
        self.misses += 1;
        let spilled = match self.held.len() >= self.max {
            true => self.spill(),
            false => Ok(()),
        };
        self.held.insert(*digest);
        spilled
    }

    fn spill(&mut self) -> Result<(), Overflow> {
        let digests = self.take_held();
        let written = write_run(&self.folder, digests.iter().copied().map(Ok));
        match written {
            Ok(run) => self.runs.push(run),
            Err(cause) => return Err(Overflow { digests, cause }),
        }
        if self.runs.len() >= RUNS_MAX {
            self.merge_runs();
        }
        Ok(())
    }

    /// Merges all files into one. If there is no room for that they stay as they are: more of them are slower, not wrong.
    fn merge_runs(&mut self) {
        let merged =
            Merge::new(&mut self.runs, Vec::new()).and_then(|merge| write_run(&self.folder, merge));
        if let Ok(run) = merged {
            self.runs = vec![run];
        }
    }

    fn take_held(&mut self) -> Vec<Digest> {
        let mut digests: Vec<Digest> = self.held.drain().collect();
        digests.sort_unstable();
        digests
    }

    /// All of them in order, each once.
    pub(super) fn into_sorted(mut self) -> io::Result<impl Iterator<Item = io::Result<Digest>>> {
        let held = self.take_held();
        Merge::new(&mut self.runs, held)
    }
}

fn write_run(folder: &Path, digests: impl Iterator<Item = io::Result<Digest>>) -> io::Result<File> {
    let path = folder.join(format!(".gc-digests.tmp_{}", random_suffix()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    fs::remove_file(&path)?;
    let mut out = BufWriter::with_capacity(BUFFER, file);
    for digest in digests {
        out.write_all(digest?.as_bytes())?;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Where the digests of a merge come from.
enum Source {
    Memory(std::vec::IntoIter<Digest>),
    Run(BufReader<File>),
}

impl Source {
    fn next(&mut self) -> io::Result<Option<Digest>> {
        match self {
            Source::Memory(digests) => Ok(digests.next()),
            Source::Run(run) => {
                let mut digest = Digest::ZERO;
                match run.read_exact(&mut digest.0) {
                    Ok(()) => Ok(Some(digest)),
                    // Whole digests were written, so the end comes after a whole one.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

/// Sorted sources as one, repeated digests once.
struct Merge {
    sources: Vec<Source>,
    next: BinaryHeap<Reverse<(Digest, usize)>>,
    last: Option<Digest>,
}

impl Merge {
    /// Leaves the files usable for another merge.
    fn new(runs: &mut [File], held: Vec<Digest>) -> io::Result<Merge> {
        let mut sources = vec![Source::Memory(held.into_iter())];
        for run in runs {
            run.seek(SeekFrom::Start(0))?;
            sources.push(Source::Run(BufReader::with_capacity(
                BUFFER,
                run.try_clone()?,
            )));
        }
        let mut next = BinaryHeap::new();
        for (place, source) in sources.iter_mut().enumerate() {
            if let Some(digest) = source.next()? {
                next.push(Reverse((digest, place)));
            }
        }
        Ok(Merge {
            sources,
            next,
            last: None,
        })
    }

    fn advance(&mut self) -> io::Result<Option<Digest>> {
        while let Some(Reverse((digest, place))) = self.next.pop() {
            if let Some(following) = self.sources[place].next()? {
                self.next.push(Reverse((following, place)));
            }
            if self.last != Some(digest) {
                self.last = Some(digest);
                return Ok(Some(digest));
            }
        }
        Ok(None)
    }
}

impl Iterator for Merge {
    type Item = io::Result<Digest>;

    fn next(&mut self) -> Option<io::Result<Digest>> {
        self.advance().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn digest(n: u16) -> Digest {
        Digest::of(&n.to_le_bytes())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        /// However little memory there is, the set is the same.
        #[test]
        fn as_a_set(numbers in prop::collection::vec(0u16..300, 0..600), max in 1usize..80) {
            let dir = tempfile::tempdir().unwrap();
            let mut digests = Digests::new(dir.path(), max);
            for n in &numbers {
                prop_assert!(digests.insert(&digest(*n)).is_ok());
                prop_assert!(digests.held.len() <= max);
                prop_assert!(digests.runs.len() < RUNS_MAX);
            }
            prop_assert_eq!(digests.hits + digests.misses, numbers.len() as u64);
            let sorted: io::Result<Vec<Digest>> = digests.into_sorted().unwrap().collect();
            let expected: BTreeSet<Digest> = numbers.iter().map(|n| digest(*n)).collect();
            prop_assert_eq!(sorted.unwrap(), expected.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "files are left");
        }
    }

    /// The disk is full: that is when garbage must be collected.
    #[test]
    fn without_room_for_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut digests = Digests::new(&dir.path().join("missing"), 10);
        let mut given_back = BTreeSet::new();
        for n in 0..25 {
            if let Err(overflow) = digests.insert(&digest(n)) {
                assert!(overflow.digests.is_sorted());
                given_back.extend(overflow.digests);
            }
        }
        assert_eq!(given_back.len(), 20);
        given_back.extend(digests.into_sorted().unwrap().map(Result::unwrap));
        assert_eq!(given_back, (0..25).map(digest).collect());
    }
}

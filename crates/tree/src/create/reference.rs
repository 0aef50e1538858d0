//! The previous archive's metadata beside the walk: both are in the order of names, so one pass over it finds every member.
//!
//! The walk tells which directories it enters and leaves and asks for files by their names, in their order; the reader moves on
//! as far as it must. What comes in another order is not found, and nothing is found any more once the archive turns out to be
//! damaged: then files are read, which is always right.

use std::io::BufRead;

use pxar::{DecodeError, Decoder, EntryKind, Metadata, PayloadRef, Step};

pub(super) struct PreviousTree<'a> {
    decoder: Decoder<Box<dyn BufRead + 'a>>,
    /// The decoder stands at a member that nobody has asked for yet.
    pending: bool,
    /// For each directory of the walk: is it there, and not read to its end?
    levels: Vec<Level>,
    /// Why nothing is found any more.
    failure: Option<DecodeError>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Open,
    /// All members were read.
    Ended,
    Absent,
}

impl<'a> PreviousTree<'a> {
    /// Reads the root, which is that of the walk.
    pub(super) fn open(metadata: Box<dyn BufRead + 'a>) -> PreviousTree<'a> {
        let mut decoder = Decoder::new(metadata);
        let (level, failure) = match decoder.advance() {
            Ok(Some(Step::Entry)) => (Level::Open, None),
            Ok(_) => (Level::Absent, None),
            Err(error) => (Level::Absent, Some(error)),
        };
        PreviousTree {
            decoder,
            pending: false,
            levels: vec![level],
            failure,
        }
    }

    /// What went wrong with the archive, once.
    pub(super) fn take_failure(&mut self) -> Option<DecodeError> {
        self.failure.take()
    }

    /// A regular file with data of its own, by its name in the present directory.
    pub(super) fn file(&mut self, name: &[u8]) -> Option<(&Metadata, PayloadRef)> {
        if !self.seek(name) {
            return None;
        }
        let reference = self.decoder.payload_ref()?;
        Some((&self.decoder.entry().metadata, reference))
    }

    /// The walk goes down into a directory.
    pub(super) fn enter(&mut self, name: &[u8]) {
        let is_there = self.seek(name) && self.decoder.entry().kind == EntryKind::Directory;
        if is_there {
            self.pending = false;
        }
        let level = if is_there { Level::Open } else { Level::Absent };
        self.levels.push(level);
    }

    /// The walk leaves the directory it is in.
    pub(super) fn leave(&mut self) {
        if self.levels.last() == Some(&Level::Open) {
            while self.next_member() {
                self.pass();
            }
        }
        self.levels.pop();
    }

    /// Moves to the member of that name in the present directory, if it is still ahead.
    fn seek(&mut self, name: &[u8]) -> bool {
        if self.levels.last() != Some(&Level::Open) {
            return false;
        }
        while self.next_member() {
            match self.decoder.entry().name[..].cmp(name) {
                std::cmp::Ordering::Less => self.pass(),
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Greater => return false,
            }
        }
        false
    }

    /// Makes sure that a member of the present directory is pending; false at its end.
    fn next_member(&mut self) -> bool {
        if self.levels.last() != Some(&Level::Open) {
            return false;
        }
        if !self.pending {
            match self.decoder.advance() {
                Ok(Some(Step::Entry)) => self.pending = true,
                Ok(Some(Step::Leave) | None) => {
                    if let Some(level) = self.levels.last_mut() {
                        *level = Level::Ended;
                    }
                }
                Err(error) => self.fail(error),
            }
        }
        self.pending
    }

    /// Goes behind the pending member, with all that is in it if it is a directory.
    fn pass(&mut self) {
        self.pending = false;
        let mut depth = usize::from(self.decoder.entry().is_dir());
        while depth > 0 {
            match self.decoder.advance() {
                Ok(Some(Step::Entry)) => depth += usize::from(self.decoder.entry().is_dir()),
                Ok(Some(Step::Leave)) => depth -= 1,
                Ok(None) => return,
                Err(error) => return self.fail(error),
            }
        }
    }

    fn fail(&mut self, error: DecodeError) {
        self.pending = false;
        self.failure = Some(error);
        self.levels.fill(Level::Absent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pxar::Encoder;

    const DIR: u64 = 0o040_755;
    const FILE: u64 = 0o100_644;

    fn metadata(mode: u64) -> Metadata {
        Metadata {
            mode,
            ..Metadata::default()
        }
    }

    /// `b/` with `b/x`, `d/` with `d/e/` and `d/e/y`, and files `a`, `c`, `f`.
    fn archive() -> Vec<u8> {
        let root = metadata(DIR);
        let mut encoder = Encoder::split(Vec::new(), Vec::new(), None, &root).expect("root");
        let file = |encoder: &mut Encoder<Vec<u8>, Vec<u8>>, name: &[u8]| {
            let none = &mut |_: &mut [u8]| Ok(0);
            encoder
                .add_file(name, &metadata(FILE), 0, none)
                .expect("file");
        };
        file(&mut encoder, b"a");
        encoder.create_dir(b"b", &root).expect("dir");
        file(&mut encoder, b"x");
        encoder.finish_dir().expect("open");
        file(&mut encoder, b"c");
        encoder.create_dir(b"d", &root).expect("dir");
        encoder.create_dir(b"e", &root).expect("dir");
        file(&mut encoder, b"y");
        encoder.finish_dir().expect("open");
        encoder.finish_dir().expect("open");
        file(&mut encoder, b"f");
        encoder.finish_split().expect("end").0
    }

    /// `name` asks for a file, `name/` enters, `..` leaves; the answers are offsets.
    fn ask(archive: &[u8], steps: &[&str]) -> Vec<Option<u64>> {
        let mut tree = PreviousTree::open(Box::new(archive));
        let mut answers = Vec::new();
        for step in steps {
            match step.strip_suffix('/') {
                _ if *step == ".." => tree.leave(),
                Some(dir) => tree.enter(dir.as_bytes()),
                None => answers.push(tree.file(step.as_bytes()).map(|found| found.1.offset)),
            }
        }
        answers
    }

    #[test]
    fn members_are_found_in_their_order() {
        let archive = archive();
        let (a, x, c, y, f) = (Some(16), Some(32), Some(48), Some(64), Some(80));
        let rows: [(&[&str], Vec<Option<u64>>); 9] = [
            (
                &["a", "b/", "x", "..", "c", "d/", "e/", "y", "..", "..", "f"],
                vec![a, x, c, y, f],
            ),
            (&["c", "f"], vec![c, f]),
            (&["f"], vec![f]),
            (
                &["a", "aa", "b/", "w", "x", "z", "..", "c"],
                vec![a, None, None, x, None, c],
            ),
            (&["b/", "..", "c", "d/", "..", "f"], vec![c, f]),
            (
                &["new/", "x", "deep/", "y", "..", "..", "f"],
                vec![None, None, None],
            ),
            (
                &["aa/", "x", "..", "b/", "x", "..", "f", "g"],
                vec![None, x, f, None],
            ),
            (&["a/", "x", "..", "c"], vec![None, c]),
            (
                &["b", "d/", "e/", "..", "e", "..", "f"],
                vec![None, None, f],
            ),
        ];
        for (steps, expected) in rows {
            assert_eq!(ask(&archive, steps), expected, "{steps:?}");
        }
    }

    #[test]
    fn nothing_is_found_in_a_damaged_archive() {
        let archive = archive();
        for len in 0..archive.len() {
            let found = ask(&archive[..len], &["a", "b/", "x", "..", "f"]);
            assert!(found.len() == 3);
        }
        let mut tree = PreviousTree::open(Box::new(&b"no archive at all, but some text"[..]));
        assert!(tree.file(b"a").is_none());
        assert!(tree.take_failure().is_some() && tree.take_failure().is_none());
    }
}

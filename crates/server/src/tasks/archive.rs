//! The finished tasks on disk (protocol.md 7.3, server.md 4.8): `archive`, and what was put away when it had grown, `archive.1.zst` the youngest.
//! Lines stand in the order of their ends. Changes are made under the lock of `index`.
//!
//! Putting away renames first and compresses then, so whatever a crash leaves holds every line once: a file with a number that is not compressed
//! yet counts until its compressed form has its name.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::tasks::TaskError;

/// The archive is put away when it is larger.
const FILE_BYTES_MAX: u64 = 524_287;
/// Files put away and kept.
const FILES_KEPT: u32 = 20;
/// Most of a compressed file that is read: what we put away is hardly larger than [`FILE_BYTES_MAX`].
const PLAIN_BYTES_MAX: u64 = 16 << 20;
/// The archive is read backwards in pieces of this size.
const PIECE_BYTES: u64 = 64 << 10;

/// The files, by the first one's path.
#[derive(Debug, Clone)]
pub struct Archive {
    path: PathBuf,
}

impl Archive {
    pub fn new(folder: &Path) -> Archive {
        Archive {
            path: folder.join("archive"),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn plain(&self, number: u32) -> PathBuf {
        self.path.with_extension(number.to_string())
    }

    fn packed(&self, number: u32) -> PathBuf {
        self.path.with_extension(format!("{number}.zst"))
    }

    /// Puts the archive away if it has grown to its limit; whether it did.
    pub fn rotate(&self) -> Result<bool, TaskError> {
        self.rotate_at(FILE_BYTES_MAX, FILES_KEPT)
    }

    fn rotate_at(&self, bytes_max: u64, kept: u32) -> Result<bool, TaskError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() > bytes_max => {}
            Ok(_) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(TaskError::file("look at", &self.path)(e)),
        }
        for number in (1..kept).rev() {
            rename(&self.packed(number), &self.packed(number + 1))?;
            rename(&self.plain(number), &self.plain(number + 1))?;
        }
        rename(&self.path, &self.plain(1))?;
        for number in 1..=kept {
            self.pack(number)?;
        }
        Ok(true)
    }

    /// Compresses a file with a number, if there is one that is not.
    fn pack(&self, number: u32) -> Result<(), TaskError> {
        let (plain, packed) = (self.plain(number), self.packed(number));
        let mut source = match File::open(&plain) {
            Ok(source) => source,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(TaskError::file("open", &plain)(e)),
        };
        let temp = packed.with_extension("tmp");
        let mut pack = || {
            let target = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o640)
                .open(&temp)?;
            let mut encoder = zstd::Encoder::new(target, 0)?;
            io::copy(&mut source, &mut encoder)?;
            encoder.finish()?.sync_all()?;
            fs::rename(&temp, &packed)?;
            fs::remove_file(&plain)
        };
        pack().map_err(TaskError::file("put away", &plain))
    }

    /// All lines, the last one first. Files that are put away meanwhile are still read, as they were.
    pub fn lines(&self) -> Result<Lines, TaskError> {
        let mut files = VecDeque::new();
        for (path, is_packed) in std::iter::once((self.path.clone(), false))
            .chain((1..=FILES_KEPT).flat_map(|n| [(self.packed(n), true), (self.plain(n), false)]))
        {
            // Renamed already, not removed yet.
            let twice = !is_packed && path != self.path && {
                files
                    .back()
                    .is_some_and(|(last, _, _): &(PathBuf, bool, File)| {
                        *last
                            == path.with_extension(format!(
                                "{}.zst",
                                path.extension().unwrap_or_default().to_string_lossy()
                            ))
                    })
            };
            match File::open(&path) {
                Ok(_) if twice => {}
                Ok(file) => files.push_back((path, is_packed, file)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(TaskError::file("open", &path)(e)),
            }
        }
        Ok(Lines {
            files,
            current: None,
        })
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), TaskError> {
    match fs::rename(from, to) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(TaskError::file("rename", from)(e)),
        _ => Ok(()),
    }
}

/// Lines of several files, from the end of the first one on.
pub struct Lines {
    files: VecDeque<(PathBuf, bool, File)>,
    current: Option<(PathBuf, LinesFromEnd)>,
}

impl Lines {
    fn open(&mut self) -> io::Result<bool> {
        let Some((path, is_packed, file)) = self.files.pop_front() else {
            return Ok(false);
        };
        let lines = if is_packed {
            let mut plain = Vec::new();
            zstd::Decoder::new(file)?
                .take(PLAIN_BYTES_MAX)
                .read_to_end(&mut plain)?;
            LinesFromEnd::held(plain)
        } else {
            LinesFromEnd::new(file)?
        };
        self.current = Some((path, lines));
        Ok(true)
    }
}

impl Iterator for Lines {
    type Item = Result<String, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, lines)) = &mut self.current {
                if let Some(line) = lines.next() {
                    return Some(line.map_err(TaskError::file("read", path)));
                }
                self.current = None;
            }
            let path = self.files.front()?.0.clone();
            match self.open() {
                Ok(true) => {}
                Ok(false) => return None,
                // One damaged file of old tasks does not hide the others.
                Err(e) => tracing::warn!("cannot read {}: {e}", path.display()),
            }
        }
    }
}

/// The lines of a file, the last one first.
struct LinesFromEnd {
    file: Option<File>,
    /// Where the bytes in `held` start in the file.
    start: u64,
    held: Vec<u8>,
}

impl LinesFromEnd {
    fn new(file: File) -> io::Result<LinesFromEnd> {
        Ok(LinesFromEnd {
            start: file.metadata()?.len(),
            file: Some(file),
            held: Vec::new(),
        })
    }

    /// Over bytes that are there.
    fn held(held: Vec<u8>) -> LinesFromEnd {
        LinesFromEnd {
            file: None,
            start: 0,
            held,
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let n = self.start.min(PIECE_BYTES);
        self.start -= n;
        file.seek(SeekFrom::Start(self.start))?;
        let mut piece = Vec::new();
        file.take(n).read_to_end(&mut piece)?;
        piece.append(&mut self.held);
        self.held = piece;
        Ok(())
    }
}

impl Iterator for LinesFromEnd {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<io::Result<String>> {
        loop {
            let end = self.held.len() - usize::from(self.held.ends_with(b"\n"));
            let found = self.held[..end].iter().rposition(|&b| b == b'\n');
            if let Some(at) =
                found
                    .map(|at| at + 1)
                    .or(if self.start == 0 { Some(0) } else { None })
            {
                if self.held.is_empty() {
                    return None;
                }
                let line = String::from_utf8_lossy(&self.held[at..end]).into_owned();
                self.held.truncate(at);
                return Some(Ok(line));
            }
            if let Err(e) = self.read_more() {
                self.start = 0;
                self.held.clear();
                return Some(Err(e));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(archive: &Archive) -> Vec<String> {
        let lines = archive.lines().expect("lines");
        lines.map(|line| line.expect("line")).collect()
    }

    #[test]
    fn lines_come_from_the_end() {
        let folder = tempfile::tempdir().expect("tempdir");
        let archive = Archive::new(folder.path());
        for text in [
            "",
            "a\n",
            "a",
            "a\nb\n",
            "\n\nx\n",
            &"0123456789abcdef\n".repeat(10_000),
        ] {
            fs::write(archive.path(), text).expect("write");
            let mut expected: Vec<&str> = text.lines().collect();
            expected.reverse();
            assert!(all(&archive) == expected, "{} lines", expected.len());
        }
    }

    /// The list of finished tasks grew without end.
    #[test]
    fn the_archive_is_put_away_and_still_read() {
        let folder = tempfile::tempdir().expect("tempdir");
        let archive = Archive::new(folder.path());
        let mut written = Vec::new();
        for number in 0..10 {
            let line = format!("line {number}");
            fs::write(archive.path(), format!("{line}\n")).expect("write");
            written.push(line);
            assert!(!archive.rotate_at(7, 3).expect("small enough"));
            assert!(archive.rotate_at(6, 3).expect("rotate"));
        }
        written.reverse();
        assert_eq!(all(&archive), written[..3], "the oldest are gone");
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .expect("list")
            .map(|entry| entry.expect("entry").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["archive.1.zst", "archive.2.zst", "archive.3.zst"]);
    }

    #[test]
    fn a_crash_in_between_loses_and_doubles_nothing() {
        let folder = tempfile::tempdir().expect("tempdir");
        let archive = Archive::new(folder.path());
        let packed = |text: &str| zstd::encode_all(text.as_bytes(), 0).expect("zstd");
        // Renamed, not compressed yet.
        fs::write(archive.plain(1), "b\nc\n").expect("write");
        fs::write(archive.packed(2), packed("a\n")).expect("write");
        assert_eq!(all(&archive), ["c", "b", "a"]);
        // Compressed, and the plain one not removed yet.
        fs::write(archive.packed(1), packed("b\nc\n")).expect("write");
        assert_eq!(all(&archive), ["c", "b", "a"]);
        fs::write(archive.path(), "d\n").expect("write");
        assert!(archive.rotate_at(1, 3).expect("rotate"));
        assert_eq!(all(&archive), ["d", "c", "b", "a"]);
        // Rubbish in one hides none of the others.
        fs::write(archive.packed(2), "rubbish").expect("write");
        assert_eq!(all(&archive), ["d", "a"]);
    }
}

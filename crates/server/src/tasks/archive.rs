//! The finished tasks on disk (protocol.md 7.3, server.md 4.8): `archive`, and what was put away when it had grown, `archive.1.zst` the youngest.
//! Lines stand in the order of their ends. Changes are made under the lock of `index`.
//!
//! Putting away renames first and compresses then, so whatever a crash leaves holds every line once: a file with a number that is not compressed
//! yet counts until its compressed form has its name.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::tasks::TaskError;
use config::owner;

/// The archive is put away when it is larger.
const FILE_BYTES_MAX: u64 = 524_287;
/// Files put away and kept, unless they are kept by age.
const FILES_KEPT: u32 = 20;
/// Most files that are kept by age; a list is read from all of them.
const FILES_MAX: u32 = 1000;
const DAY_S: i64 = 86_400;
/// Most of a compressed file that is read: what we put away is hardly larger than [`FILE_BYTES_MAX`].
const PLAIN_BYTES_MAX: u64 = 16 << 20;
/// The archive is read backwards in pieces of this size.
const PIECE_BYTES: u64 = 64 << 10;

/// Which of the files that were put away are kept (server.md 4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The youngest ones.
    Files(u32),
    /// Those with a task that ended in so many days.
    Days(u32),
}

impl Kept {
    /// What ended before this is not kept, if age decides.
    pub fn since(self, now: i64) -> Option<i64> {
        match self {
            Kept::Files(_) => None,
            Kept::Days(days) => Some(now.saturating_sub(i64::from(days) * DAY_S)),
        }
    }
}

impl Default for Kept {
    fn default() -> Kept {
        Kept::Files(FILES_KEPT)
    }
}

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
        self.rotate_at(FILE_BYTES_MAX)
    }

    fn rotate_at(&self, bytes_max: u64) -> Result<bool, TaskError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.len() > bytes_max => {}
            Ok(_) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(TaskError::file("look at", &self.path)(e)),
        }
        let numbers = self.numbers()?;
        for number in numbers.iter().rev() {
            rename(&self.packed(*number), &self.packed(number + 1))?;
            rename(&self.plain(*number), &self.plain(number + 1))?;
        }
        rename(&self.path, &self.plain(1))?;
        for number in self.numbers()? {
            self.pack(number)?;
        }
        Ok(true)
    }

    /// Removes the files that are not to be kept; whether there were any. `end` reads from a line when its task ended.
    pub fn retain(
        &self,
        kept: Kept,
        now: i64,
        end: impl Fn(&str) -> Option<i64>,
    ) -> Result<bool, TaskError> {
        let mut removed = false;
        // From the oldest on: the first one that stays is older than the others.
        for number in self.numbers()?.into_iter().rev() {
            let stays = match kept {
                Kept::Files(files) => number <= files,
                Kept::Days(_) => {
                    let since = kept.since(now).unwrap_or(i64::MIN);
                    number <= FILES_MAX && self.youngest(number, &end)? >= since
                }
            };
            if stays {
                break;
            }
            remove(&self.packed(number))?;
            remove(&self.plain(number))?;
            removed = true;
        }
        Ok(removed)
    }

    /// When the last task in a file ended; of a file that tells nothing, when it was written.
    fn youngest(&self, number: u32, end: impl Fn(&str) -> Option<i64>) -> Result<i64, TaskError> {
        let mut written = 0;
        for (path, is_packed) in [(self.packed(number), true), (self.plain(number), false)] {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(TaskError::file("open", &path)(e)),
            };
            written = written.max(file.metadata().map_or(0, |metadata| metadata.mtime()));
            let lines = Lines {
                files: VecDeque::from([(path, is_packed, file)]),
                current: None,
            };
            if let Some(found) = lines.filter_map(Result::ok).find_map(|line| end(&line)) {
                return Ok(found);
            }
        }
        Ok(written)
    }

    /// The numbers of the files that were put away, the youngest first.
    fn numbers(&self) -> Result<BTreeSet<u32>, TaskError> {
        let Some(folder) = self.path.parent() else {
            return Ok(BTreeSet::new());
        };
        let looked = |e| TaskError::file("look through", folder)(e);
        let mut numbers = BTreeSet::new();
        for entry in fs::read_dir(folder).map_err(looked)? {
            let name = entry.map_err(looked)?.file_name();
            let number = name.to_str().and_then(|name| {
                let number = name.strip_prefix("archive.")?;
                let number = number.strip_suffix(".zst").unwrap_or(number);
                number
                    .parse()
                    .ok()
                    .filter(|number: &u32| *number > 0 && *number < u32::MAX)
            });
            numbers.extend(number);
        }
        Ok(numbers)
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
            // One that a killed process left.
            let _ = fs::remove_file(&temp);
            let mut options = OpenOptions::new();
            let target = owner::make(options.write(true).mode(0o640), &temp)?;
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
        let numbers = self.numbers()?;
        let mut files = VecDeque::new();
        for (path, is_packed) in std::iter::once((self.path.clone(), false)).chain(
            numbers
                .into_iter()
                .flat_map(|n| [(self.packed(n), true), (self.plain(n), false)]),
        ) {
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

fn remove(path: &Path) -> Result<(), TaskError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(TaskError::file("remove", path)(e)),
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
mod tests;

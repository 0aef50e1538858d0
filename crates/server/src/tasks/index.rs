//! The lists of tasks on disk (protocol.md 7.3): `active` with one line per running task, `archive` with one line per finished one in the order
//! of their ends. Both are changed under `.active.lock`. A task enters `archive` before it leaves `active`, so a crash loses none.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use api::Upid;
use rustix::fs::{FlockOperation, flock};

use crate::tasks::TaskError;
use crate::tasks::list::Entry;
use crate::tasks::status::TaskStatus;

/// The archive is read backwards in pieces of this size.
const PIECE_BYTES: u64 = 64 << 10;
/// How much of the archive's end is compared with `active` after a crash.
const TAIL_BYTES: u64 = 64 << 10;

#[derive(Debug)]
pub struct Index {
    active: PathBuf,
    archive: PathBuf,
    lock: PathBuf,
}

impl Index {
    pub fn new(folder: &Path) -> Index {
        Index {
            active: folder.join("active"),
            archive: folder.join("archive"),
            lock: folder.join(".active.lock"),
        }
    }

    /// Lists a task as running.
    pub fn add_active(&self, upid: &str) -> Result<(), TaskError> {
        let _lock = self.lock()?;
        append(&self.active, &format!("{upid}\n"))
    }

    /// Tasks listed as running, of all processes.
    pub fn active(&self) -> Result<Vec<Upid>, TaskError> {
        let text = self.read_active()?;
        let upid = |line: &str| line.split(' ').next().and_then(|upid| upid.parse().ok());
        Ok(text.lines().filter_map(upid).collect())
    }

    /// Moves a task from the running to the finished ones.
    pub fn finish(&self, upid: &str, end: i64, status: &TaskStatus) -> Result<(), TaskError> {
        let _lock = self.lock()?;
        append(&self.archive, &archive_line(upid, end, status))?;
        self.rewrite_active(|line| line != upid)
    }

    /// After a start: asks about each task listed as running; what is answered with a status is moved to the finished ones.
    pub fn adopt(
        &self,
        ended: impl Fn(&Upid) -> Option<(TaskStatus, i64)>,
    ) -> Result<(), TaskError> {
        let _lock = self.lock()?;
        let archived = self.archive_tail()?;
        let mut finished = Vec::new();
        let mut gone = HashSet::new();
        for line in self.read_active()?.lines() {
            let text = line.split(' ').next().unwrap_or_default();
            let Ok(upid) = text.parse::<Upid>() else {
                gone.insert(line.to_owned());
                continue;
            };
            let Some((status, end)) = ended(&upid) else {
                continue;
            };
            gone.insert(line.to_owned());
            if !archived.contains(text) {
                finished.push((end, archive_line(text, end, &status)));
            }
        }
        finished.sort();
        let lines: String = finished.into_iter().map(|(_, line)| line).collect();
        if !lines.is_empty() {
            append(&self.archive, &lines)?;
        }
        if gone.is_empty() {
            Ok(())
        } else {
            self.rewrite_active(|line| !gone.contains(line))
        }
    }

    /// Finished tasks, the last one first; lines that are not understood are left out.
    pub fn finished(&self) -> Result<impl Iterator<Item = Result<Entry, TaskError>>, TaskError> {
        let path = self.archive.clone();
        let lines = match File::open(&self.archive) {
            Ok(file) => Some(LinesFromEnd::new(file).map_err(TaskError::file("read", &path))?),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(TaskError::file("open", &path)(e)),
        };
        Ok(lines
            .into_iter()
            .flatten()
            .filter_map(move |line| match line {
                Ok(line) => parse_line(&line).map(Ok),
                Err(e) => Some(Err(TaskError::file("read", &path)(e))),
            }))
    }

    fn lock(&self) -> Result<File, TaskError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o660)
            .open(&self.lock)
            .map_err(TaskError::file("open", &self.lock))?;
        flock(&file, FlockOperation::LockExclusive)
            .map_err(|e| TaskError::file("lock", &self.lock)(e.into()))?;
        Ok(file)
    }

    fn read_active(&self) -> Result<String, TaskError> {
        match fs::read(&self.active) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(e) => Err(TaskError::file("read", &self.active)(e)),
        }
    }

    fn rewrite_active(&self, keep: impl Fn(&str) -> bool) -> Result<(), TaskError> {
        let kept: String = self
            .read_active()?
            .lines()
            .filter(|line| keep(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        let temp = self.active.with_extension("tmp");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o660)
            .open(&temp)
            .map_err(TaskError::file("create", &temp))?;
        file.write_all(kept.as_bytes())
            .map_err(TaskError::file("write", &temp))?;
        fs::rename(&temp, &self.active).map_err(TaskError::file("replace", &self.active))
    }

    fn archive_tail(&self) -> Result<HashSet<String>, TaskError> {
        let read = || -> io::Result<String> {
            let mut file = File::open(&self.archive)?;
            let len = file.metadata()?.len();
            file.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES)))?;
            let mut tail = Vec::new();
            file.take(TAIL_BYTES).read_to_end(&mut tail)?;
            Ok(String::from_utf8_lossy(&tail).into_owned())
        };
        match read() {
            Ok(text) => Ok(text
                .lines()
                .filter_map(|line| line.split(' ').next())
                .map(str::to_owned)
                .collect()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(HashSet::new()),
            Err(e) => Err(TaskError::file("read", &self.archive)(e)),
        }
    }
}

fn append(path: &Path, text: &str) -> Result<(), TaskError> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o660)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(TaskError::file("append to", path))
}

fn archive_line(upid: &str, end: i64, status: &TaskStatus) -> String {
    format!("{upid} {end:08X} {status}\n")
}

fn parse_line(line: &str) -> Option<Entry> {
    let mut parts = line.splitn(3, ' ');
    let upid = parts.next()?.parse().ok()?;
    let end = i64::from_str_radix(parts.next()?, 16).ok()?;
    Some(Entry {
        upid,
        end: Some((end, TaskStatus::from_list(parts.next()?))),
    })
}

/// The lines of a file, the last one first.
struct LinesFromEnd {
    file: File,
    /// Where the bytes in `held` start in the file.
    start: u64,
    held: Vec<u8>,
}

impl LinesFromEnd {
    fn new(file: File) -> io::Result<LinesFromEnd> {
        let start = file.metadata()?.len();
        Ok(LinesFromEnd {
            file,
            start,
            held: Vec::new(),
        })
    }

    fn read_more(&mut self) -> io::Result<()> {
        let n = self.start.min(PIECE_BYTES);
        self.start -= n;
        self.file.seek(SeekFrom::Start(self.start))?;
        let mut piece = Vec::new();
        (&self.file).take(n).read_to_end(&mut piece)?;
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

    #[test]
    fn lines_come_from_the_end() {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("f");
        for text in [
            "",
            "a\n",
            "a",
            "a\nb\n",
            "\n\nx\n",
            &"0123456789abcdef\n".repeat(10_000),
        ] {
            fs::write(&path, text).expect("write");
            let mut expected: Vec<&str> = text.lines().collect();
            expected.reverse();
            let got: Vec<String> = LinesFromEnd::new(File::open(&path).expect("open"))
                .expect("len")
                .map(|l| l.expect("line"))
                .collect();
            assert!(got == expected, "{} lines", expected.len());
        }
    }
}

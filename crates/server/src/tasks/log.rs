//! One task's log file: writing lines with their time, reading pages of it, and the status that its last line tells (protocol.md 7.4).

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::journal::now_text;
use crate::shortage::Shortage;
use crate::tasks::TaskError;
use crate::tasks::status::TaskStatus;
use config::owner;

/// How far from the end the last line is looked for.
const TAIL_BYTES: u64 = 8192;
/// Most text that one page holds, however many lines were asked for.
const PAGE_BYTES_MAX: usize = 32 << 20;
/// Longer lines are cut when shown.
const LINE_BYTES_MAX: usize = 64 << 10;

/// Most text that one log takes; after that only the end of the task is told. A client decides how much there is to say about it.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Most text that is kept in memory of one log that cannot be written; lines after that are counted and left out.
const MEMORY_BYTES_MAX: usize = 64 << 10;

/// An open log that is being written. A full or read-only disk keeps no work from being done: what cannot be written is kept in memory, up to a
/// bound, and is written as soon as there is room again.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    shortage: Shortage,
    /// Nothing where it could not be made.
    file: Option<File>,
    /// Bytes of whole lines in the file.
    on_disk: u64,
    written: u64,
    /// Lines that are not on the disk yet.
    waiting: Vec<u8>,
    left_out: u64,
    broken: bool,
    /// The task has ended: what whoever worked on it still says goes nowhere.
    ended: bool,
}

impl LogFile {
    /// Creates the file, which must not exist, and its folder; where that fails the log begins in memory.
    pub fn create(path: &Path, shortage: &Shortage) -> LogFile {
        let mut log = LogFile {
            path: path.to_owned(),
            shortage: shortage.clone(),
            file: None,
            on_disk: 0,
            written: 0,
            waiting: Vec::new(),
            left_out: 0,
            broken: false,
            ended: false,
        };
        if let Err(error) = log.open() {
            log.complain(&error);
        }
        log
    }

    fn open(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                owner::make_folders(folder, 0o777)?;
            }
            let mut options = OpenOptions::new();
            self.file = Some(owner::make(options.append(true).mode(0o640), &self.path)?);
        }
        Ok(())
    }

    /// Told once for each log, in the server's own.
    fn complain(&mut self, error: &io::Error) {
        let is_told = std::mem::replace(&mut self.broken, true);
        if !is_told && !self.shortage.covers(&self.path, error) {
            tracing::error!(
                "cannot write the task log {}: {error}; its lines are kept in memory",
                self.path.display()
            );
        }
    }

    /// Appends one line with its time.
    pub fn line(&mut self, text: &str) {
        self.line_within(text, FILE_BYTES_MAX);
    }

    fn line_within(&mut self, text: &str, bytes_max: u64) {
        if self.written >= bytes_max || self.ended {
            return;
        }
        self.add(text, MEMORY_BYTES_MAX);
        if self.written >= bytes_max {
            self.add("the log is full, further lines are left out", usize::MAX);
        }
    }

    /// Appends the line that tells how the task ended, however long the log is. It is the last one.
    pub fn end(&mut self, text: &str) {
        self.add(text, usize::MAX);
        self.ended = true;
    }

    fn add(&mut self, text: &str, waiting_max: usize) {
        let line = format!("{}: {text}\n", now_text());
        self.written += line.len() as u64;
        let waits = self.waiting.len();
        if waits > 0 && waits.saturating_add(line.len()) > waiting_max {
            self.left_out += 1;
        } else {
            if std::mem::take(&mut self.left_out) > 0 {
                let told = format!(
                    "{}: lines are missing here, the disk was full\n",
                    now_text()
                );
                self.waiting.extend_from_slice(told.as_bytes());
            }
            self.waiting.extend_from_slice(line.as_bytes());
        }
        self.flush();
    }

    /// Writes what waits; whether nothing waits any more.
    pub fn flush(&mut self) -> bool {
        if self.waiting.is_empty() {
            return true;
        }
        match self.write() {
            Ok(()) => true,
            Err(error) => {
                self.complain(&error);
                false
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.open()?;
        if let Some(file) = &mut self.file {
            if let Err(error) = file.write_all(&self.waiting) {
                // A part of it would be there twice in the end.
                file.set_len(self.on_disk)?;
                return Err(error);
            }
            self.on_disk += self.waiting.len() as u64;
            self.waiting = Vec::new();
        }
        Ok(())
    }

    /// The lines that are in memory alone.
    pub fn waiting(&self) -> &[u8] {
        &self.waiting
    }
}

/// One line of a log with its number, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub number: u64,
    pub text: String,
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPage {
    pub lines: Vec<LogLine>,
    /// Lines in the file.
    pub total: u64,
}

/// Lines from number `start` on, at most `limit` (0: all): those of the file, and the `waiting` ones that are in memory alone.
pub fn page(path: &Path, waiting: &[u8], start: u64, limit: u64) -> Result<LogPage, TaskError> {
    let file: Box<dyn Read> = match File::open(path) {
        Ok(file) => Box::new(file),
        Err(e) if e.kind() == io::ErrorKind::NotFound && !waiting.is_empty() => {
            Box::new(io::empty())
        }
        Err(e) => return Err(TaskError::file("open", path)(e)),
    };
    let mut reader = BufReader::new(file.chain(waiting));
    let (mut page, mut bytes, mut line) = (LogPage::default(), 0, Vec::new());
    let limit = if limit == 0 { u64::MAX } else { limit };
    loop {
        line.clear();
        if read_line(&mut reader, &mut line).map_err(TaskError::file("read", path))? == 0 {
            return Ok(page);
        }
        page.total += 1;
        if page.total >= start.max(1) && (page.lines.len() as u64) < limit && bytes < PAGE_BYTES_MAX
        {
            let text =
                String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
            bytes += text.len();
            page.lines.push(LogLine {
                number: page.total,
                text,
            });
        }
    }
}

/// The whole log; where lines of it are in memory alone, as a file that is in memory too.
pub fn whole(path: &Path, waiting: &[u8]) -> Result<File, TaskError> {
    if waiting.is_empty() {
        return File::open(path).map_err(TaskError::file("open", path));
    }
    let copy = || {
        let mut whole = File::from(memfd_create("task log", MemfdFlags::CLOEXEC)?);
        match File::open(path) {
            Ok(mut file) => drop(io::copy(&mut file, &mut whole)?),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        whole.write_all(waiting)?;
        whole.rewind()?;
        Ok(whole)
    };
    copy().map_err(TaskError::file("read", path))
}

/// Reads up to a line end; keeps only the first [`LINE_BYTES_MAX`] bytes. Returns the bytes taken, 0 at the end of the file.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let mut taken = 0;
    loop {
        let available = reader.fill_buf()?;
        let end = available.iter().position(|&b| b == b'\n');
        let n = end.map_or(available.len(), |at| at + 1);
        line.extend_from_slice(&available[..n.min(LINE_BYTES_MAX.saturating_sub(line.len()))]);
        let last = end.is_some() || n == 0;
        reader.consume(n);
        taken += n;
        if last {
            return Ok(taken);
        }
    }
}

/// How the task of this log ended and when, as the last line with a time tells; unknown at `start` if there is none.
pub fn ended(path: &Path, start: i64) -> (TaskStatus, i64) {
    let tail = File::open(path).and_then(|mut file| {
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES)))?;
        let mut tail = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut tail)?;
        Ok(tail)
    });
    let Ok(tail) = tail else {
        return (TaskStatus::Unknown, start);
    };
    let text = String::from_utf8_lossy(&tail);
    let last = text.lines().rev().find_map(|line| {
        let (time, rest) = line.split_once(": ")?;
        Some((time.parse::<jiff::Timestamp>().ok()?.as_second(), rest))
    });
    last.map_or((TaskStatus::Unknown, start), |(time, rest)| {
        (TaskStatus::from_last_line(rest), time)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that is refused a million times filled the disk with a line for each.
    #[test]
    fn a_log_is_bounded_and_still_tells_the_end() {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("log");
        let mut log = LogFile::create(&path, &Shortage::default());
        (0..1000).for_each(|_| log.line_within("again", 100));
        log.end("TASK OK");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.len() < 300, "{text}");
        assert!(text.contains("log is full"), "{text}");
        assert_eq!(ended(&path, 0).0, TaskStatus::Ok);
    }

    /// A full disk refused the task, and with it the restore or the collection that would have made room.
    #[test]
    fn what_cannot_be_written_is_kept_in_memory_and_written_later() {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("42/log");
        std::fs::write(folder.path().join("42"), "in the way").expect("write");
        let mut log = LogFile::create(&path, &Shortage::default());
        (0..3000).for_each(|n| log.line(&format!("line {n}")));
        log.end("TASK OK");
        assert!(log.waiting().len() < MEMORY_BYTES_MAX + 500);
        let seen =
            page(&path, log.waiting(), 1, 1).expect_err("a file is in the way of the folder");
        assert!(matches!(seen, TaskError::File { .. }));
        std::fs::remove_file(folder.path().join("42")).expect("remove");
        let seen = page(&path, log.waiting(), 1, 1).expect("page");
        assert!(seen.lines[0].text.ends_with(": line 0"), "{seen:?}");
        assert!(log.flush() && log.waiting().is_empty());
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains(": line 1\n") && text.contains("lines are missing here"));
        assert!(text.ends_with(": TASK OK\n"));
        assert_eq!(ended(&path, 0).0, TaskStatus::Ok);
    }
}

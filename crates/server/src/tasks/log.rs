//! One task's log file: writing lines with their time, reading pages of it, and the status that its last line tells (protocol.md 7.4).

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::journal::now_text;
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

/// An open log that is being written.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    written: u64,
    broken: bool,
}

impl LogFile {
    /// Creates the file, which must not exist, and its folder.
    pub fn create(path: &Path) -> Result<LogFile, TaskError> {
        if let Some(folder) = path.parent() {
            owner::make_folders(folder, 0o777).map_err(TaskError::file("create", folder))?;
        }
        let mut options = OpenOptions::new();
        let file = owner::make(options.append(true).mode(0o640), path)
            .map_err(TaskError::file("create", path))?;
        Ok(LogFile {
            file,
            written: 0,
            broken: false,
        })
    }

    /// Appends one line with its time. A full disk must not end a backup, so an error is only noted once in the server's own log.
    pub fn line(&mut self, text: &str) {
        self.line_within(text, FILE_BYTES_MAX);
    }

    fn line_within(&mut self, text: &str, bytes_max: u64) {
        if self.written >= bytes_max {
            return;
        }
        self.last_line(text);
        if self.written >= bytes_max {
            self.last_line("the log is full, further lines are left out");
        }
    }

    /// Appends the line that tells how the task ended, however long the log is.
    pub fn last_line(&mut self, text: &str) {
        let line = format!("{}: {text}\n", now_text());
        self.written += line.len() as u64;
        let written = self.file.write_all(line.as_bytes());
        if let Err(e) = written
            && !std::mem::replace(&mut self.broken, true)
        {
            tracing::error!("cannot write a task log: {e}");
        }
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

/// Lines from number `start` on, at most `limit` (0: all).
pub fn page(path: &Path, start: u64, limit: u64) -> Result<LogPage, TaskError> {
    let mut reader = BufReader::new(File::open(path).map_err(TaskError::file("open", path))?);
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

/// Reads up to a line end; keeps only the first [`LINE_BYTES_MAX`] bytes. Returns the bytes taken, 0 at the end of the file.
fn read_line(reader: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<usize> {
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
        let mut log = LogFile::create(&path).expect("create");
        (0..1000).for_each(|_| log.line_within("again", 100));
        log.last_line("TASK OK");
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.len() < 300, "{text}");
        assert!(text.contains("log is full"), "{text}");
        assert_eq!(ended(&path, 0).0, TaskStatus::Ok);
    }
}

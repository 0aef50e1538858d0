//! The server's own log as far back as memory keeps it, so that it can be read over the interface. Whoever starts the server sends its log lines
//! here as well as to where they go anyway; nothing here is written to a disk. Bounded by bytes: the oldest lines go first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all lines together may take.
const BYTES_MAX: usize = 1 << 20;
/// One line, longer ones are cut.
const LINE_BYTES_MAX: usize = 4 << 10;

/// See the module; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LogBook {
    pages: Arc<Mutex<Pages>>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Counts from 1 since the server started.
    pub number: u64,
    /// Seconds since the epoch.
    pub time: i64,
    pub text: String,
}

#[derive(Debug, Default)]
struct Pages {
    lines: VecDeque<Line>,
    bytes: usize,
    noted: u64,
    /// Time of the first line: cursors of an earlier run of the server are told apart by it.
    began: Option<i64>,
}

impl LogBook {
    /// Takes one line in, without blanks around it; control characters become blanks.
    pub fn note(&self, time: i64, text: &str) {
        let mut cut = text.trim().to_owned();
        let mut end = LINE_BYTES_MAX.min(cut.len());
        while !cut.is_char_boundary(end) {
            end -= 1;
        }
        cut.truncate(end);
        let text: String = cut
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let mut pages = self.pages();
        pages.began.get_or_insert(time);
        pages.noted += 1;
        pages.bytes += text.len();
        let number = pages.noted;
        pages.lines.push_back(Line { number, time, text });
        while pages.bytes > BYTES_MAX {
            let Some(oldest) = pages.lines.pop_front() else {
                break;
            };
            pages.bytes -= oldest.text.len();
        }
    }

    /// All lines, the oldest first.
    pub fn lines(&self) -> Vec<Line> {
        self.pages().lines.iter().cloned().collect()
    }

    /// Where a line is, for a reader who comes again.
    pub fn cursor(&self, number: u64) -> String {
        format!("s={:x};i={number:x}", self.pages().began.unwrap_or(0))
    }

    /// The number of a cursor's line; nothing if it is of an earlier run, or none.
    pub fn number(&self, cursor: &str) -> Option<u64> {
        let (began, number) = cursor.strip_prefix("s=")?.split_once(";i=")?;
        let began = i64::from_str_radix(began, 16).ok()?;
        (began == self.pages().began.unwrap_or(0))
            .then(|| u64::from_str_radix(number, 16).ok())
            .flatten()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_lines_are_lines() {
        let book = LogBook::default();
        let long = "é".repeat(LINE_BYTES_MAX);
        for n in 0..1000 {
            book.note(n, &long);
        }
        let lines = book.lines();
        let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
        assert!(bytes <= BYTES_MAX && bytes > BYTES_MAX / 2, "{bytes}");
        assert_eq!(lines.last().map(|line| line.number), Some(1000));
        book.note(1, " two\nlines\n");
        assert_eq!(book.lines().pop().expect("line").text, "two lines");
    }

    #[test]
    fn cursors_belong_to_one_run() {
        let (book, other) = (LogBook::default(), LogBook::default());
        book.note(7, "x");
        other.note(8, "x");
        assert_eq!(book.number(&book.cursor(1)), Some(1));
        assert_eq!(book.number(&other.cursor(1)), None);
        assert_eq!(book.number("rubbish"), None);
    }
}

//! Standard error, shared between log lines and one status line at its foot.
//!
//! Whoever reports prints whole lines through [`Screen::line`]; a progress display owns the
//! status line. On a terminal the status is wiped before a line is printed and drawn again
//! below it; elsewhere there is no status. Writing never fails the program: nobody can be told.
//! On a terminal names and texts of others are only shown, see [`crate::shown`].
//! A program that goes to the background takes its lines along, see [`Screen::move_to`].

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use unicode_width::UnicodeWidthChar;

use crate::shown;

/// Handle to standard error; clones share the status line.
#[derive(Clone, Debug)]
pub struct Screen {
    shared: Arc<Mutex<Shared>>,
    terminal: bool,
}

#[derive(Default)]
struct Shared {
    status: String,
    /// Takes the lines instead of standard error.
    elsewhere: Option<Box<dyn Write + Send>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Default for Screen {
    fn default() -> Screen {
        Screen::new()
    }
}

impl Screen {
    pub fn new() -> Screen {
        Screen {
            shared: Arc::default(),
            terminal: io::stderr().is_terminal(),
        }
    }

    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints `text` and a line end.
    pub fn line(&self, text: &str) {
        self.print(&format!("{text}\n"));
    }

    /// Replaces the status line; nothing happens where standard error is no terminal.
    pub fn status(&self, text: &str) {
        if !self.terminal {
            return;
        }
        let columns = columns(io::stderr()).unwrap_or(80);
        let mut shared = self.shared();
        if shared.elsewhere.is_none() {
            shared.status = cut(&shown::text(text), columns.saturating_sub(1));
            let _ = write!(io::stderr().lock(), "\r\x1b[K{}", shared.status);
        }
    }

    /// Takes the status line away.
    pub fn clear(&self) {
        let status = &mut self.shared().status;
        if !status.is_empty() {
            status.clear();
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    /// Prints `text`, which should end with a line end.
    pub fn print(&self, text: &str) {
        let mut shared = self.shared();
        if let Some(elsewhere) = &mut shared.elsewhere {
            let _ = elsewhere.write_all(text.as_bytes());
            return;
        }
        let text = match self.terminal {
            true => shown::text(text),
            false => text.into(),
        };
        let mut stderr = io::stderr().lock();
        let _ = match shared.status.as_str() {
            "" => stderr.write_all(text.as_bytes()),
            status => write!(stderr, "\r\x1b[K{text}{status}"),
        };
    }
}

impl Screen {
    /// From now on lines go to `place`, those of all clones, and there is no status line.
    pub fn move_to(&self, place: impl Write + Send + 'static) {
        self.clear();
        self.shared().elsewhere = Some(Box::new(place));
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Log writers hand over whole lines.
impl Write for Screen {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.print(&String::from_utf8_lossy(buffer));
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Characters in a line of the terminal behind `stream`; `None` if it is none.
pub fn columns(stream: impl IsTerminal + std::os::fd::AsFd) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

fn cut(text: &str, columns: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|letter| {
            used += letter.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}

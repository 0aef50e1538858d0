//! Standard output that may be closed by its reader.
//!
//! `strongroom list | head -1` closes the pipe early. That is no error of ours: a write then
//! gives [`OutError::Closed`], which `report` turns into the silent end that SIGPIPE would
//! have been. Nothing here panics, unlike `println!`.
//!
//! Text on a terminal is only shown, see [`crate::shown`]; bytes go through as they are.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::os::fd::AsFd;

use crate::shown;

/// Writing a result failed.
#[derive(Debug, thiserror::Error)]
pub enum OutError {
    /// The reader has gone.
    #[error("output was closed by its reader")]
    Closed,
    #[error("cannot write to standard output")]
    Io(#[source] io::Error),
}

impl From<io::Error> for OutError {
    fn from(error: io::Error) -> OutError {
        match error.kind() {
            ErrorKind::BrokenPipe => OutError::Closed,
            _ => OutError::Io(error),
        }
    }
}

/// Standard output for data in bulk: unbuffered, and a closed reader is an [`OutError::Closed`]
/// inside of the `io::Error`.
#[derive(Debug)]
pub struct Stream(File);

impl Stream {
    pub fn open() -> io::Result<Stream> {
        io::stdout().flush()?;
        Ok(Stream(File::from(
            io::stdout().as_fd().try_clone_to_owned()?,
        )))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => io::Error::other(OutError::Closed),
            _ => error,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether somebody looks at standard output.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes `text` to standard output and flushes it.
pub fn print(text: &str) -> Result<(), OutError> {
    let text = match is_terminal() {
        true => shown::text(text),
        false => Cow::from(text),
    };
    write(text.as_bytes())
}

/// Like [`print()`], for text that is JSON, and stays it on a terminal; only plain letters may stand round it.
pub fn json(text: &str) -> Result<(), OutError> {
    let text = match is_terminal() {
        true => shown::json(text),
        false => Cow::from(text),
    };
    write(text.as_bytes())
}

/// Writes `text` and a line end to standard output.
pub fn line(text: &str) -> Result<(), OutError> {
    print(&format!("{text}\n"))
}

/// Writes raw bytes to standard output and flushes them.
pub fn write(bytes: &[u8]) -> Result<(), OutError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

//! Where indexes are being moved to: one absolute path a line, written before the rename (formats.md 1.7, 9.4).
//!
//! A collection reads its groups one after the other; what moves from one that it has not read to one that it has would be overlooked. So it
//! reads this last, and whatever is listed and there it marks too. The file lies with the locks and is its own lock: it has a
//! meaning only between processes that live at the same time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::datastore::Datastore;
use crate::error::StoreError;

const NAME: &str = "move-journal";
/// How long one waits for another.
const WAIT: Duration = Duration::from_secs(10);
/// No path is as long for the system.
const LINE_MAX: u64 = 1 << 16;

/// The journal, locked. Nothing moves while somebody holds it.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    pub(crate) fn lock(store: &Datastore) -> Result<Journal, StoreError> {
        let path = store.locks().dir().join(NAME);
        let file = store.locks().lock_plain(NAME, WAIT)?;
        Ok(Journal { path, file })
    }

    /// Tells where indexes will be. Hold the journal until they are.
    pub(crate) fn append<'a>(
        &mut self,
        indexes: impl IntoIterator<Item = &'a Path>,
    ) -> Result<(), StoreError> {
        let before = self.length()?;
        let mut lines = Vec::new();
        if !self.is_whole(before)? {
            // Somebody died while writing. Ours would become the rest of that line, and nobody would find it.
            lines.push(b'\n');
        }
        for index in indexes {
            lines.extend_from_slice(index.as_os_str().as_bytes());
            lines.push(b'\n');
        }
        self.file.write_all_at(&lines, before).map_err(|error| {
            // If this fails too, the next line begins anew all the same.
            let _ = self.file.set_len(before);
            StoreError::io("write", &self.path)(error)
        })
    }

    /// What lies before has moved already, or never will.
    pub(crate) fn length(&self) -> Result<u64, StoreError> {
        let stat = self.file.metadata();
        Ok(stat.map_err(StoreError::io("read", &self.path))?.len())
    }

    fn is_whole(&self, length: u64) -> Result<bool, StoreError> {
        let Some(last) = length.checked_sub(1) else {
            return Ok(true);
        };
        let mut byte = [0];
        self.file
            .read_exact_at(&mut byte, last)
            .map_err(StoreError::io("read", &self.path))?;
        Ok(byte == *b"\n")
    }

    /// What was told behind this place, in order.
    pub(crate) fn lines(&self, from: u64) -> Result<Lines, StoreError> {
        let end = self.length()?;
        Lines::open(&self.path, from, end)
    }

    pub(crate) fn clear(self) -> Result<(), StoreError> {
        self.file
            .set_len(0)
            .map_err(StoreError::io("empty", &self.path))
    }
}

/// Indexes that the journal names. A line at the end without its line feed is not whole, and what it names has not moved.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: BufReader<Take<File>>,
}

impl Lines {
    /// Opened anew, since a clone would hold the lock.
    pub(crate) fn open(path: &Path, from: u64, end: u64) -> Result<Lines, StoreError> {
        let mut file = File::open(path).map_err(StoreError::io("open", path))?;
        file.seek(SeekFrom::Start(from))
            .map_err(StoreError::io("read", path))?;
        Ok(Lines {
            path: path.to_path_buf(),
            file: BufReader::new(file.take(end.saturating_sub(from))),
        })
    }

    fn read(&mut self) -> io::Result<Option<PathBuf>> {
        loop {
            let mut line = Vec::new();
            self.file
                .by_ref()
                .take(LINE_MAX)
                .read_until(b'\n', &mut line)?;
            match line.strip_suffix(b"\n") {
                Some([]) => {}
                Some(line) => return Ok(Some(PathBuf::from(std::ffi::OsStr::from_bytes(line)))),
                // To skip it could be to skip an index.
                None if line.len() as u64 == LINE_MAX => return Err(too_long()),
                None => return Ok(None),
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<PathBuf, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.read().map_err(StoreError::io("read", &self.path));
        line.transpose()
    }
}

fn too_long() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "a line has {LINE_MAX} bytes or more, so it is no list of indexes; remove the file while nothing moves, and collect again"
        ),
    )
}

/// All that has moved by now, and where in the journal that ends. To read it keeps nobody from moving.
pub(crate) fn so_far(store: &Datastore) -> Result<(Lines, u64), StoreError> {
    // Whoever moves holds the journal from the first line to the last rename: without a look at the lock a line could be read before
    // its index is there.
    let journal = Journal::lock(store)?;
    let end = journal.length()?;
    Ok((Lines::open(&journal.path, 0, end)?, end))
}

#[cfg(test)]
mod tests;

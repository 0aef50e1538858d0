//! Where indexes are being moved to: one absolute path a line, written before the rename (formats.md 1.7, 9.4).
//!
//! A collection reads its groups one after the other; what moves from one that it has not read to one that it has would be overlooked. So it
//! reads this last, and whatever is listed and there it marks too. The file lies with the locks and is its own lock: it has a
//! meaning only between processes that live at the same time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::datastore::Datastore;
use crate::error::StoreError;

const NAME: &str = "move-journal";
/// How long one waits for another.
const WAIT: Duration = Duration::from_secs(10);
/// More than all index files of a large store; what is larger was not written by us.
const SIZE_MAX: u64 = 1 << 30;

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
        let mut lines = Vec::new();
        for index in indexes {
            lines.extend_from_slice(index.as_os_str().as_bytes());
            lines.push(b'\n');
        }
        self.file
            .seek(SeekFrom::End(0))
            .and_then(|_| self.file.write_all(&lines))
            .map_err(StoreError::io("write", &self.path))
    }

    /// All that was told since the journal was emptied, in order.
    pub(crate) fn indexes(&mut self) -> Result<Vec<PathBuf>, StoreError> {
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(StoreError::io("read", &self.path))?;
        read(&mut self.file, &self.path)
    }

    pub(crate) fn clear(self) -> Result<(), StoreError> {
        self.file
            .set_len(0)
            .map_err(StoreError::io("empty", &self.path))
    }
}

/// The same without keeping anybody from moving.
pub(crate) fn peek(store: &Datastore) -> Result<Vec<PathBuf>, StoreError> {
    let path = store.locks().dir().join(NAME);
    match File::open(&path) {
        Ok(mut file) => read(&mut file, &path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(StoreError::io("open", &path)(error)),
    }
}

fn read(file: &mut File, path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut bytes = Vec::new();
    file.take(SIZE_MAX)
        .read_to_end(&mut bytes)
        .map_err(StoreError::io("read", path))?;
    // Without its line feed a line is not whole, and what it names has not moved.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let lines = bytes[..whole].split(|byte| *byte == b'\n');
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(|line| PathBuf::from(std::ffi::OsStr::from_bytes(line)))
        .collect())
}

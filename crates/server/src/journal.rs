//! The access log and the authentication log (protocol.md 1.7). Lines are handed to one writer over a bounded queue, so that a request waits
//! only if the disk cannot keep up; lines are never dropped while the server runs. A file that has grown to its
//! limit is renamed to `.1`, that to `.2` and so on, and the oldest is removed; files are opened for each batch, so others may rotate them too.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use config::owner;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::blocking::Blocking;
use crate::shortage::Shortage;

/// Lines waiting for the disk.
const QUEUE: usize = 1024;

/// Size at which a file is put away; one batch may go over it.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Files put away and kept, of each log.
const FILES_KEPT: u32 = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Book {
    Access,
    Auth,
}

/// Where finished requests and login attempts are written down; cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    lines: mpsc::Sender<(Book, String)>,
}

impl Journal {
    /// Starts the writer for the files in `folder`, which must exist. The handle ends when the last clone of the journal is gone.
    pub fn start(
        folder: &Path,
        blocking: Blocking,
        shortage: Shortage,
    ) -> (Journal, JoinHandle<()>) {
        let (lines, mut queue) = mpsc::channel(QUEUE);
        let folder = folder.to_owned();
        let writer = tokio::spawn(async move {
            let mut batch = Vec::new();
            while queue.recv_many(&mut batch, QUEUE).await > 0 {
                let (folder, lines) = (folder.clone(), std::mem::take(&mut batch));
                let shortage = shortage.clone();
                // A panic here cannot be told to anybody who waits; `write` has logged what went wrong.
                let _ = blocking
                    .run(move || write_batch(&folder, &lines, &shortage))
                    .await;
            }
        });
        (Journal { lines }, writer)
    }

    /// One line of the access log, without its line end.
    pub async fn access(&self, line: String) {
        self.send(Book::Access, line).await;
    }

    /// One line of the authentication log, without time and line end.
    pub async fn auth(&self, text: &str) {
        let line = format!("{}: {text}", now_text());
        tracing::info!("{text}");
        self.send(Book::Auth, line).await;
    }

    async fn send(&self, book: Book, line: String) {
        if self.lines.send((book, line)).await.is_err() {
            tracing::error!("the log writer has ended; a line of the request log is lost");
        }
    }
}

/// Local time with offset, as task logs and the authentication log write it (protocol.md 7.4).
pub fn now_text() -> String {
    jiff::Zoned::now()
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

fn write_batch(folder: &Path, lines: &[(Book, String)], shortage: &Shortage) {
    for (book, name) in [(Book::Access, "access.log"), (Book::Auth, "auth.log")] {
        let mut text = String::new();
        for (_, line) in lines.iter().filter(|(b, _)| *b == book) {
            // One record is one line, whatever a client put into it.
            text.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
            text.push('\n');
        }
        if !text.is_empty() {
            let path: PathBuf = folder.join(name);
            if let Err(e) = rotate(&path, FILE_BYTES_MAX)
                && !shortage.covers(&path, &e)
            {
                tracing::error!("cannot put away {}: {e}", path.display());
            }
            if let Err(e) = append(&path, text.as_bytes())
                && !shortage.covers(&path, &e)
            {
                tracing::error!("cannot write {}: {e}", path.display());
            }
        }
    }
}

/// Puts a file away that has grown to `bytes_max`.
fn rotate(path: &Path, bytes_max: u64) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() >= bytes_max => {}
        Ok(_) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    }
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    for number in (1..FILES_KEPT).rev() {
        match fs::rename(numbered(number), numbered(number + 1)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    fs::rename(path, numbered(1))
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        owner::make_folders(folder, 0o777)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).mode(0o640);
    owner::open_or_make(&options, path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_away_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("access.log");
        rotate(&path, 8).expect("nothing to do");
        for round in 0..FILES_KEPT + 3 {
            append(&path, format!("round {round:03}\n").as_bytes()).expect("append");
            rotate(&path, 1 << 10).expect("small");
            assert!(path.exists());
            rotate(&path, 8).expect("rotate");
            assert!(!path.exists());
        }
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .expect("list")
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .into_string()
                    .expect("name")
            })
            .collect();
        names.sort();
        let expected: Vec<String> = (1..=FILES_KEPT)
            .map(|n| format!("access.log.{n}"))
            .collect();
        assert_eq!(names, expected);
        let newest = fs::read_to_string(folder.path().join("access.log.1")).expect("read");
        assert_eq!(newest, format!("round {:03}\n", FILES_KEPT + 2));
    }

    #[tokio::test]
    async fn lines_arrive_in_their_files() {
        let folder = tempfile::tempdir().expect("tempdir");
        let (journal, writer) =
            Journal::start(folder.path(), Blocking::new(2), Shortage::default());
        journal.access("a - b".to_owned()).await;
        journal.auth("evil\nname").await;
        drop(journal);
        writer.await.expect("writer");
        let read = |name| fs::read_to_string(folder.path().join(name)).expect("log");
        assert_eq!(read("access.log"), "a - b\n");
        assert!(
            read("auth.log").ends_with(": evil name\n"),
            "{}",
            read("auth.log")
        );
        assert_eq!(read("auth.log").lines().count(), 1);
    }
}

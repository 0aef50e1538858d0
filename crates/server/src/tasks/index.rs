//! The lists of tasks on disk (protocol.md 7.3): `active` with one line per running task, `archive` with one line per finished one in the order
//! of their ends, and older ones in `archive.1.zst` and so on. All are changed under `.active.lock`. A task enters `archive` before it leaves `active`, so a crash loses none.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use api::Upid;
use config::owner;
use rustix::fs::{FlockOperation, flock};

use crate::shortage::Shortage;
use crate::tasks::TaskError;
use crate::tasks::archive::{Archive, Kept};
use crate::tasks::list::Entry;
use crate::tasks::status::TaskStatus;

/// How much of the archive's end is compared with `active` after a crash.
const TAIL_BYTES: u64 = 64 << 10;

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub upid: String,
    pub end: i64,
    pub status: TaskStatus,
}

#[derive(Debug)]
pub struct Index {
    active: PathBuf,
    folder: PathBuf,
    archive: Archive,
    lock: PathBuf,
    shortage: Shortage,
}

impl Index {
    pub fn new(folder: &Path, shortage: Shortage) -> Index {
        Index {
            active: folder.join("active"),
            folder: folder.to_owned(),
            archive: Archive::new(folder),
            lock: folder.join(".active.lock"),
            shortage,
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

    /// Moves tasks from the running to the finished ones, in the order of their ends; of the others that are listed as running those that `runs`.
    /// Where that fills the archive it is put away.
    pub fn finish(
        &self,
        ended: &[Ended],
        runs: impl Fn(&str) -> bool,
        kept: Option<Kept>,
    ) -> Result<(), TaskError> {
        let Some(end) = ended.iter().map(|ended| ended.end).max() else {
            return Ok(());
        };
        let line = |ended: &Ended| archive_line(&ended.upid, ended.end, &ended.status);
        let lines: String = ended.iter().map(line).collect();
        let listed = |line: &str| runs(line) && ended.iter().all(|ended| ended.upid != line);
        let rotated = {
            let _lock = self.lock()?;
            append(self.archive.path(), &lines)?;
            // From here on they are listed; what fails now is made good by the next end of a task, or at the next start.
            self.rewrite_active(listed)
                .and_then(|()| self.archive.rotate())
                .inspect(|rotated| {
                    if *rotated && let Some(kept) = kept {
                        self.told(self.archive.retain(kept, end, end_of).map(drop));
                    }
                })
        };
        match rotated {
            Ok(true) => self.told(self.remove_old_logs(kept.and_then(|kept| kept.since(end)))),
            Ok(false) => {}
            Err(error) => self.told(Err(error)),
        }
        Ok(())
    }

    /// Removes the lists of finished tasks that are not to be kept at `now`, and the logs of which no list tells any more.
    pub fn tidy(&self, kept: Kept, now: i64) -> Result<(), TaskError> {
        let removed = {
            let _lock = self.lock()?;
            self.archive.retain(kept, now, end_of)?
        };
        if removed {
            self.remove_old_logs(kept.since(now))?;
        }
        Ok(())
    }

    /// Removes logs that were last written before the oldest task ended that is still listed, or before `since` if none is; not those of
    /// running tasks, which may have nothing to say for long.
    fn remove_old_logs(&self, since: Option<i64>) -> Result<(), TaskError> {
        let mut oldest = None;
        for entry in self.finished()? {
            oldest = entry?.end.map(|(end, _)| end).or(oldest);
        }
        let Some(oldest) = oldest.or(since) else {
            return Ok(());
        };
        let running: HashSet<String> = self.active()?.iter().map(Upid::to_string).collect();
        for entry in fs::read_dir(&self.folder).map_err(looked(&self.folder))? {
            let entry = entry.map_err(looked(&self.folder))?;
            let is_log_folder = entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.len() == 2 && name.bytes().all(|b| b.is_ascii_hexdigit()));
            if !is_log_folder {
                continue;
            }
            let folder = entry.path();
            for log in fs::read_dir(&folder).map_err(looked(&folder))? {
                let log = log.map_err(looked(&folder))?;
                let runs = log
                    .file_name()
                    .to_str()
                    .is_some_and(|name| running.contains(name));
                let written = log.metadata().map(|metadata| metadata.mtime());
                if !runs && written.is_ok_and(|written| written < oldest) {
                    // One that is gone already, or stays, is tried again next time.
                    let _ = fs::remove_file(log.path());
                }
            }
        }
        Ok(())
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
            append(self.archive.path(), &lines)?;
        }
        if gone.is_empty() {
            Ok(())
        } else {
            self.rewrite_active(|line| !gone.contains(line))
        }
    }

    fn told(&self, done: Result<(), TaskError>) {
        if let Err(error) = done
            && !self.shortage.covers(&self.folder, &error)
        {
            tracing::warn!("the lists of tasks: {}", error.whole());
        }
    }

    /// Finished tasks, the last one first; lines that are not understood are left out.
    pub fn finished(&self) -> Result<impl Iterator<Item = Result<Entry, TaskError>>, TaskError> {
        // Opened under the lock, so that no file changes its name in between; read without it.
        let lines = {
            let lock = self.lock();
            if let Err(error) = &lock
                && !self.shortage.covers(&self.folder, error)
            {
                // A disk that cannot be written must not keep anybody from reading.
                tracing::warn!("tasks are listed without the lock: {}", error.whole());
            }
            self.archive.lines()?
        };
        Ok(lines.filter_map(|line| match line {
            Ok(line) => parse_line(&line).map(Ok),
            Err(e) => Some(Err(e)),
        }))
    }

    fn lock(&self) -> Result<File, TaskError> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o660);
        let file = owner::open_or_make(&options, &self.lock)
            // Locking needs no right to write, and the disk may be read-only.
            .or_else(|error| File::open(&self.lock).map_err(|_| error))
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
        // One that a killed process left.
        let _ = fs::remove_file(&temp);
        let mut options = OpenOptions::new();
        let mut file = owner::make(options.write(true).mode(0o660), &temp)
            .map_err(TaskError::file("create", &temp))?;
        file.write_all(kept.as_bytes())
            .map_err(TaskError::file("write", &temp))?;
        fs::rename(&temp, &self.active).map_err(TaskError::file("replace", &self.active))
    }

    fn archive_tail(&self) -> Result<HashSet<String>, TaskError> {
        let read = || -> io::Result<String> {
            let mut file = File::open(self.archive.path())?;
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
            Err(e) => Err(TaskError::file("read", self.archive.path())(e)),
        }
    }
}

fn looked(folder: &Path) -> impl FnOnce(io::Error) -> TaskError + use<> {
    TaskError::file("look through", folder)
}

/// Appends all of the text or nothing: half a line would spoil the next one.
fn append(path: &Path, text: &str) -> Result<(), TaskError> {
    let mut options = OpenOptions::new();
    options.append(true).mode(0o660);
    let write = || {
        let mut file = owner::open_or_make(&options, path)?;
        let before = file.metadata()?.len();
        file.write_all(text.as_bytes()).inspect_err(|_| {
            // Fails only where the file could not be read again either.
            let _ = file.set_len(before);
        })
    };
    write().map_err(TaskError::file("append to", path))
}

fn archive_line(upid: &str, end: i64, status: &TaskStatus) -> String {
    format!("{upid} {end:08X} {status}\n")
}

/// When the task of a line ended.
fn end_of(line: &str) -> Option<i64> {
    parse_line(line)?.end.map(|(end, _)| end)
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

//! One journal: made with its first record, added to record by record, read from its beginning, removed when its backup is finished.
//!
//! A record is one small write that nobody waits for: it is with the kernel when the call returns, so the end of this process loses nothing. The
//! end of the machine does, and then nothing in the journal counts unless each chunk was on the disk before it was recorded.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use format::upload_journal::{Header, RECORD_LEN, Record};
use format::{AuthId, Userid};

use super::plan::{Need, Whose};
use super::{changed, forget_all, found, owner_of, plan, read_header, remove};
use crate::clock::unix_now;
use crate::error::StoreError;
use crate::{files, owner};

/// Records of a journal. What is uploaded beyond is stored all the same, and sent again by whoever starts anew: 16 TiB of an image are below.
const RECORDS_MAX: u64 = 4 << 20;
/// After so many records there is a look at what all journals take together.
const LOOK_EVERY: u64 = 4096;
/// Records that are read at once.
const BATCH: u64 = 32 << 10;

/// See the module. One for each session; none of its failures is the session's.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    header: Header,
    records_max: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    trouble: Trouble,
}

/// What went wrong first; the rest follows from it.
#[derive(Debug)]
enum Trouble {
    None,
    Untold(StoreError),
    Told,
}

impl Trouble {
    fn add(&mut self, error: StoreError) {
        if let Trouble::None = self {
            *self = Trouble::Untold(error);
        }
    }
}

#[derive(Debug)]
enum State {
    /// Nothing was recorded yet.
    Absent,
    Open {
        file: File,
        /// Where the records begin.
        start: u64,
        count: u64,
        /// There is no room for more.
        is_full: bool,
    },
    /// The session has ended, or a write failed.
    Closed,
}

impl Journal {
    /// Goes on with what an earlier session left, as far as it can be relied on; the rest is removed.
    pub(super) fn open(path: PathBuf, header: Header) -> Journal {
        let journal = Journal {
            path,
            header,
            records_max: RECORDS_MAX,
            inner: Mutex::new(Inner {
                state: State::Absent,
                trouble: Trouble::None,
            }),
        };
        let mut inner = journal.inner();
        let opened = open_old(&journal.path, &journal.header).and_then(|state| {
            inner.state = state;
            journal.look(&mut inner.state)
        });
        if let Err(error) = opened {
            inner.state = State::Closed;
            inner.trouble.add(error);
        }
        drop(inner);
        journal
    }

    /// One that takes nothing, and why.
    pub(super) fn failed(path: PathBuf, header: Header, error: StoreError) -> Journal {
        Journal {
            path,
            header,
            records_max: RECORDS_MAX,
            inner: Mutex::new(Inner {
                state: State::Closed,
                trouble: Trouble::Untold(error),
            }),
        }
    }

    /// Whether it promises that what it names outlasts a power cut.
    pub(crate) fn is_synced(&self) -> bool {
        self.header.synced
    }

    /// How many records there are.
    pub(crate) fn count(&self) -> u64 {
        match &self.inner().state {
            State::Open { count, .. } => *count,
            State::Absent | State::Closed => 0,
        }
    }

    /// What is recorded by now; nothing if there is nothing.
    pub(crate) fn records(&self) -> Result<Option<Records>, StoreError> {
        let (file, at, count) = match &self.inner().state {
            State::Open {
                file, start, count, ..
            } if *count > 0 && is_linked(file) => {
                let file = file.try_clone();
                let file = file.map_err(StoreError::io("open once more", &self.path))?;
                (file, *start, *count)
            }
            _ => return Ok(None),
        };
        Ok(Some(Records {
            file,
            path: self.path.clone(),
            at,
            left: count,
        }))
    }

    /// The chunk was uploaded in this session and is in the store.
    pub(crate) fn record(&self, record: &Record) {
        let mut inner = self.inner();
        if let Err(error) = self.add(&mut inner.state, record) {
            inner.state = State::Closed;
            inner.trouble.add(error);
        }
    }

    fn add(&self, state: &mut State, record: &Record) -> Result<(), StoreError> {
        if let State::Absent = state {
            let (file, start) = self.create()?;
            *state = State::Open {
                file,
                start,
                count: 0,
                is_full: false,
            };
        }
        match state {
            State::Open {
                file,
                count,
                is_full: false,
                ..
            } if *count < self.records_max => {
                file.write_all(&record.encode())
                    .map_err(StoreError::io("write", &self.path))?;
                *count += 1;
                match count.is_multiple_of(LOOK_EVERY) {
                    true => self.look(state),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether an open journal may grow: it ends if it was removed, since nobody would find it any more, and takes nothing more if all together
    /// take too much.
    fn look(&self, state: &mut State) -> Result<(), StoreError> {
        let State::Open { file, is_full, .. } = state else {
            return Ok(());
        };
        if !is_linked(file) {
            *state = State::Closed;
            return Ok(());
        }
        let room = self.make_room(Need::More)?;
        *is_full = !room;
        Ok(())
    }

    /// Removes what goes for this one; whether there is room then.
    fn make_room(&self, need: Need) -> Result<bool, StoreError> {
        let user = user_of(&self.header.owner);
        let whose = |path: &Path| match owner_of(path) {
            _ if path == self.path => Whose::This,
            Some(owner) if user.is_some() && user_of(&owner) == user => Whose::SameUser,
            _ => Whose::Others,
        };
        let room = plan::make_room(found(self.folder())?, unix_now(), need, whose);
        remove(room.going)?;
        Ok(room.is_enough)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    fn create(&self) -> Result<(File, u64), StoreError> {
        let folder = self.folder();
        owner::make_folders(folder, 0o700).map_err(StoreError::io("create", folder))?;
        self.make_room(Need::One)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(0o600);
        let mut file =
            owner::make(&options, &self.path).map_err(StoreError::io("create", &self.path))?;
        let header = self.header.encode();
        file.write_all(&header)
            .map_err(StoreError::io("write", &self.path))?;
        Ok((file, header.len() as u64))
    }

    /// The backup is finished: its snapshot tells what there is.
    pub(crate) fn discard(&self) {
        let mut inner = self.inner();
        let had = !matches!(inner.state, State::Absent);
        inner.state = State::Closed;
        if had && let Err(error) = files::remove_file(&self.path) {
            inner.trouble.add(error);
        }
    }

    /// Nothing is added any more; what is there stays.
    pub(crate) fn close(&self) {
        self.inner().state = State::Closed;
    }

    /// The disk of the datastore has lost writes, and it cannot be known of which chunks: no journal of it counts any more.
    pub(crate) fn distrust(&self) {
        let mut inner = self.inner();
        inner.state = State::Closed;
        let folder = self.folder();
        if let Err(error) = forget_all(folder) {
            inner.trouble.add(error);
        }
    }

    /// Why something may be missing in it; told once.
    pub(crate) fn trouble(&self) -> Option<StoreError> {
        let mut inner = self.inner();
        match std::mem::replace(&mut inner.trouble, Trouble::Told) {
            Trouble::Untold(error) => Some(error),
            other => {
                inner.trouble = other;
                None
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An earlier session's journal, ready for more.
fn open_old(path: &Path, header: &Header) -> Result<State, StoreError> {
    let failed = |action| StoreError::io(action, path);
    let file = match File::options().read(true).append(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Absent),
        Err(error) => return Err(failed("open")(error)),
    };
    let metadata = file.metadata().map_err(failed("stat"))?;
    let found = read_header(&file).map_err(failed("read"))?;
    let is_young = !plan::is_too_old(changed(&metadata), unix_now());
    let Some((_, start)) = found.filter(|(found, _)| is_young && counts(found, header)) else {
        files::remove_file(path)?;
        return Ok(State::Absent);
    };
    let count = metadata.len().saturating_sub(start) / RECORD_LEN as u64;
    // A full disk may have left a part of a record.
    let end = start + count * RECORD_LEN as u64;
    if metadata.len() != end {
        file.set_len(end).map_err(failed("shorten"))?;
    }
    Ok(State::Open {
        file,
        start,
        count,
        is_full: false,
    })
}

/// Whether a journal's file has its name still.
fn is_linked(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}

/// The user of an owner's text, also where it is one of his tokens.
fn user_of(owner: &str) -> Option<Userid> {
    let who: AuthId = owner.rsplit('\n').next()?.parse().ok()?;
    Some(who.user().clone())
}

/// Whether a journal that was found is the one that is wanted, and what it names can be on the disk; and whether what is recorded from now on may
/// stand beside it.
fn counts(found: &Header, wanted: &Header) -> bool {
    found.owner == wanted.owner
        && (found.boot == wanted.boot || found.synced)
        && (wanted.synced || !found.synced)
}

/// The records of a journal, in batches. What is recorded meanwhile is not among them.
#[derive(Debug)]
pub(crate) struct Records {
    file: File,
    path: PathBuf,
    at: u64,
    left: u64,
}

impl Records {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next ones, as far as they are not damaged; nothing at the end.
    pub(crate) fn batch(&mut self) -> Result<Option<Vec<Record>>, StoreError> {
        let count = self.left.min(BATCH);
        if count == 0 {
            return Ok(None);
        }
        let len = count as usize * RECORD_LEN;
        let mut bytes = vec![0; len];
        match self.file.read_exact_at(&mut bytes, self.at) {
            Ok(()) => {}
            // It was removed meanwhile, and counts no more.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.left = 0;
                return Ok(None);
            }
            Err(error) => return Err(StoreError::io("read", &self.path)(error)),
        }
        self.at += len as u64;
        self.left -= count;
        let (records, _) = bytes.as_chunks::<RECORD_LEN>();
        Ok(Some(records.iter().filter_map(Record::parse).collect()))
    }
}

#[cfg(test)]
mod tests;

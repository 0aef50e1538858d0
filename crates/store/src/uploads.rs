//! What unfinished backups have uploaded, so that the next backup of the same group by the same user need not send it again: one journal for each
//! datastore, group and user, below a folder that is not the datastore's. `docs/formats/upload-journal.md` draws them.
//!
//! A journal names only chunks that this user has really sent: knowing a digest gives nobody a chunk. It is a hint and no more. Whoever goes by it
//! marks each chunk first and looks whether it is still the one that was recorded; a journal that is lost costs time on the wire, and none of
//! its failures is a backup's.

mod journal;
mod plan;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use format::upload_journal::{HEADER_MAX, Header};
use format::{AuthId, Digest, Group, Namespace, StoreName};

use crate::datastore::Datastore;
use crate::error::StoreError;
use crate::files;
use crate::options::SyncLevel;
use plan::Found;

pub(crate) use journal::Journal;

/// Ending of a journal's name.
const ENDING: &str = "uploads";
/// Where the kernel says which run of the machine this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The journals of a server.
#[derive(Debug, Clone)]
pub struct Uploads {
    dir: PathBuf,
    boot: Option<[u8; 16]>,
    /// How many lost writes each datastore had told of when its journals were last relied on.
    losses: Arc<Mutex<HashMap<StoreName, u64>>>,
}

impl Uploads {
    /// Journals below `dir`. `boot` names this run of the machine; without it nothing is recorded, since what a power cut took could not be known.
    pub fn new(dir: impl Into<PathBuf>, boot: Option<[u8; 16]>) -> Uploads {
        Uploads {
            dir: dir.into(),
            boot,
            losses: Arc::default(),
        }
    }

    /// The same for the run of the machine that the kernel tells of.
    pub fn of_this_boot(dir: impl Into<PathBuf>) -> Uploads {
        let text = fs::read_to_string(BOOT_ID).ok();
        let id = text.and_then(|text| uuid::Uuid::parse_str(text.trim()).ok());
        Uploads::new(dir, id.map(uuid::Uuid::into_bytes))
    }

    /// The journal of what `who` uploads to a group. Whoever holds the group's lock is the only one who writes it.
    pub(crate) fn journal(
        &self,
        store: &Datastore,
        ns: &Namespace,
        group: &Group,
        who: &AuthId,
    ) -> Option<Journal> {
        let owner = format!("{}{who}", prefix(ns, group));
        let name = Digest::of(owner.as_bytes()).to_string();
        let path = self
            .folder(store.name())
            .join(format!("{}.{ENDING}", &name[..32]));
        let header = Header {
            boot: self.boot?,
            synced: store.options().sync == SyncLevel::File,
            owner,
        };
        Some(match self.distrust(store) {
            Ok(()) => Journal::open(path, header),
            Err(error) => Journal::failed(path, header, error),
        })
    }

    /// Removes the journals of a datastore that has lost writes since they were last relied on, whoever was told of it: he may not have come to that
    /// yet.
    fn distrust(&self, store: &Datastore) -> Result<(), StoreError> {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        // A datastore that is opened anew counts from the beginning: then they go without need, which costs time only.
        let now = store.chunks().epoch().losses;
        if losses.get(store.name()).copied().unwrap_or(0) != now {
            self.forget_store(store.name())?;
            losses.insert(store.name().clone(), now);
        }
        Ok(())
    }

    /// A group is gone.
    pub fn forget_group(
        &self,
        store: &StoreName,
        ns: &Namespace,
        group: &Group,
    ) -> Result<(), StoreError> {
        let prefix = prefix(ns, group);
        self.forget(store, |owner| owner.starts_with(&prefix))
    }

    /// A namespace is gone, with all below it.
    pub fn forget_namespace(&self, store: &StoreName, ns: &Namespace) -> Result<(), StoreError> {
        let (itself, below) = (format!("{ns}\n"), format!("{ns}/"));
        self.forget(store, |owner| {
            owner.starts_with(&itself) || owner.starts_with(&below)
        })
    }

    /// A datastore is gone, or its disk has lost writes.
    pub fn forget_store(&self, store: &StoreName) -> Result<(), StoreError> {
        forget_all(&self.folder(store))
    }

    /// Removes what is too old at `now` (Unix seconds), in all datastores.
    pub fn tidy(&self, now: i64) -> Result<(), StoreError> {
        for name in files::list_folders(&self.dir)? {
            let folder = self.dir.join(name);
            remove(plan::too_old(&found(&folder)?, now))?;
            // Fails where something is left.
            let _ = fs::remove_dir(&folder);
        }
        Ok(())
    }

    fn folder(&self, store: &StoreName) -> PathBuf {
        self.dir.join(store.as_str())
    }

    fn forget(&self, store: &StoreName, goes: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        for found in found(&self.folder(store))? {
            // What cannot be read is nobody's, and goes by its age.
            if owner_of(&found.path).is_some_and(|owner| goes(&owner)) {
                files::remove_file(&found.path)?;
            }
        }
        Ok(())
    }
}

/// Begins the owner's text of every journal of a group.
fn prefix(ns: &Namespace, group: &Group) -> String {
    format!("{ns}\n{group}\n")
}

fn forget_all(folder: &Path) -> Result<(), StoreError> {
    let all = found(folder)?;
    remove(all.into_iter().map(|found| found.path))?;
    let _ = fs::remove_dir(folder);
    Ok(())
}

fn remove(paths: impl IntoIterator<Item = PathBuf>) -> Result<(), StoreError> {
    paths.into_iter().try_for_each(|path| {
        // A session that has it open would hold its room, and go by what is in it. Where this fails it is removed all the same.
        let file = fs::File::options().write(true).open(&path);
        let _ = file.and_then(|file| file.set_len(0));
        files::remove_file(&path)
    })
}

/// The files of a folder of journals, whatever they are.
fn found(folder: &Path) -> Result<Vec<Found>, StoreError> {
    let mut all = Vec::new();
    for (name, kind) in files::list(folder)? {
        let path = folder.join(name);
        if !kind.is_file() {
            continue;
        }
        match fs::symlink_metadata(&path) {
            Ok(metadata) => all.push(Found {
                changed: changed(&metadata),
                bytes: metadata.len(),
                path,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("stat", &path)(error)),
        }
    }
    Ok(all)
}

/// Unix seconds of the last change; the far past if the file system does not tell.
fn changed(metadata: &fs::Metadata) -> i64 {
    let since = metadata.modified().ok();
    let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn owner_of(path: &Path) -> Option<String> {
    let file = fs::File::open(path).ok()?;
    read_header(&file).ok()?.map(|(header, _)| header.owner)
}

/// The header and where the records begin; nothing if it is not one.
fn read_header(file: &fs::File) -> io::Result<Option<(Header, u64)>> {
    let mut bytes = vec![0; HEADER_MAX];
    let mut len = 0;
    while len < bytes.len() {
        match file.read_at(&mut bytes[len..], len as u64)? {
            0 => break,
            more => len += more,
        }
    }
    let parsed = Header::parse(&bytes[..len]).ok();
    Ok(parsed.map(|(header, end)| (header, end as u64)))
}

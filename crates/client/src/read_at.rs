//! An archive on the server as if it were a local file, for catalogs, mounts and shells: chunks are fetched when they are touched, and the
//! last ones are kept. Any number of threads may read at once; a chunk that several want is fetched once, and whoever reads on in order
//! finds the next chunks fetched already.
//!
//! Calls block, so they belong on a thread outside of the runtime ([`crate::run_blocking`]); inside of it they would panic. What is read for
//! a run ends with it ([`RemoteArchive::ends_with`]): a server that does not answer holds none of its threads.

mod ahead;
mod cache;

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crypto::Key;
use format::{CryptMode, Index};
use pxar::ReadAt;
use tokio::runtime::Handle;

use crate::error::Error;
use crate::fetch::{ChunkOpener, Wanted};
use crate::link::Link;
use crate::pump::Run;

use ahead::Readers;
use cache::{Cache, Found, Name};

/// An index archive that can be read at any place. Clones share everything.
#[derive(Clone)]
pub struct RemoteArchive(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    shelf: Arc<Shelf>,
    index: Index,
    key: Option<Arc<Key>>,
    mode: CryptMode,
    runtime: Handle,
    readers: Mutex<Readers>,
}

/// What all archives of a snapshot share: one budget for all that they hold and fetch.
#[derive(Default)]
pub(crate) struct Shelf {
    cache: Mutex<Cache>,
    /// Something that was on its way has come, or does not come.
    settled: Condvar,
    /// Openers that nobody uses now, each perhaps with the room for a decrypted chunk.
    openers: Mutex<Vec<Opener>>,
}

/// An opener, and for what kind of archives.
type Opener = (CryptMode, ChunkOpener);

/// Openers that are kept.
const OPENERS_MAX: usize = 2;

impl RemoteArchive {
    /// `mode` is the archive's in the manifest, and all archives with the same shelf have the same key.
    pub(crate) fn new(
        (link, shelf): (Arc<Link>, Arc<Shelf>),
        index: Index,
        key: Option<Arc<Key>>,
        mode: CryptMode,
        runtime: Handle,
    ) -> RemoteArchive {
        RemoteArchive(Arc::new(Inner {
            link,
            shelf,
            index,
            key,
            mode,
            runtime,
            readers: Mutex::default(),
        }))
    }

    /// When the run ends early, everybody who reads this or another archive of its snapshot gets [`Error::Stopped`], also in the middle
    /// of a wait for the server.
    pub(crate) fn ends_with(&self, run: &Run) {
        // The run may last longer than the archive, whose session it must not keep.
        let link = Arc::downgrade(&self.0.link);
        run.on_stop(move || {
            if let Some(link) = link.upgrade() {
                link.give_up();
            }
        });
    }

    /// How many chunks it has.
    pub fn chunks(&self) -> u64 {
        self.0.index.len() as u64
    }

    /// A reader with a position of its own.
    pub fn cursor(&self) -> ArchiveCursor {
        ArchiveCursor {
            archive: self.clone(),
            position: 0,
        }
    }

    fn chunk(&self, number: usize) -> Result<Arc<Vec<u8>>, Error> {
        let inner = &self.0;
        let wanted = inner.wanted(number);
        let name = inner.name(&wanted);
        inner.read_ahead(number);
        let mut cache = inner.shelf.cache();
        loop {
            match cache.find(&name) {
                Found::Here(content) => return checked(&wanted, content),
                Found::Missing if cache.has_room(inner.weight(&wanted)) => {
                    let coming = inner.announce(&mut cache, &wanted);
                    drop(cache);
                    let sealed = inner.runtime.block_on(inner.fetch(&wanted))?;
                    let content = inner.open(&wanted, sealed)?;
                    coming.arrived(Arc::clone(&content));
                    return Ok(content);
                }
                // Somebody fetches it, or so much else is on its way that it has to wait.
                Found::Coming | Found::Missing => {
                    let waited = inner.shelf.settled.wait(cache);
                    cache = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

/// An index may name a chunk twice and lie about its size the second time.
fn checked(wanted: &Wanted, content: Arc<Vec<u8>>) -> Result<Arc<Vec<u8>>, Error> {
    let found = content.len() as u64;
    if found == wanted.size {
        return Ok(content);
    }
    Err(Error::ChunkLength {
        digest: wanted.digest,
        expected: wanted.size,
        found,
    })
}

impl Shelf {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn openers(&self) -> MutexGuard<'_, Vec<Opener>> {
        self.openers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wanted(&self, number: usize) -> Wanted {
        let range = self.index.range(number);
        Wanted {
            number: number as u64,
            offset: range.start,
            size: range.end - range.start,
            digest: self.index.digest(number),
        }
    }

    fn name(&self, wanted: &Wanted) -> Name {
        Name {
            digest: wanted.digest,
            encrypted: self.is_encrypted(),
        }
    }

    fn is_encrypted(&self) -> bool {
        self.mode == CryptMode::Encrypt
    }

    /// What a chunk takes while it is on its way: as it came, perhaps decrypted, and its content. None of them is longer than the
    /// content, but for the envelope.
    fn weight(&self, wanted: &Wanted) -> u64 {
        wanted.size * if self.is_encrypted() { 3 } else { 2 }
    }

    fn announce(self: &Arc<Inner>, cache: &mut Cache, wanted: &Wanted) -> Coming {
        let name = self.name(wanted);
        cache.expect(name, self.weight(wanted));
        Coming {
            shelf: Arc::clone(&self.shelf),
            name,
            has_arrived: false,
        }
    }

    async fn fetch(&self, wanted: &Wanted) -> Result<Vec<u8>, Error> {
        let mut sealed = Vec::new();
        self.link.chunk(&wanted.digest, &mut sealed).await?;
        Ok(sealed)
    }

    fn open(&self, wanted: &Wanted, sealed: Vec<u8>) -> Result<Arc<Vec<u8>>, Error> {
        let mut opener = self.opener();
        // As long as its content, since that is what the cache counts.
        let mut content = Vec::new();
        let opened = opener.open(wanted, &sealed, &mut content);
        let mut openers = self.shelf.openers();
        if openers.len() < OPENERS_MAX {
            openers.push((self.mode, opener));
        }
        opened.map(|()| Arc::new(content))
    }

    fn opener(&self) -> ChunkOpener {
        let mut openers = self.shelf.openers();
        let fits = openers.iter().position(|(mode, _)| *mode == self.mode);
        match fits {
            Some(at) => openers.swap_remove(at).1,
            None => ChunkOpener::new(self.key.clone(), self.mode),
        }
    }

    /// Begins to fetch what the reader of chunk `number` will want next, if he reads in order, as far as there is room.
    fn read_ahead(self: &Arc<Inner>, number: usize) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = readers.ahead(number, self.index.len(), |number| self.wanted(number).size);
        drop(readers);
        if ahead.is_empty() {
            return;
        }
        let mut cache = self.shelf.cache();
        let mut missing = Vec::new();
        for wanted in ahead.map(|number| self.wanted(number)) {
            let Found::Missing = cache.find(&self.name(&wanted)) else {
                continue;
            };
            if !cache.has_room_ahead(self.weight(&wanted)) {
                break;
            }
            missing.push((self.announce(&mut cache, &wanted), wanted));
        }
        drop(cache);
        for (coming, wanted) in missing {
            self.fetch_ahead(coming, wanted);
        }
    }

    /// Fetches a chunk that was announced to the cache. If that fails, whoever needs it tries again and is told why.
    fn fetch_ahead(self: &Arc<Inner>, coming: Coming, wanted: Wanted) {
        let inner = Arc::clone(self);
        drop(self.runtime.spawn(async move {
            let sealed = inner.fetch(&wanted).await?;
            let opening = tokio::task::spawn_blocking(move || {
                let content = inner.open(&wanted, sealed)?;
                coming.arrived(content);
                Ok::<_, Error>(())
            });
            opening.await.map_err(|_| Error::Worker)?
        }));
    }
}

/// A chunk that was announced to the cache. However its fetching ends, nobody waits for it for ever.
struct Coming {
    shelf: Arc<Shelf>,
    name: Name,
    has_arrived: bool,
}

impl Coming {
    fn arrived(mut self, content: Arc<Vec<u8>>) {
        self.shelf.cache().arrived(&self.name, content);
        self.has_arrived = true;
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if !self.has_arrived {
            self.shelf.cache().failed(&self.name);
        }
        self.shelf.settled.notify_all();
    }
}

impl ReadAt for RemoteArchive {
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(number) = self.0.index.lookup(offset) else {
            return Ok(0);
        };
        let content = self.chunk(number).map_err(io::Error::other)?;
        let within = (offset - self.0.index.range(number).start) as usize;
        let ready = content.get(within..).unwrap_or_default();
        let len = ready.len().min(out.len());
        out[..len].copy_from_slice(&ready[..len]);
        Ok(len)
    }

    fn size(&self) -> u64 {
        self.0.index.size()
    }
}

/// A position in a [`RemoteArchive`].
#[derive(Clone)]
pub struct ArchiveCursor {
    archive: RemoteArchive,
    position: u64,
}

impl Read for ArchiveCursor {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.archive.read_at(out, self.position)?;
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for ArchiveCursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(distance) => self.archive.size().checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

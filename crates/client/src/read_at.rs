//! An archive on the server as if it were a local file, for catalogs, mounts and shells: chunks are fetched when they are touched, and the
//! last ones are kept. Any number of threads may read at once; a chunk that several want is fetched once, and whoever reads on in order
//! finds the next chunks fetched already.
//!
//! Calls block, so they belong on a thread outside of the runtime ([`crate::run_blocking`]); inside of it they would panic.

mod cache;

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crypto::Key;
use format::{CryptMode, Digest, Index};
use pxar::ReadAt;
use remote::ReaderSession;
use tokio::runtime::Handle;

use crate::error::Error;
use crate::fetch::{ChunkOpener, Wanted};

use cache::{Cache, Found};

/// An index archive that can be read at any place. Clones share the cache.
#[derive(Clone)]
pub struct RemoteArchive(Arc<Inner>);

struct Inner {
    session: Arc<ReaderSession>,
    index: Index,
    key: Option<Arc<Key>>,
    mode: CryptMode,
    runtime: Handle,
    cache: Mutex<Cache>,
    /// Something that was on its way has come, or does not come.
    settled: Condvar,
    /// Openers, and buffers for what they open, that nobody uses now.
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    openers: Vec<ChunkOpener>,
    sealed: Vec<Vec<u8>>,
}

/// Buffers for sealed chunks that are kept.
const SEALED_MAX: usize = 8;

impl RemoteArchive {
    /// `mode` is the archive's in the manifest.
    pub(crate) fn new(
        session: Arc<ReaderSession>,
        index: Index,
        key: Option<Arc<Key>>,
        mode: CryptMode,
        runtime: Handle,
    ) -> RemoteArchive {
        RemoteArchive(Arc::new(Inner {
            session,
            index,
            key,
            mode,
            runtime,
            cache: Mutex::default(),
            settled: Condvar::new(),
            idle: Mutex::default(),
        }))
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
        inner.read_ahead(number);
        let mut cache = inner.cache();
        loop {
            match cache.find(&wanted.digest) {
                Found::Here(content) => return checked(&wanted, content),
                Found::Coming => {
                    let waited = inner.settled.wait(cache);
                    cache = waited.unwrap_or_else(PoisonError::into_inner);
                }
                Found::Missing => {
                    cache.expect(wanted.digest, wanted.size);
                    drop(cache);
                    let coming = Coming::new(inner, wanted.digest);
                    let sealed = inner.runtime.block_on(inner.fetch(&wanted.digest))?;
                    let content = inner.open(&wanted, sealed)?;
                    coming.arrived(Arc::clone(&content));
                    return Ok(content);
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

impl Inner {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self, number: usize) -> Wanted {
        let range = self.index.range(number);
        Wanted {
            number: number as u64,
            offset: range.start,
            size: range.end - range.start,
            digest: self.index.digest(number),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let mut sealed = self.idle().sealed.pop().unwrap_or_default();
        self.session.chunk(digest, &mut sealed).await?;
        Ok(sealed)
    }

    fn open(&self, wanted: &Wanted, sealed: Vec<u8>) -> Result<Arc<Vec<u8>>, Error> {
        let opener = self.idle().openers.pop();
        let mut opener = opener.unwrap_or_else(|| ChunkOpener::new(self.key.clone(), self.mode));
        // As long as its content, since that is what the cache counts.
        let mut content = Vec::new();
        opener.open(wanted, &sealed, &mut content)?;
        let mut idle = self.idle();
        idle.openers.push(opener);
        idle.sealed.push(sealed);
        idle.sealed.truncate(SEALED_MAX);
        Ok(Arc::new(content))
    }

    /// Begins to fetch what the reader of chunk `number` will want next, if he reads in order.
    fn read_ahead(self: &Arc<Inner>, number: usize) {
        let mut cache = self.cache();
        let ahead = cache.ahead(number, self.index.len(), |number| self.wanted(number).size);
        let mut missing = Vec::new();
        for wanted in ahead.map(|number| self.wanted(number)) {
            if let Found::Missing = cache.find(&wanted.digest) {
                cache.expect(wanted.digest, wanted.size);
                missing.push(wanted);
            }
        }
        drop(cache);
        for wanted in missing {
            self.fetch_ahead(wanted);
        }
    }

    /// Fetches a chunk that was announced to the cache. If that fails, whoever needs it tries again and is told why.
    fn fetch_ahead(self: &Arc<Inner>, wanted: Wanted) {
        let coming = Coming::new(self, wanted.digest);
        let inner = Arc::clone(self);
        drop(self.runtime.spawn(async move {
            let sealed = inner.fetch(&wanted.digest).await?;
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
    inner: Arc<Inner>,
    digest: Digest,
    has_arrived: bool,
}

impl Coming {
    fn new(inner: &Arc<Inner>, digest: Digest) -> Coming {
        Coming {
            inner: Arc::clone(inner),
            digest,
            has_arrived: false,
        }
    }

    fn arrived(mut self, content: Arc<Vec<u8>>) {
        self.inner.cache().arrived(&self.digest, content);
        self.has_arrived = true;
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if !self.has_arrived {
            self.inner.cache().failed(&self.digest);
        }
        self.inner.settled.notify_all();
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

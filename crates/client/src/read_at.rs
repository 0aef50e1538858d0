//! An archive on the server as if it were a local file, for catalogs, mounts and shells: chunks are fetched when they are touched, and the
//! last ones are kept.
//!
//! Calls block, so they belong on a thread outside of the runtime ([`crate::run_blocking`]); inside of it they would panic.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use format::Index;
use pxar::ReadAt;
use remote::ReaderSession;
use tokio::runtime::Handle;

use crate::error::Error;
use crate::fetch::{ChunkOpener, Wanted};

/// Bytes of chunks that are kept.
const CACHE_BYTES: u64 = 64 << 20;

/// An index archive that can be read at any place. Clones share the cache.
#[derive(Clone)]
pub struct RemoteArchive(Arc<Inner>);

struct Inner {
    session: Arc<ReaderSession>,
    index: Index,
    runtime: Handle,
    state: Mutex<State>,
}

struct State {
    opener: ChunkOpener,
    sealed: Vec<u8>,
    cache: Cache,
}

impl RemoteArchive {
    pub(crate) fn new(
        session: Arc<ReaderSession>,
        index: Index,
        opener: ChunkOpener,
        runtime: Handle,
    ) -> RemoteArchive {
        RemoteArchive(Arc::new(Inner {
            session,
            index,
            runtime,
            state: Mutex::new(State {
                opener,
                sealed: Vec::new(),
                cache: Cache::default(),
            }),
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
        let inner = &*self.0;
        let mut state = inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(content) = state.cache.get(number) {
            return Ok(content);
        }
        let range = inner.index.range(number);
        let wanted = Wanted {
            number: number as u64,
            offset: range.start,
            size: range.end - range.start,
            digest: inner.index.digest(number),
        };
        let state = &mut *state;
        inner
            .runtime
            .block_on(inner.session.chunk(&wanted.digest, &mut state.sealed))?;
        let mut content = Vec::new();
        state.opener.open(&wanted, &state.sealed, &mut content)?;
        let content = Arc::new(content);
        state.cache.put(number, Arc::clone(&content));
        Ok(content)
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

/// Chunks used last, at the end the newest. Few enough to be searched one by one.
#[derive(Default)]
struct Cache {
    chunks: Vec<(usize, Arc<Vec<u8>>)>,
    bytes: u64,
}

impl Cache {
    fn get(&mut self, number: usize) -> Option<Arc<Vec<u8>>> {
        let at = self.chunks.iter().position(|(n, _)| *n == number)?;
        let chunk = self.chunks.remove(at);
        let content = Arc::clone(&chunk.1);
        self.chunks.push(chunk);
        Some(content)
    }

    fn put(&mut self, number: usize, content: Arc<Vec<u8>>) {
        self.bytes += content.len() as u64;
        self.chunks.push((number, content));
        while self.bytes > CACHE_BYTES && self.chunks.len() > 1 {
            let (_, oldest) = self.chunks.remove(0);
            self.bytes -= oldest.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunk_not_used_for_longest_goes() {
        let mut cache = Cache::default();
        let chunk = || Arc::new(vec![0; 16 << 20]);
        (0..4).for_each(|number| cache.put(number, chunk()));
        assert!(cache.get(0).is_some());
        cache.put(4, chunk());
        assert!(cache.get(1).is_none());
        assert!([0, 2, 3, 4].iter().all(|n| cache.get(*n).is_some()));
        assert_eq!(cache.bytes, CACHE_BYTES);
    }
}

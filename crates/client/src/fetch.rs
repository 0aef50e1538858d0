//! Chunks from the server, fetched ahead of their use and in the order in which they are wanted.
//!
//! A slot of the window is taken before a chunk is asked for and travels with it until its content was used. As slots are given in order,
//! the chunk that everybody waits for always has one.

use std::sync::Arc;

use crypto::{CryptoError, Key, Opener, SealedChunk};
use format::{Blob, CryptMode, Digest};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::link::Link;
use crate::pool::{Buffer, Pool, Stopped};
use crate::queue::Queue;

/// A chunk that an index names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub number: u64,
    /// Where it belongs in the content.
    pub offset: u64,
    pub size: u64,
    pub digest: Digest,
}

impl Wanted {
    fn failed(&self, source: CryptoError) -> Error {
        Error::Open {
            digest: self.digest,
            source,
        }
    }

    fn check_length(&self, found: usize) -> Result<(), Error> {
        if found as u64 == self.size {
            return Ok(());
        }
        Err(Error::ChunkLength {
            digest: self.digest,
            expected: self.size,
            found: found as u64,
        })
    }
}

/// A place in the window.
pub(crate) type Slot = OwnedSemaphorePermit;

/// A chunk as it came.
pub(crate) struct Fetched {
    pub wanted: Wanted,
    pub sealed: Buffer,
    pub slot: Slot,
}

/// Fetches all that is wanted into `queue`. `sealed` has as many buffers as `slots`.
pub(crate) async fn fetch(
    link: &Link,
    wanted: impl Iterator<Item = Wanted>,
    slots: &Arc<Semaphore>,
    sealed: &Pool,
    queue: &Queue<Fetched>,
) -> Result<(), Error> {
    let mut wanted = wanted.peekable();
    let mut requests = FuturesUnordered::new();
    loop {
        let more = wanted.peek().is_some();
        if !more && requests.is_empty() {
            return Ok(());
        }
        tokio::select! {
            slot = Arc::clone(slots).acquire_owned(), if more => {
                let slot = slot.map_err(|_| Stopped)?;
                let Some(wanted) = wanted.next() else { continue };
                let mut sealed = sealed.take()?;
                requests.push(async move {
                    link.chunk(&wanted.digest, &mut sealed).await?;
                    Ok::<_, Error>(Fetched { wanted, sealed, slot })
                });
            }
            Some(fetched) = requests.next(), if !requests.is_empty() => queue.push(fetched?),
        }
    }
}

impl Fetched {
    fn chunk<'a>(&'a self, into: &'a mut [u8]) -> SealedChunk<'a> {
        let size = usize::try_from(self.wanted.size).unwrap_or(usize::MAX);
        let room = size.min(into.len());
        SealedChunk {
            blob: &self.sealed,
            expected: &self.wanted.digest,
            out: &mut into[..room],
        }
    }

    fn content<'a>(
        &self,
        opened: Result<usize, CryptoError>,
        into: &'a [u8],
    ) -> Result<&'a [u8], Error> {
        let len = opened.map_err(|source| self.wanted.failed(source))?;
        self.wanted.check_length(len)?;
        Ok(&into[..len])
    }
}

/// Opens chunks of one archive: checks that they are sealed as the manifest says, and that their content is what the index names.
pub(crate) struct ChunkOpener {
    opener: Opener,
    mode: CryptMode,
}

impl ChunkOpener {
    /// `mode` is the archive's in the manifest.
    pub fn new(key: Option<Arc<Key>>, mode: CryptMode) -> ChunkOpener {
        ChunkOpener {
            opener: Opener::new(key),
            mode,
        }
    }

    /// `into` is cleared and takes the content. This is the last of the four places where integrity is looked at.
    pub fn open(
        &mut self,
        wanted: &Wanted,
        sealed: &[u8],
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.check_mode(wanted, sealed)?;
        let size = usize::try_from(wanted.size).unwrap_or(usize::MAX);
        self.opener
            .open(
                sealed,
                size.min(format::CHUNK_RAW_MAX),
                Some(&wanted.digest),
                into,
            )
            .map_err(|source| wanted.failed(source))?;
        wanted.check_length(into.len())
    }

    /// The same into a buffer of the caller's; returns the part that holds the content.
    pub fn open_into<'a>(
        &mut self,
        fetched: &Fetched,
        into: &'a mut [u8],
    ) -> Result<&'a [u8], Error> {
        self.check_mode(&fetched.wanted, &fetched.sealed)?;
        let opened = self.opener.open_into(fetched.chunk(into));
        fetched.content(opened, into)
    }

    /// Two at once, which is faster than one after the other.
    pub fn open_two<'a>(
        &mut self,
        fetched: [&Fetched; 2],
        [one, two]: [&'a mut [u8]; 2],
    ) -> Result<[&'a [u8]; 2], Error> {
        for fetched in fetched {
            self.check_mode(&fetched.wanted, &fetched.sealed)?;
        }
        let chunks = [fetched[0].chunk(one), fetched[1].chunk(two)];
        let [first, second] = self.opener.open_two(chunks);
        Ok([
            fetched[0].content(first, one)?,
            fetched[1].content(second, two)?,
        ])
    }

    fn check_mode(&self, wanted: &Wanted, sealed: &[u8]) -> Result<(), Error> {
        let blob = Blob::parse(sealed).map_err(|error| wanted.failed(error.into()))?;
        let word = |encrypted| {
            if encrypted {
                "encrypted"
            } else {
                "not encrypted"
            }
        };
        let (found, expected) = (blob.kind().is_encrypted(), self.mode == CryptMode::Encrypt);
        if found == expected {
            return Ok(());
        }
        Err(Error::ChunkMode {
            digest: wanted.digest,
            expected: word(expected),
            found: word(found),
        })
    }
}

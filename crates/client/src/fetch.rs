//! Chunks from the server, fetched ahead of their use and in the order in which they are wanted.
//!
//! A slot of the window is taken before a chunk is asked for and travels with it until its content was used. As slots are given in order,
//! the chunk that everybody waits for always has one.

use std::sync::Arc;

use crypto::{Key, Opener};
use format::{Blob, CryptMode, Digest};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use remote::ReaderSession;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
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
    session: &ReaderSession,
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
                    session.chunk(&wanted.digest, &mut sealed).await?;
                    Ok::<_, Error>(Fetched { wanted, sealed, slot })
                });
            }
            Some(fetched) = requests.next(), if !requests.is_empty() => queue.push(fetched?),
        }
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
        let digest = wanted.digest;
        let failed = |source| Error::Open { digest, source };
        let blob = Blob::parse(sealed).map_err(|error| failed(error.into()))?;
        let word = |encrypted| {
            if encrypted {
                "encrypted"
            } else {
                "not encrypted"
            }
        };
        let (found, expected) = (blob.kind().is_encrypted(), self.mode == CryptMode::Encrypt);
        if found != expected {
            return Err(Error::ChunkMode {
                digest,
                expected: word(expected),
                found: word(found),
            });
        }
        let size = usize::try_from(wanted.size).unwrap_or(usize::MAX);
        self.opener
            .open(sealed, size.min(format::CHUNK_RAW_MAX), Some(&digest), into)
            .map_err(failed)?;
        if into.len() != size {
            return Err(Error::ChunkLength {
                digest,
                expected: wanted.size,
                found: into.len() as u64,
            });
        }
        Ok(())
    }
}

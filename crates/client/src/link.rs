//! The reader session of a restore. Where it is asked to last, a session whose connection broke is opened anew, so that a mount
//! outlives a restart of its server.
//!
//! Whoever wants something meanwhile waits (see `patience`), and all wait for the same attempts. What is fetched over the new session is
//! checked like before: indexes against the manifest, chunks by whoever opens them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use format::{ArchiveName, Digest, ManifestFile};
use remote::{Client, ReaderSession};

use crate::error::Error;
use crate::options::Place;
use crate::patience::{Patience, is_outage};
use crate::pool::Stopped;
use crate::previous::checked_index;

pub(crate) struct Link {
    place: Place,
    current: Mutex<Open>,
    /// Held by whoever connects.
    turn: tokio::sync::Mutex<()>,
    /// The indexes that a session must have seen before it gives out their chunks.
    indexes: Mutex<Vec<ManifestFile>>,
    patience: Option<Arc<Patience>>,
    /// Chunks that came.
    chunks: AtomicU64,
    /// Whether nothing is wanted any more.
    given_up: tokio::sync::watch::Sender<bool>,
}

/// A session, and its number among all that were opened.
#[derive(Clone)]
struct Open {
    session: Arc<ReaderSession>,
    number: u64,
}

impl Link {
    /// A session that lasts as long as its connection.
    pub async fn open(client: &Client, place: &Place) -> Result<Link, Error> {
        Ok(Link::new(start(client, place).await?, place, None))
    }

    /// A session that is opened again and again.
    pub async fn lasting(patience: Arc<Patience>, place: &Place) -> Result<Link, Error> {
        let opening = patience.reach(async |client: Arc<Client>| start(&client, place).await);
        let session = opening.await?;
        Ok(Link::new(session, place, Some(patience)))
    }

    fn new(session: ReaderSession, place: &Place, patience: Option<Arc<Patience>>) -> Link {
        let session = Arc::new(session);
        Link {
            place: place.clone(),
            current: Mutex::new(Open { session, number: 0 }),
            turn: tokio::sync::Mutex::default(),
            indexes: Mutex::default(),
            patience,
            chunks: AtomicU64::new(0),
            given_up: tokio::sync::watch::Sender::new(false),
        }
    }

    /// Whoever waits for a chunk, or will, is told that the restore was stopped.
    pub fn give_up(&self) {
        self.given_up.send_replace(true);
    }

    pub fn chunks_fetched(&self) -> u64 {
        self.chunks.load(Ordering::Relaxed)
    }

    /// A file of the snapshot as stored.
    pub async fn download(&self, name: &ArchiveName) -> Result<Vec<u8>, Error> {
        let mut open = self.open_now();
        loop {
            match open.session.download(name).await {
                Ok(file) => {
                    self.is_well();
                    return Ok(file);
                }
                Err(error) => open = self.another(open, error.into()).await?,
            }
        }
    }

    /// This index was downloaded and is as the manifest says; its chunks will be wanted.
    pub fn knows(&self, file: &ManifestFile) {
        let mut indexes = lock(&self.indexes);
        if !indexes.iter().any(|known| known.filename == file.filename) {
            indexes.push(file.clone());
        }
    }

    /// A chunk as stored, still sealed. `into` is cleared.
    pub async fn chunk(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), Error> {
        let mut given_up = self.given_up.subscribe();
        tokio::select! {
            biased;
            // The sender is our own.
            _ = given_up.wait_for(|given_up| *given_up) => Err(Stopped.into()),
            done = self.chunk_in_time(digest, into) => done,
        }
    }

    async fn chunk_in_time(&self, digest: &Digest, into: &mut Vec<u8>) -> Result<(), Error> {
        let mut open = self.open_now();
        loop {
            match open.session.chunk(digest, into).await {
                Ok(()) => {
                    self.chunks.fetch_add(1, Ordering::Relaxed);
                    self.is_well();
                    return Ok(());
                }
                Err(error) => open = self.another(open, error.into()).await?,
            }
        }
    }

    fn open_now(&self) -> Open {
        lock(&self.current).clone()
    }

    fn is_well(&self) {
        if let Some(patience) = &self.patience {
            patience.is_well();
        }
    }

    /// A session to make a request again that failed with `error`; that error, if it would fail again.
    async fn another(&self, before: Open, error: Error) -> Result<Open, Error> {
        let Some(patience) = self.patience.as_ref().filter(|_| is_outage(&error)) else {
            return Err(error);
        };
        let _turn = self.turn.lock().await;
        let newest = self.open_now();
        if newest.number > before.number {
            return Ok(newest);
        }
        patience.pause(error).await?;
        let reopening = patience.reach(async |client: Arc<Client>| self.reopen(&client).await);
        let open = Open {
            session: Arc::new(reopening.await?),
            number: before.number + 1,
        };
        *lock(&self.current) = open.clone();
        Ok(open)
    }

    /// A new session that knows all indexes of the old one.
    async fn reopen(&self, client: &Client) -> Result<ReaderSession, Error> {
        let session = start(client, &self.place).await?;
        let indexes = lock(&self.indexes).clone();
        for file in &indexes {
            checked_index(file, session.download(&file.filename).await?)?;
        }
        Ok(session)
    }
}

async fn start(client: &Client, place: &Place) -> Result<ReaderSession, Error> {
    let session = client.start_reader(&place.store, &place.namespace, &place.snapshot);
    Ok(session.await?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

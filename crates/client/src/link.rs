//! The reader session of a restore. Where it is asked to last, a session whose connection broke is opened anew, so that a mount
//! outlives a restart of its server.
//!
//! Whoever wants something meanwhile waits, and all wait for the same attempts. What is fetched over the new session is checked like
//! before: indexes against the manifest, chunks by whoever opens them. An outage begins with the first request that fails and ends with
//! the first that succeeds, so a server that lets everybody in and then drops him is given up too. Once it was given up, each request
//! costs one attempt at most, and a short while none, so that nobody waits long for an error.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use format::{ArchiveName, Digest, ManifestFile};
use remote::{Client, ReaderSession};
use tokio::time::Instant;

use crate::error::Error;
use crate::options::Place;
use crate::previous::checked_index;

/// The pause before the second attempt; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long a server that was given up is not asked again.
const REST: Duration = Duration::from_secs(2);

/// How a session is kept up.
pub struct Reconnect {
    pub client: Arc<Client>,
    /// How long whoever reads waits for the server.
    pub patience: Duration,
    pub tell: Box<dyn Fn(&Outage<'_>) + Send + Sync>,
}

/// What is told of a server that cannot be reached.
#[derive(Debug)]
pub enum Outage<'a> {
    /// It is gone; reads wait.
    Begins {
        error: &'a Error,
        patience: Duration,
    },
    /// It answers again after so long.
    Over(Duration),
    /// Reads fail from now on, until it answers.
    GivenUp { error: &'a Error, after: Duration },
}

pub(crate) struct Link {
    place: Place,
    current: Mutex<Current>,
    /// Held by whoever connects.
    turn: tokio::sync::Mutex<()>,
    /// The indexes that a session must have seen before it gives out their chunks.
    indexes: Mutex<Vec<ManifestFile>>,
    reconnect: Option<Reconnect>,
    /// Chunks that came.
    chunks: AtomicU64,
}

/// A session, and its number among all that were opened.
#[derive(Clone)]
struct Open {
    session: Arc<ReaderSession>,
    number: u64,
}

struct Current {
    open: Open,
    trouble: Option<Trouble>,
}

struct Trouble {
    since: Instant,
    attempts: u32,
    given_up: Option<(Instant, Arc<Error>)>,
}

impl Link {
    pub async fn open(client: &Client, place: &Place) -> Result<Link, Error> {
        Ok(Link {
            current: Mutex::new(Current {
                open: Open {
                    session: Arc::new(start(client, place).await?),
                    number: 0,
                },
                trouble: None,
            }),
            place: place.clone(),
            turn: tokio::sync::Mutex::default(),
            indexes: Mutex::default(),
            reconnect: None,
            chunks: AtomicU64::new(0),
        })
    }

    pub fn lasting(&mut self, reconnect: Reconnect) {
        self.reconnect = Some(reconnect);
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
        lock(&self.current).open.clone()
    }

    /// Something came, so the trouble is over.
    fn is_well(&self) {
        let trouble = lock(&self.current).trouble.take();
        if let (Some(trouble), Some(reconnect)) = (trouble, &self.reconnect) {
            (reconnect.tell)(&Outage::Over(trouble.since.elapsed()));
        }
    }

    /// A session to make a request again that failed with `error`; that error, if it would fail again.
    async fn another(&self, before: Open, error: Error) -> Result<Open, Error> {
        let Some(reconnect) = self.reconnect.as_ref().filter(|_| is_outage(&error)) else {
            return Err(error);
        };
        let _turn = self.turn.lock().await;
        let newest = self.open_now();
        if newest.number > before.number {
            return Ok(newest);
        }
        let mut error = error;
        loop {
            self.pause(error, reconnect).await?;
            match self.reopen(&reconnect.client).await {
                Ok(session) => {
                    let open = Open {
                        session: Arc::new(session),
                        number: before.number + 1,
                    };
                    lock(&self.current).open = open.clone();
                    return Ok(open);
                }
                Err(failed) if is_outage(&failed) => error = failed,
                Err(failed) => return Err(failed),
            }
        }
    }

    /// Waits before the next attempt; an error if the server has been given up.
    async fn pause(&self, error: Error, reconnect: &Reconnect) -> Result<(), Error> {
        let Reconnect { patience, tell, .. } = reconnect;
        let mut begins = false;
        let (since, attempts, given_up) = {
            let mut current = lock(&self.current);
            let trouble = current.trouble.get_or_insert_with(|| {
                begins = true;
                Trouble {
                    since: Instant::now(),
                    attempts: 0,
                    given_up: None,
                }
            });
            trouble.attempts = trouble.attempts.saturating_add(1);
            (trouble.since, trouble.attempts, trouble.given_up.clone())
        };
        if begins && !patience.is_zero() {
            let patience = *patience;
            tell(&Outage::Begins {
                error: &error,
                patience,
            });
        }
        if let Some((when, before)) = given_up {
            // One attempt for each request, unless there was one right now.
            return match when.elapsed() < REST {
                true => Err(out_of_reach(since, before)),
                false => {
                    self.give_up(Arc::new(error));
                    Ok(())
                }
            };
        }
        let left = (since + *patience).saturating_duration_since(Instant::now());
        if left.is_zero() {
            let after = since.elapsed();
            tell(&Outage::GivenUp {
                error: &error,
                after,
            });
            let error = Arc::new(error);
            self.give_up(Arc::clone(&error));
            return Err(out_of_reach(since, error));
        }
        if attempts > 1 {
            let pause = PAUSE_FIRST * 2_u32.saturating_pow((attempts - 2).min(10));
            tokio::time::sleep(pause.min(PAUSE_MAX).min(left)).await;
        }
        Ok(())
    }

    fn give_up(&self, error: Arc<Error>) {
        if let Some(trouble) = &mut lock(&self.current).trouble {
            trouble.given_up = Some((Instant::now(), error));
        }
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

fn is_outage(error: &Error) -> bool {
    matches!(error, Error::Remote(error) if error.is_outage())
}

fn out_of_reach(since: Instant, source: Arc<Error>) -> Error {
    Error::OutOfReach {
        seconds: since.elapsed().as_secs(),
        source,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

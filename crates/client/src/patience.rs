//! How long is waited for a server that goes away, and what is told meanwhile: the same rules for everything that reads from a server it
//! has reached once, from the first request after the login on.
//!
//! An outage begins with the first request that fails and ends with the first that succeeds, so a server that lets everybody in and then
//! drops him is given up too. Once it was given up, each request costs one attempt at most, and a short while none, so that nobody waits
//! long for an error.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use remote::Client;
use tokio::time::Instant;

use crate::error::Error;

/// The pause before the second attempt; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How long a server that was given up is not asked again.
const REST: Duration = Duration::from_secs(2);

/// Waits for one server; shared by all that is read from it.
pub struct Patience {
    client: Arc<Client>,
    limit: Duration,
    tell: Box<dyn Fn(&Outage<'_>) + Send + Sync>,
    trouble: Mutex<Option<Trouble>>,
}

/// What is told of a server that cannot be reached.
#[derive(Debug)]
pub enum Outage<'a> {
    /// It is gone; requests wait.
    Begins { error: &'a Error, limit: Duration },
    /// It answers again after so long.
    Over(Duration),
    /// Requests fail from now on, until it answers.
    GivenUp { error: &'a Error, after: Duration },
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

struct Trouble {
    since: Instant,
    attempts: u32,
    given_up: Option<(Instant, Arc<Error>)>,
}

impl Patience {
    /// Whoever asks waits for the server up to `limit`; `tell` hears of each outage.
    pub fn new(
        client: Arc<Client>,
        limit: Duration,
        tell: impl Fn(&Outage<'_>) + Send + Sync + 'static,
    ) -> Patience {
        Patience {
            client,
            limit,
            tell: Box::new(tell),
            trouble: Mutex::default(),
        }
    }

    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Does `request`, again and again while the server is out of reach.
    pub async fn ask<T, F>(&self, mut request: impl FnMut(Arc<Client>) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let answer = self.reach(&mut request).await?;
        self.is_well();
        Ok(answer)
    }

    /// As [`Self::ask`], for what does not prove yet that the outage is over.
    pub(crate) async fn reach<T, F>(
        &self,
        mut request: impl FnMut(Arc<Client>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            match request(Arc::clone(&self.client)).await {
                Err(error) if is_outage(&error) => self.pause(error).await?,
                other => return other,
            }
        }
    }

    /// How long is waited.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Something came, so the trouble is over.
    pub(crate) fn is_well(&self) {
        let trouble = self.trouble().take();
        if let Some(trouble) = trouble {
            (self.tell)(&Outage::Over(trouble.since.elapsed()));
        }
    }

    /// Waits before the next attempt; an error if the server has been given up.
    pub(crate) async fn pause(&self, error: Error) -> Result<(), Error> {
        let mut begins = false;
        let (since, attempts, given_up) = {
            let mut trouble = self.trouble();
            let trouble = trouble.get_or_insert_with(|| {
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
        if begins && !self.limit.is_zero() {
            (self.tell)(&Outage::Begins {
                error: &error,
                limit: self.limit,
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
        let left = (since + self.limit).saturating_duration_since(Instant::now());
        if left.is_zero() {
            let after = since.elapsed();
            (self.tell)(&Outage::GivenUp {
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
        if let Some(trouble) = &mut *self.trouble() {
            trouble.given_up = Some((Instant::now(), error));
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn is_outage(error: &Error) -> bool {
    matches!(error, Error::Remote(error) if error.is_outage())
}

/// Whether an outage is what caused an error, however deep: where an archive is read as if it were a file, it comes as an error of reading.
pub(crate) fn comes_of_outage(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(remote) = error.downcast_ref::<remote::Error>() {
            return remote.is_outage();
        }
        // A transparent error hides what it is made of, and a box the error in it.
        match error.downcast_ref::<Error>() {
            Some(Error::Remote(remote)) => return remote.is_outage(),
            Some(Error::Backup { source, .. } | Error::Restore { source, .. }) => {
                next = Some(&**source);
                continue;
            }
            _ => {}
        }
        let wrapped = error.downcast_ref::<std::io::Error>();
        if let Some(inner) = wrapped.and_then(|error| error.get_ref())
            && comes_of_outage(inner)
        {
            return true;
        }
        next = error.source();
    }
    false
}

fn out_of_reach(since: Instant, source: Arc<Error>) -> Error {
    Error::OutOfReach {
        seconds: since.elapsed().as_secs(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_comes_of_an_outage() {
        let ended = || remote::Error::Ended {
            server: "vault".to_owned(),
        };
        let refused = || remote::Error::Refused {
            request: "GET x".to_owned(),
            status: 400,
            text: "no".to_owned(),
        };
        let archive = "a.pxar.didx".parse().expect("name");
        let file = |source: io::Error| Error::File {
            action: "read",
            path: "x".into(),
            source,
        };
        for (name, error, expected) in [
            ("plain", Error::Remote(ended()), true),
            ("refused", Error::Remote(refused()), false),
            (
                "of an archive",
                Error::Remote(ended()).in_backup(&archive),
                true,
            ),
            ("read", file(io::Error::other(Error::Remote(ended()))), true),
            ("a file", file(io::Error::other("broken")), false),
            (
                "deep",
                file(io::Error::other(pxar::AccessError::Io {
                    offset: 7,
                    source: io::Error::other(Error::Remote(ended())),
                })),
                true,
            ),
            ("ours", Error::Worker, false),
        ] {
            assert_eq!(comes_of_outage(&error), expected, "{name}");
        }
    }
}

//! Where uploaded bodies are worked on: a few threads of their own. Their number is about that of the cores, since the work is decoding and
//! hashing; more would only hold more memory. A body in a buffer is worked on where it is; one that waited elsewhere is brought into
//! memory first. What the work is, callers say.

use std::io::{self, Read as _};
use std::sync::Arc;

use format::StoreName;

use crate::blocking::{Broken, Crew};
use crate::shares::{Parts, Shares};
use crate::transfer::intake::{Content, Received};

/// The threads; cheap to clone.
#[derive(Debug, Clone)]
pub struct Workshop {
    turns: Arc<Shares<StoreName>>,
    crew: Crew,
}

#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("cannot read back a spooled upload")]
    Spool(#[from] io::Error),
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl Workshop {
    /// At most `workers` bodies of one datastore are worked on at the same time. One of these works for that datastore alone: bodies that wait for
    /// another one's disk do not keep it from its work.
    pub fn new(workers: usize) -> Workshop {
        let shared = workers.saturating_sub(1);
        let parts = Parts {
            shared,
            own: 1,
            most: shared + 1,
        };
        Workshop {
            turns: Arc::new(Shares::new(parts)),
            crew: Crew::new("upload", shared),
        }
    }

    /// Runs `work` on the bytes of a body for a datastore. It runs to its end even if the caller goes away.
    pub async fn run<T, F>(
        &self,
        store: &StoreName,
        received: Received,
        work: F,
    ) -> Result<T, WorkError>
    where
        T: Send + 'static,
        F: FnOnce(&mut [u8]) -> T + Send + 'static,
    {
        let turn = self.turns.of(store).own_first().await.ok_or(Broken)?;
        let is_own = turn.is_own;
        let run = move || {
            let done = with_bytes(received, work);
            drop(turn);
            done
        };
        Ok(match is_own {
            true => self.crew.beside(run).await??,
            false => self.crew.run(run).await??,
        })
    }
}

fn with_bytes<T>(received: Received, work: impl FnOnce(&mut [u8]) -> T) -> io::Result<T> {
    let mut space = Vec::new();
    match received.content {
        Content::Memory(mut buffer) => return Ok(work(buffer.bytes_mut())),
        Content::Window(waiting) => {
            space.reserve_exact(received.length);
            waiting.copy_to(&mut space);
        }
        Content::Spool(mut file) => {
            space.reserve_exact(received.length);
            file.read_to_end(&mut space)?;
        }
    }
    Ok(work(&mut space))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::transfer::memory::Memory;

    /// As many uploads to a silent disk as there were threads, and nobody's backup went on.
    #[tokio::test]
    async fn silent_disks_keep_no_others_from_their_work() {
        let workshop = Workshop::new(3);
        let memory = Memory::new(0);
        let body = || Received::whole(memory.try_take(1).expect("memory"));
        let store = |name: &str| name.parse::<StoreName>().expect("name");
        let mut stuck = Vec::new();
        let (begin, begun) = mpsc::channel();
        let mut free = Vec::new();
        // The first holds all that one may, the second its own.
        for name in ["one", "one", "one", "one", "two", "two"] {
            let (end, ended) = mpsc::channel::<()>();
            free.push(end);
            let (workshop, begin, body) = (workshop.clone(), begin.clone(), body());
            let store = store(name);
            stuck.push(tokio::spawn(async move {
                let work = move |_: &mut [u8]| {
                    begin.send(()).expect("heard");
                    ended.recv().is_err()
                };
                workshop.run(&store, body, work).await.expect("runs")
            }));
        }
        tokio::task::yield_now().await;
        for _ in 0..4 {
            begun.recv().expect("begun");
        }
        assert!(begun.try_recv().is_err(), "further ones wait");
        for name in ["three", "four", "three"] {
            let done = workshop.run(&store(name), body(), |_| 7).await;
            assert_eq!(done.expect("runs"), 7, "{name}");
        }
        drop(free);
        for ended in stuck {
            assert!(ended.await.expect("ended"));
        }
    }
}

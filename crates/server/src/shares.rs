//! Turns that are waited for, shared out by key (a datastore): most are for all, and each key has a few of its own beside. So however many keys hold
//! theirs for ever, as those do whose disks do not answer, every other one goes on. All there are is what is shared and what the keys have of their
//! own, so it is bounded by the configuration.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// With more keys than this those that nobody uses are forgotten.
const KEYS_KEPT: usize = 64;

/// How many turns there are.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    /// For all keys together.
    pub shared: usize,
    /// Of each key, beside these.
    pub own: usize,
    /// What one key may hold at the same time.
    pub most: usize,
}

/// The turns.
#[derive(Debug)]
pub struct Shares<K> {
    parts: Parts,
    shared: Arc<Semaphore>,
    keys: Mutex<HashMap<K, Arc<Key>>>,
}

#[derive(Debug)]
struct Key {
    parts: Parts,
    own: Arc<Semaphore>,
    most: Arc<Semaphore>,
}

/// The turns of one key; cheap to clone.
#[derive(Debug, Clone)]
pub struct Line {
    shared: Arc<Semaphore>,
    key: Arc<Key>,
}

/// A turn, until dropped.
#[derive(Debug)]
pub struct Held {
    /// Whether it is one of the key's own.
    pub is_own: bool,
    _turn: OwnedSemaphorePermit,
    _most: OwnedSemaphorePermit,
}

impl<K: Eq + Hash + Clone> Shares<K> {
    pub fn new(parts: Parts) -> Shares<K> {
        Shares {
            parts,
            shared: Arc::new(Semaphore::new(parts.shared)),
            keys: Mutex::default(),
        }
    }

    /// The turns of a key.
    pub fn of(&self, key: &K) -> Line {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_KEPT {
            // One that is waited for or held has turns out; one of which only a line is kept is no more than that line.
            keys.retain(|_, key| {
                Arc::strong_count(key) > 1 || key.most.available_permits() < self.parts.most
            });
        }
        let key = keys.entry(key.clone()).or_insert_with(|| {
            Arc::new(Key {
                parts: self.parts,
                own: Arc::new(Semaphore::new(self.parts.own)),
                most: Arc::new(Semaphore::new(self.parts.most)),
            })
        });
        Line {
            shared: Arc::clone(&self.shared),
            key: Arc::clone(key),
        }
    }
}

impl Line {
    /// Waits for a turn; takes one of its own only while none of the shared is free. Nothing once the semaphores are closed, which never is.
    pub async fn shared_first(&self) -> Option<Held> {
        // First this, so that nobody who waits here holds one that others could use.
        let most = Arc::clone(&self.key.most).acquire_owned().await.ok()?;
        let (shared, own) = self.both();
        tokio::select! {
            biased;
            turn = shared.acquire_owned() => Held::new(turn, most, false),
            turn = own.acquire_owned() => Held::new(turn, most, true),
        }
    }

    /// The same the other way round: takes a shared one only while none of its own is free.
    pub async fn own_first(&self) -> Option<Held> {
        let most = Arc::clone(&self.key.most).acquire_owned().await.ok()?;
        let (shared, own) = self.both();
        tokio::select! {
            biased;
            turn = own.acquire_owned() => Held::new(turn, most, true),
            turn = shared.acquire_owned() => Held::new(turn, most, false),
        }
    }

    /// Waits for so many at once, or for all that there ever are: shared ones, or if it has enough of them its own.
    pub async fn many(&self, count: usize) -> Option<Held> {
        let (count, for_own) = self.bounded(count);
        let most = Arc::clone(&self.key.most).acquire_many_owned(count);
        let most = most.await.ok()?;
        let (shared, own) = self.both();
        let shared = shared.acquire_many_owned(count);
        if !for_own {
            return Held::new(shared.await, most, false);
        }
        tokio::select! {
            biased;
            turns = shared => Held::new(turns, most, false),
            turns = own.acquire_many_owned(count) => Held::new(turns, most, true),
        }
    }

    /// The same if they are free now.
    pub fn many_now(&self, count: usize) -> Option<Held> {
        let (count, for_own) = self.bounded(count);
        let most = Arc::clone(&self.key.most).try_acquire_many_owned(count);
        let most = most.ok()?;
        let (shared, own) = self.both();
        let turns = |from: Arc<Semaphore>| from.try_acquire_many_owned(count).ok();
        let (turns, is_own) = match turns(shared) {
            Some(turns) => (turns, false),
            None => (for_own.then(|| turns(own)).flatten()?, true),
        };
        Some(Held {
            is_own,
            _turn: turns,
            _most: most,
        })
    }

    /// No more than can be had, and whether its own ones would be enough.
    fn bounded(&self, count: usize) -> (u32, bool) {
        let parts = self.key.parts;
        let count = count.min(parts.most).min(parts.shared);
        (u32::try_from(count).unwrap_or(u32::MAX), count <= parts.own)
    }

    fn both(&self) -> (Arc<Semaphore>, Arc<Semaphore>) {
        (Arc::clone(&self.shared), Arc::clone(&self.key.own))
    }
}

impl Held {
    /// Gives back all but so many.
    pub fn keep(&mut self, count: usize) {
        for permit in [&mut self._turn, &mut self._most] {
            let rest = permit.num_permits().saturating_sub(count);
            drop(permit.split(rest));
        }
    }

    fn new(
        turn: Result<OwnedSemaphorePermit, tokio::sync::AcquireError>,
        most: OwnedSemaphorePermit,
        is_own: bool,
    ) -> Option<Held> {
        Some(Held {
            is_own,
            _turn: turn.ok()?,
            _most: most,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const PARTS: Parts = Parts {
        shared: 4,
        own: 1,
        most: 3,
    };

    fn take(shares: &Shares<&str>, key: &'static str) -> Option<Held> {
        shares.of(&key).shared_first().now_or_never().flatten()
    }

    /// Enough of them that held all they could took all there were.
    #[tokio::test]
    async fn whoever_holds_all_he_can_leaves_others_theirs() {
        let shares = Shares::new(PARTS);
        let mut held = Vec::new();
        for key in ["a", "b", "c", "d", "e"] {
            while let Some(turn) = take(&shares, key) {
                held.push(turn);
            }
        }
        assert_eq!(held.len(), 4 + 4, "the first had its most without its own");
        assert_eq!(held.iter().filter(|turn| turn.is_own).count(), 4);
        let other = take(&shares, "f").expect("its own");
        assert!(other.is_own && take(&shares, "f").is_none());
        // As soon as one of the shared is free it is taken.
        held.retain(|turn| turn.is_own);
        let shared = take(&shares, "f").expect("a shared one");
        assert!(!shared.is_own);
    }

    #[tokio::test]
    async fn one_key_holds_no_more_than_it_may() {
        let shares = Shares::new(PARTS);
        let held: Vec<_> = (0..3).map(|_| take(&shares, "a")).collect();
        assert!(held.iter().flatten().all(|turn| !turn.is_own));
        assert!(take(&shares, "a").is_none(), "three are its most");
        drop(held);
        let first = shares.of(&"a").own_first().await.expect("one");
        let second = shares.of(&"a").own_first().await.expect("one");
        assert!(first.is_own && !second.is_own);
    }

    #[tokio::test]
    async fn many_at_once_come_from_one_place() {
        let parts = Parts {
            shared: 10,
            own: 2,
            most: 6,
        };
        let shares = Shares::new(parts);
        let all = |key, count| shares.of(&key).many_now(count);
        let first = all("a", 100).expect("all that it may hold");
        assert!(all("a", 1).is_none(), "it holds its most");
        let rest = all("b", 4).expect("the rest");
        assert!(all("b", 3).is_none(), "more than its own");
        let own = all("b", 2).expect("its own");
        assert!(!first.is_own && !rest.is_own && own.is_own);
        let waits = shares.of(&"c");
        let mut waits = std::pin::pin!(waits.many(3));
        assert!((&mut waits).now_or_never().is_none());
        drop(rest);
        assert!(
            waits
                .now_or_never()
                .flatten()
                .is_some_and(|held| !held.is_own)
        );
    }

    #[tokio::test]
    async fn keys_that_nobody_uses_are_forgotten_and_no_others() {
        let shares = Shares::new(PARTS);
        let held = shares.of(&0).own_first().await.expect("a turn");
        let line = shares.of(&1);
        for key in 2..1000 {
            shares.of(&key);
        }
        let keys = shares.keys.lock().expect("lock");
        assert!(keys.len() <= KEYS_KEPT, "{}", keys.len());
        assert!(keys.contains_key(&0) && keys.contains_key(&1));
        drop((held, line));
    }
}

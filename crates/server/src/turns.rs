//! A few turns for costly work, shared out so that nobody has them all: each key (a user) holds at most his part. Nobody waits for a turn here;
//! whoever gets none is told to come again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use format::{StoreName, Userid};

/// The turns. Remembers only keys that hold one.
#[derive(Debug)]
pub struct Turns<K: Eq + Hash> {
    total: usize,
    each: usize,
    held: Mutex<HashMap<K, usize>>,
}

/// One turn, until dropped.
#[derive(Debug)]
pub struct Turn<K: Eq + Hash> {
    turns: Arc<Turns<K>>,
    key: K,
}

impl<K: Eq + Hash + Clone> Turns<K> {
    /// `total` turns in all, `each` for one key.
    pub fn new(total: usize, each: usize) -> Arc<Turns<K>> {
        Arc::new(Turns {
            total,
            each,
            held: Mutex::default(),
        })
    }

    /// A turn, if one is free and the key has not enough of them.
    pub fn take(self: &Arc<Turns<K>>, key: K) -> Option<Turn<K>> {
        let mut held = self.held();
        let mine = held.get(&key).copied().unwrap_or_default();
        if mine >= self.each || held.values().sum::<usize>() >= self.total {
            return None;
        }
        held.insert(key.clone(), mine + 1);
        Some(Turn {
            turns: Arc::clone(self),
            key,
        })
    }
}

impl<K: Eq + Hash> Turns<K> {
    fn held(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Turn<K> {
    fn drop(&mut self) {
        let mut held = self.turns.held();
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

/// Turns for what needs the disk of a datastore for long, as downloads and searches do: shared out by user, and each datastore has some of its own. So
/// one whose disk does not answer leaves others theirs, also if all shared turns wait there.
#[derive(Debug, Clone)]
pub struct StoreTurns {
    shared: Arc<Turns<Userid>>,
    own: Arc<Turns<StoreName>>,
}

/// One of them, until dropped.
#[derive(Debug)]
pub enum StoreTurn {
    Shared(Turn<Userid>),
    Own(Turn<StoreName>),
}

impl StoreTurns {
    /// `total` turns in all, `of_user` for one user, and beside these `of_store` for each datastore.
    pub fn new(total: usize, of_user: usize, of_store: usize) -> StoreTurns {
        StoreTurns {
            shared: Turns::new(total, of_user),
            own: Turns::new(usize::MAX, of_store),
        }
    }

    /// A turn, if one is free that this user may have.
    pub fn take(&self, user: &Userid, store: &StoreName) -> Option<StoreTurn> {
        let shared = self.shared.take(user.clone()).map(StoreTurn::Shared);
        shared.or_else(|| self.own.take(store.clone()).map(StoreTurn::Own))
    }
}

/// Turns shared out by user of which each user has some of his own beside, so that many others who take all leave him those.
#[derive(Debug, Clone)]
pub struct UserTurns {
    shared: Arc<Turns<Userid>>,
    own: Arc<Turns<Userid>>,
}

impl UserTurns {
    /// `total` turns in all, `of_user` for one user, and beside these `own` for each.
    pub fn new(total: usize, of_user: usize, own: usize) -> UserTurns {
        UserTurns {
            shared: Turns::new(total, of_user),
            own: Turns::new(usize::MAX, own),
        }
    }

    /// A turn, if one is free that this user may have.
    pub fn take(&self, user: &Userid) -> Option<Turn<Userid>> {
        let shared = self.shared.take(user.clone());
        shared.or_else(|| self.own.take(user.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_them_all() {
        let turns = Turns::new(3, 2);
        let mine = [turns.take("a"), turns.take("a")];
        assert!(mine.iter().all(Option::is_some));
        assert!(turns.take("a").is_none(), "his part");
        let other = turns.take("b");
        assert!(other.is_some(), "somebody else's");
        assert!(turns.take("c").is_none(), "all are taken");
        drop(mine);
        assert!(turns.take("a").is_some());
        drop(other);
        assert!(turns.held().is_empty());
    }

    /// Eleven users without any right watched all the events that could be watched, and the administrator none.
    #[test]
    fn a_crowd_that_takes_all_leaves_each_his_own() {
        let streams = UserTurns::new(10, 4, 1);
        let [a, b, c, admin]: [Userid; 4] =
            ["a@pbs", "b@pbs", "c@pbs", "admin@pbs"].map(|user| user.parse().unwrap());
        let mut held = Vec::new();
        for user in [&a, &b, &c] {
            while let Some(turn) = streams.take(user) {
                held.push(turn);
            }
        }
        assert_eq!(held.len(), 10 + 3);
        assert!(streams.take(&admin).is_some());
    }

    /// Two users who downloaded from a silent disk had all turns; each of them had all that he may have elsewhere.
    #[test]
    fn downloads_of_one_datastore_leave_others_theirs() {
        let downloads = StoreTurns::new(4, 2, 1);
        let users: [Userid; 3] = ["a@pbs", "b@pbs", "c@pbs"].map(|user| user.parse().unwrap());
        let [silent, fine]: [StoreName; 2] = ["silent", "fine"].map(|name| name.parse().unwrap());
        let mut held = Vec::new();
        for user in &users {
            while let Some(turn) = downloads.take(user, &silent) {
                held.push(turn);
            }
        }
        assert_eq!(held.len(), 4 + 1);
        for user in &users {
            let turn = downloads.take(user, &fine);
            assert!(turn.is_some(), "{user}");
            assert!(downloads.take(user, &fine).is_none(), "one of its own");
        }
    }
}

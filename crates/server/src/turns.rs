//! A few turns for costly work, shared out so that nobody has them all: each key (a user) holds at most his part. Nobody waits for a turn here;
//! whoever gets none is told to come again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
}

//! What was used last, up to a total weight; what was not used for longest goes first.
//!
//! The value that was put last stays even if it is heavier than the limit, since its user needs it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(crate) struct Recent<V> {
    entries: HashMap<u64, Kept<V>>,
    /// When an entry was used last, and its key.
    order: BTreeMap<u64, u64>,
    now: u64,
    weight: usize,
    weight_max: usize,
}

struct Kept<V> {
    value: Arc<V>,
    used: u64,
    weight: usize,
}

impl<V> Recent<V> {
    pub(crate) fn new(weight_max: usize) -> Recent<V> {
        Recent {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            now: 0,
            weight: 0,
            weight_max,
        }
    }

    pub(crate) fn get(&mut self, key: u64) -> Option<Arc<V>> {
        let kept = self.entries.get_mut(&key)?;
        self.order.remove(&kept.used);
        self.now += 1;
        kept.used = self.now;
        self.order.insert(self.now, key);
        Some(Arc::clone(&kept.value))
    }

    pub(crate) fn put(&mut self, key: u64, value: Arc<V>, weight: usize) {
        self.remove(key);
        self.now += 1;
        self.order.insert(self.now, key);
        self.weight += weight;
        let kept = Kept {
            value,
            used: self.now,
            weight,
        };
        self.entries.insert(key, kept);
        while self.weight > self.weight_max && self.entries.len() > 1 {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            if let Some(kept) = self.entries.remove(&oldest) {
                self.weight -= kept.weight;
            }
        }
    }

    pub(crate) fn remove(&mut self, key: u64) {
        if let Some(kept) = self.entries.remove(&key) {
            self.order.remove(&kept.used);
            self.weight -= kept.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_not_used_for_longest_goes() {
        let mut recent = Recent::new(10);
        for key in 0..3 {
            recent.put(key, Arc::new(key), 3);
        }
        assert!(recent.get(0).is_some());
        recent.put(3, Arc::new(3), 3);
        assert!(recent.get(1).is_none());
        assert!([0, 2, 3].into_iter().all(|key| recent.get(key).is_some()));
        recent.put(4, Arc::new(4), 100);
        assert_eq!((recent.entries.len(), recent.weight), (1, 100));
        recent.put(4, Arc::new(5), 1);
        assert_eq!((recent.get(4).as_deref(), recent.weight), (Some(&5), 1));
        recent.remove(4);
        assert_eq!(
            (recent.entries.len(), recent.order.len(), recent.weight),
            (0, 0, 0)
        );
    }
}

//! Chunks of a snapshot's archives in memory. Plain values: who fetches, and who waits, is for others.
//!
//! Chunks are known by digest, so what stands in an archive many times (such as the zeroes of an image) is there once. Everything is
//! counted against one budget: chunks that are here by their content, chunks on their way by all that opening them may take. What is on
//! its way has at most a part of the budget, the rest is for what is here; of that, what was not used for longest goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use format::Digest;

/// Bytes of chunks, here and on their way.
pub(super) const BYTES_MAX: u64 = 128 << 20;
/// Of that, for what is on its way. A single chunk is never refused: encrypted it may take three times 16 MiB.
const COMING_MAX: u64 = 96 << 20;
/// Of that, while a chunk is fetched that nobody wants yet.
const AHEAD_MAX: u64 = 64 << 20;

/// The only name of a content, and whether it came encrypted: an archive that is must not be given what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub digest: Digest,
    pub encrypted: bool,
}

#[derive(Default)]
pub(super) struct Cache {
    slots: HashMap<Name, Slot>,
    /// When an arrived chunk was used last, and which.
    order: BTreeMap<u64, Name>,
    now: u64,
    /// Bytes of what is here.
    here: u64,
    /// Weight of what is on its way.
    coming: u64,
}

enum Slot {
    Coming { weight: u64 },
    Here { used: u64, content: Arc<Vec<u8>> },
}

pub(super) enum Found {
    Here(Arc<Vec<u8>>),
    /// Somebody fetches it.
    Coming,
    /// The caller may [`Cache::expect`] and fetch it, if there is room.
    Missing,
}

impl Cache {
    pub(super) fn find(&mut self, name: &Name) -> Found {
        let (used, content) = match self.slots.get_mut(name) {
            None => return Found::Missing,
            Some(Slot::Coming { .. }) => return Found::Coming,
            Some(Slot::Here { used, content }) => (used, content),
        };
        self.order.remove(used);
        self.now += 1;
        *used = self.now;
        self.order.insert(self.now, *name);
        Found::Here(Arc::clone(content))
    }

    /// Whether a chunk that somebody waits for may be fetched now. If not, something is on its way whose end is to be waited for.
    pub(super) fn has_room(&self, weight: u64) -> bool {
        self.coming == 0 || self.coming + weight <= COMING_MAX
    }

    /// Whether a chunk may be fetched that nobody waits for.
    pub(super) fn has_room_ahead(&self, weight: u64) -> bool {
        self.coming + weight <= AHEAD_MAX
    }

    /// Somebody begins to fetch a chunk that is missing.
    pub(super) fn expect(&mut self, name: Name, weight: u64) {
        self.remove(&name);
        self.slots.insert(name, Slot::Coming { weight });
        self.coming += weight;
        self.shrink();
    }

    /// An expected chunk is there.
    pub(super) fn arrived(&mut self, name: &Name, content: Arc<Vec<u8>>) {
        let Some(Slot::Coming { .. }) = self.slots.get(name) else {
            return;
        };
        self.remove(name);
        self.now += 1;
        self.here += content.len() as u64;
        let used = self.now;
        self.order.insert(used, *name);
        self.slots.insert(*name, Slot::Here { used, content });
        self.shrink();
    }

    /// An expected chunk does not come.
    pub(super) fn failed(&mut self, name: &Name) {
        self.remove(name);
    }

    fn remove(&mut self, name: &Name) {
        match self.slots.remove(name) {
            Some(Slot::Coming { weight }) => self.coming -= weight,
            Some(Slot::Here { used, content }) => {
                self.order.remove(&used);
                self.here -= content.len() as u64;
            }
            None => {}
        }
    }

    fn shrink(&mut self) {
        while self.here + self.coming > BYTES_MAX {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            self.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn name(number: u8) -> Name {
        Name {
            digest: Digest([number; 32]),
            encrypted: false,
        }
    }

    fn fetch(cache: &mut Cache, number: u8, mib: usize) {
        cache.expect(name(number), 2 * mib as u64 * MIB);
        cache.arrived(&name(number), Arc::new(vec![number; mib << 20]));
    }

    #[test]
    fn the_chunk_not_used_for_longest_goes() {
        let mut cache = Cache::default();
        // A chunk takes twice its content while it comes.
        (0..7).for_each(|number| fetch(&mut cache, number, 16));
        assert!(matches!(cache.find(&name(0)), Found::Here(_)));
        fetch(&mut cache, 7, 16);
        assert!(matches!(cache.find(&name(1)), Found::Missing));
        for number in [0, 2, 7] {
            assert!(matches!(cache.find(&name(number)), Found::Here(_)));
        }
        assert_eq!((cache.here, cache.coming), (7 * 16 * MIB, 0));
    }

    #[test]
    fn what_is_on_its_way_counts_and_is_not_dropped() {
        let mut cache = Cache::default();
        cache.expect(name(1), BYTES_MAX);
        fetch(&mut cache, 2, 1);
        assert!(matches!(cache.find(&name(1)), Found::Coming));
        // Not even what has just come is kept beside so much.
        assert!(matches!(cache.find(&name(2)), Found::Missing));
        cache.failed(&name(1));
        assert!(matches!(cache.find(&name(1)), Found::Missing));
        cache.arrived(&name(9), Arc::default());
        assert!(matches!(cache.find(&name(9)), Found::Missing));
        assert_eq!((cache.here, cache.coming), (0, 0));
    }

    #[test]
    fn an_encrypted_archive_gets_only_what_came_encrypted() {
        let mut cache = Cache::default();
        fetch(&mut cache, 1, 1);
        let encrypted = Name {
            encrypted: true,
            ..name(1)
        };
        assert!(matches!(cache.find(&encrypted), Found::Missing));
    }

    #[test]
    fn room_on_the_way_is_bounded_but_never_nothing() {
        let mut cache = Cache::default();
        assert!(cache.has_room(BYTES_MAX));
        assert!(!cache.has_room_ahead(AHEAD_MAX + 1));
        assert!(cache.has_room_ahead(AHEAD_MAX));
        cache.expect(name(1), AHEAD_MAX);
        assert!(!cache.has_room_ahead(1));
        assert!(cache.has_room(COMING_MAX - AHEAD_MAX));
        assert!(!cache.has_room(COMING_MAX - AHEAD_MAX + 1));
        cache.failed(&name(1));
        assert!(cache.has_room(BYTES_MAX));
    }
}

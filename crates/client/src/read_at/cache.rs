//! Chunks of one archive in memory, and what is likely to be read next. Plain values: who fetches, and who waits, is for others.
//!
//! Chunks are known by digest, so what stands in an archive many times (such as the zeroes of an image) is there once. Chunks on their way
//! count as if they had arrived; the rest may fill the limit, the ones not used for longest go first.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use format::Digest;

/// Bytes of chunks that are kept.
pub(super) const BYTES_MAX: u64 = 128 << 20;
/// Bytes that are fetched ahead of each reader.
const AHEAD_BYTES: u64 = 32 << 20;
/// Chunks that are fetched ahead of each reader.
const AHEAD_CHUNKS: usize = 4;
/// Readers that are told apart.
const READERS_MAX: usize = 32;

#[derive(Default)]
pub(super) struct Cache {
    slots: HashMap<Digest, Slot>,
    /// When an arrived chunk was used last, and which.
    order: BTreeMap<u64, Digest>,
    now: u64,
    bytes: u64,
    readers: Readers,
}

struct Slot {
    size: u64,
    used: u64,
    content: Option<Arc<Vec<u8>>>,
}

pub(super) enum Found {
    Here(Arc<Vec<u8>>),
    /// Somebody fetches it.
    Coming,
    /// The caller may [`Cache::expect`] and fetch it.
    Missing,
}

impl Cache {
    pub(super) fn find(&mut self, digest: &Digest) -> Found {
        let Some(slot) = self.slots.get_mut(digest) else {
            return Found::Missing;
        };
        let Some(content) = &slot.content else {
            return Found::Coming;
        };
        self.order.remove(&slot.used);
        self.now += 1;
        slot.used = self.now;
        self.order.insert(self.now, *digest);
        Found::Here(Arc::clone(content))
    }

    /// Somebody begins to fetch a chunk that is missing.
    pub(super) fn expect(&mut self, digest: Digest, size: u64) {
        let slot = Slot {
            size,
            used: 0,
            content: None,
        };
        if let Some(before) = self.slots.insert(digest, slot) {
            self.order.remove(&before.used);
            self.bytes -= before.size;
        }
        self.bytes += size;
        self.shrink();
    }

    /// An expected chunk is there.
    pub(super) fn arrived(&mut self, digest: &Digest, content: Arc<Vec<u8>>) {
        let Some(slot) = self.slots.get_mut(digest) else {
            return;
        };
        self.order.remove(&slot.used);
        self.now += 1;
        slot.used = self.now;
        slot.content = Some(content);
        self.order.insert(self.now, *digest);
    }

    /// An expected chunk does not come.
    pub(super) fn failed(&mut self, digest: &Digest) {
        if let Some(slot) = self.slots.remove(digest) {
            self.order.remove(&slot.used);
            self.bytes -= slot.size;
        }
    }

    fn shrink(&mut self) {
        while self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            if let Some(slot) = self.slots.remove(&oldest) {
                self.bytes -= slot.size;
            }
        }
    }

    /// A reader wants chunk `number` of `count`; returns those that he will want next, if he reads on as he did. `size` tells how large
    /// one is.
    pub(super) fn ahead(
        &mut self,
        number: usize,
        count: usize,
        size: impl Fn(usize) -> u64,
    ) -> Range<usize> {
        let start = number + 1;
        if !self.readers.goes_on(number) {
            return start..start;
        }
        let mut end = start;
        let mut bytes = 0;
        while end < count && end - start < AHEAD_CHUNKS {
            bytes += size(end);
            if bytes > AHEAD_BYTES {
                break;
            }
            end += 1;
        }
        start..end
    }
}

/// Who reads where: the chunk that each wanted last, the latest reader at the end.
#[derive(Default)]
struct Readers(Vec<usize>);

impl Readers {
    /// Whether somebody wanted the chunk before `number` last, so that this is probably him.
    fn goes_on(&mut self, number: usize) -> bool {
        let here = self.0.iter().position(|last| *last == number);
        let before = || self.0.iter().position(|last| last + 1 == number);
        let (reader, goes_on) = match here {
            Some(reader) => (Some(reader), false),
            None => {
                let reader = before();
                (reader, reader.is_some())
            }
        };
        match reader {
            Some(reader) => drop(self.0.remove(reader)),
            None if self.0.len() == READERS_MAX => drop(self.0.remove(0)),
            None => {}
        }
        self.0.push(number);
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Digest {
        Digest([number; 32])
    }

    fn fetch(cache: &mut Cache, number: u8, size: u64) {
        cache.expect(digest(number), size);
        cache.arrived(&digest(number), Arc::new(vec![number]));
    }

    #[test]
    fn the_chunk_not_used_for_longest_goes() {
        let mut cache = Cache::default();
        (0..8).for_each(|number| fetch(&mut cache, number, 16 << 20));
        assert!(matches!(cache.find(&digest(0)), Found::Here(_)));
        fetch(&mut cache, 8, 16 << 20);
        assert!(matches!(cache.find(&digest(1)), Found::Missing));
        for number in [0, 2, 8] {
            assert!(matches!(cache.find(&digest(number)), Found::Here(_)));
        }
        assert_eq!(cache.bytes, BYTES_MAX);
    }

    #[test]
    fn what_is_on_its_way_counts_and_is_not_dropped() {
        let mut cache = Cache::default();
        cache.expect(digest(1), BYTES_MAX);
        fetch(&mut cache, 2, 1);
        assert!(matches!(cache.find(&digest(1)), Found::Coming));
        cache.expect(digest(3), 1);
        assert!(matches!(cache.find(&digest(2)), Found::Missing));
        cache.failed(&digest(1));
        assert!(matches!(cache.find(&digest(1)), Found::Missing));
        assert_eq!(cache.bytes, 1);
        cache.arrived(&digest(9), Arc::default());
        assert!(matches!(cache.find(&digest(9)), Found::Missing));
    }

    #[test]
    fn whoever_reads_in_order_is_read_ahead_for() {
        let mut cache = Cache::default();
        let mut ahead = |number| cache.ahead(number, 100, |_| 4 << 20);
        assert!(ahead(5).is_empty());
        assert!(ahead(5).is_empty());
        assert_eq!(ahead(6), 7..11);
        // the same chunk again, and another reader elsewhere
        assert!(ahead(6).is_empty());
        assert!(ahead(50).is_empty());
        assert_eq!(ahead(7), 8..12);
        assert_eq!(ahead(51), 52..56);
        // not behind the end, and not too much
        assert!(ahead(98).is_empty());
        assert!(ahead(99).is_empty());
        assert!(cache.ahead(1, 100, |_| 16 << 20).is_empty());
        assert_eq!(cache.ahead(2, 100, |_| 16 << 20), 3..5);
    }

    #[test]
    fn only_so_many_readers_are_remembered() {
        let mut readers = Readers::default();
        for reader in 0..READERS_MAX {
            assert!(!readers.goes_on(reader * 10));
        }
        assert!(!readers.goes_on(9999));
        assert!(!readers.goes_on(1));
        assert_eq!(readers.0.len(), READERS_MAX);
        assert!(readers.goes_on(10_000));
    }
}

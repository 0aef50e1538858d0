//! What is likely to be read next: who reads an archive where, and how far ahead of him is fetched.

use std::ops::Range;

/// Bytes that are fetched ahead of each reader.
const AHEAD_BYTES: u64 = 32 << 20;
/// Chunks that are fetched ahead of each reader.
const AHEAD_CHUNKS: usize = 4;
/// Readers that are told apart.
const READERS_MAX: usize = 32;

/// Who reads where: the chunk that each wanted last, the latest reader at the end.
#[derive(Default)]
pub(super) struct Readers(Vec<usize>);

impl Readers {
    /// A reader wants chunk `number` of `count`; returns those that he will want next, if he reads on as he did. `size` tells how large
    /// one is.
    pub(super) fn ahead(
        &mut self,
        number: usize,
        count: usize,
        size: impl Fn(usize) -> u64,
    ) -> Range<usize> {
        let start = number + 1;
        if !self.goes_on(number) {
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

    #[test]
    fn whoever_reads_in_order_is_read_ahead_for() {
        let mut readers = Readers::default();
        let mut ahead = |number| readers.ahead(number, 100, |_| 4 << 20);
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
        assert!(readers.ahead(1, 100, |_| 16 << 20).is_empty());
        assert_eq!(readers.ahead(2, 100, |_| 16 << 20), 3..5);
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

//! The index of an archive while it is written: chunks come in any order, entries leave in the order of the stream, and none before the
//! server has confirmed its chunk.
//!
//! Pure bookkeeping: numbers in, batches of entries out. At the end it knows the checksum that closes the index (formats.md 4.3).

use std::collections::BTreeMap;

use format::{Digest, DigestWriter};
use remote::IndexKind;

use crate::claims::Claim;

/// Pieces that may wait here while those before them are on their way. An entry takes about 100 bytes.
const WAITING_MAX: usize = 64 << 10;

/// Entries per append. An entry is at most 90 bytes of JSON, and servers up to 3.3 take bodies of 64 KiB.
const BATCH_MAX: usize = 512;

pub(crate) struct Assembly {
    kind: IndexKind,
    /// Number of the piece whose entry is next.
    next: u64,
    /// Bytes of the stream before that piece.
    offset: u64,
    csum: DigestWriter,
    waiting: BTreeMap<u64, Waiting>,
    batch: Vec<(Digest, u64)>,
}

struct Waiting {
    digest: Digest,
    size: u64,
    claim: Claim,
    /// The server has confirmed its upload.
    confirmed: bool,
}

/// What an index amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
    pub chunks: u64,
    pub size: u64,
    pub csum: Digest,
}

impl Assembly {
    pub fn new(kind: IndexKind) -> Assembly {
        Assembly {
            kind,
            next: 0,
            offset: 0,
            csum: DigestWriter::new(),
            waiting: BTreeMap::new(),
            batch: Vec::new(),
        }
    }

    /// Piece `number` has been looked at. With [`Claim::Mine`] its upload is under way.
    pub fn arrived(&mut self, number: u64, digest: Digest, size: u64, claim: Claim) {
        let confirmed = matches!(claim, Claim::Stored | Claim::Left);
        self.waiting.insert(
            number,
            Waiting {
                digest,
                size,
                claim,
                confirmed,
            },
        );
        self.advance();
    }

    /// The server has the chunk of piece `number`.
    pub fn confirmed(&mut self, number: u64) {
        if let Some(waiting) = self.waiting.get_mut(&number) {
            waiting.confirmed = true;
        }
        self.advance();
    }

    /// Pieces that wait for others.
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.batch.len()
    }

    /// Whether no further piece should arrive for the moment, so that memory stays bounded when the server is slow. Only while something
    /// that has arrived will make room: the server takes a batch or confirms a chunk.
    pub fn is_full(&self) -> bool {
        if self.batch.len() >= WAITING_MAX {
            return true;
        }
        let in_flight = |number: &u64| {
            let piece = self.waiting.get(number);
            piece.is_some_and(|piece| piece.claim == Claim::Mine)
        };
        let first = self.waiting.get(&self.next).map(|first| first.claim);
        self.waiting.len() >= WAITING_MAX
            && match first {
                Some(Claim::Mine) => true,
                Some(Claim::Other(number)) => in_flight(&number),
                Some(Claim::Stored | Claim::Left) | None => false,
            }
    }

    /// A full batch of entries to append, or with `rest` whatever there is.
    pub fn take_batch(&mut self, rest: bool) -> Option<Vec<(Digest, u64)>> {
        if self.batch.is_empty() || (self.batch.len() < BATCH_MAX && !rest) {
            return None;
        }
        let len = self.batch.len().min(BATCH_MAX);
        Some(self.batch.drain(..len).collect())
    }

    /// Nothing is left once every piece was taken in a batch.
    pub fn is_done(&self) -> bool {
        self.waiting() == 0
    }

    pub fn totals(self) -> Totals {
        Totals {
            chunks: self.next,
            size: self.offset,
            csum: self.csum.finish(),
        }
    }

    fn advance(&mut self) {
        while let Some(first) = self.waiting.get(&self.next) {
            if !self.is_stored(first) {
                return;
            }
            let Some(entry) = self.waiting.remove(&self.next) else {
                return;
            };
            self.batch.push((entry.digest, self.offset));
            self.offset += entry.size;
            self.next += 1;
            if self.kind == IndexKind::Dynamic {
                self.csum.update(&self.offset.to_le_bytes());
            }
            self.csum.update(entry.digest.as_bytes());
        }
    }

    fn is_stored(&self, entry: &Waiting) -> bool {
        match entry.claim {
            // All before `next` have left, so they were stored. One that is not here yet is not stored either.
            Claim::Other(number) => {
                number < self.next || self.waiting.get(&number).is_some_and(|w| w.confirmed)
            }
            Claim::Mine | Claim::Stored | Claim::Left => entry.confirmed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(i: u8) -> Digest {
        Digest([i; 32])
    }

    fn offsets(assembly: &mut Assembly) -> Vec<u64> {
        let batch = assembly.take_batch(true).unwrap_or_default();
        batch.into_iter().map(|(_, offset)| offset).collect()
    }

    #[test]
    fn entries_leave_in_order_and_after_their_chunks() {
        let mut a = Assembly::new(IndexKind::Dynamic);
        a.arrived(1, digest(1), 10, Claim::Mine);
        a.arrived(0, digest(0), 5, Claim::Stored);
        assert_eq!(offsets(&mut a), [0]);
        a.arrived(2, digest(2), 1, Claim::Stored);
        assert_eq!(offsets(&mut a), [0u64; 0]);
        a.confirmed(1);
        assert_eq!(offsets(&mut a), [5, 15]);
        assert!(a.is_done());
    }

    #[test]
    fn a_claim_of_a_later_piece_is_waited_for() {
        let mut a = Assembly::new(IndexKind::Fixed);
        a.arrived(0, digest(9), 4, Claim::Other(1));
        assert_eq!(offsets(&mut a), [0u64; 0]);
        a.arrived(1, digest(9), 4, Claim::Mine);
        assert_eq!(offsets(&mut a), [0u64; 0]);
        a.arrived(2, digest(9), 4, Claim::Other(1));
        a.confirmed(1);
        assert_eq!(offsets(&mut a), [0, 4, 8]);
        a.arrived(3, digest(9), 4, Claim::Other(1));
        assert_eq!(offsets(&mut a), [12]);
    }

    #[test]
    fn room_is_made_by_what_has_arrived() {
        let mut a = Assembly::new(IndexKind::Fixed);
        // Nobody but the missing first piece can make room, so it must be let in.
        let many = WAITING_MAX as u64;
        (1..=many).for_each(|i| a.arrived(i, digest(1), 1, Claim::Stored));
        assert!(!a.is_full());
        a.arrived(0, digest(2), 1, Claim::Other(many + 1));
        assert!(!a.is_full());
        a.arrived(many + 1, digest(2), 1, Claim::Mine);
        assert!(a.is_full());
        a.confirmed(many + 1);
        assert!(a.is_full());
        while a.is_full() {
            assert_eq!(a.take_batch(false).unwrap().len(), BATCH_MAX);
        }
        while a.take_batch(true).is_some() {}
        assert!(a.is_done());
    }

    #[test]
    fn batches_are_full_or_the_rest() {
        let mut a = Assembly::new(IndexKind::Fixed);
        for i in 0..1000 {
            a.arrived(i, digest(1), 1, Claim::Stored);
        }
        assert_eq!(a.take_batch(false).unwrap().len(), BATCH_MAX);
        assert_eq!(a.take_batch(false), None);
        assert_eq!(a.take_batch(true).unwrap().len(), 1000 - BATCH_MAX);
        assert_eq!(a.take_batch(true), None);
    }

    /// The sums of the transcript in protocol.md 10.1.
    #[test]
    fn checksums_are_those_of_the_original() {
        let (d1, d2) = (Digest::of(&[0x41; 65536]), Digest::of(&[0x42; 1000]));
        let (f1, f2) = (Digest::of(&vec![0; 4 << 20]), Digest::of(&[0x43; 1024]));
        let rows = [
            (
                IndexKind::Dynamic,
                [(d1, 65536), (d2, 1000)],
                "b5af9b00fbc85702ae19bf795952f82533b30abc55896f64684adebec5df8f22",
            ),
            (
                IndexKind::Fixed,
                [(f1, 4 << 20), (f2, 1024)],
                "bdd7918c239935c93fcac28a9ddb287c871a149baf03a6c7a10f86911c8c063c",
            ),
        ];
        for (kind, chunks, csum) in rows {
            let mut a = Assembly::new(kind);
            for (i, (digest, size)) in chunks.iter().enumerate() {
                a.arrived(i as u64, *digest, *size, Claim::Stored);
            }
            let totals = a.totals();
            assert_eq!(totals.csum.to_string(), csum);
            assert_eq!((totals.chunks, totals.size), (2, chunks[0].1 + chunks[1].1));
        }
    }
}

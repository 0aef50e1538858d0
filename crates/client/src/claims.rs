//! Who brings a chunk to the server: the previous snapshot, an unfinished backup before this one, or the first piece of this run with its digest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use format::Digest;

use crate::leftover::Leftover;

/// What a piece has to do about its chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nobody has it yet: this piece uploads it.
    Mine,
    /// The piece with this number uploads it.
    Other(u64),
    /// The server has it from the previous snapshot.
    Stored,
    /// The server has it from a backup that was not finished. Only the first piece is told so, others that it is stored: what comes again, as zeros do,
    /// would not have been sent again in any case.
    Left,
}

/// The chunks of one archive.
#[derive(Default)]
pub(crate) struct Claims {
    pieces: Mutex<HashMap<Digest, u64>>,
    leftover: Arc<Leftover>,
}

/// Stands in the map for [`Claim::Stored`], so that an entry takes 40 bytes: about 15 MiB per TiB of data.
const STORED: u64 = u64::MAX;

impl Claims {
    /// Starts with the chunks that the server knows already.
    pub fn new(stored: impl IntoIterator<Item = Digest>, leftover: Arc<Leftover>) -> Claims {
        let stored = stored.into_iter().map(|digest| (digest, STORED));
        Claims {
            pieces: Mutex::new(stored.collect()),
            leftover,
        }
    }

    /// Piece `number` has this digest. The first to come gets [`Claim::Mine`].
    pub fn claim(&self, digest: Digest, number: u64) -> Claim {
        let mut claims = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        match claims.entry(digest) {
            std::collections::hash_map::Entry::Occupied(entry) => match *entry.get() {
                STORED => Claim::Stored,
                other => Claim::Other(other),
            },
            std::collections::hash_map::Entry::Vacant(entry) if self.leftover.has(&digest) => {
                entry.insert(STORED);
                Claim::Left
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(number);
                Claim::Mine
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_one_brings_it() {
        let [old, new, left] = [&b"old"[..], b"new", b"left"].map(Digest::of);
        let leftover = Arc::new(Leftover::new(vec![left, old, left]));
        assert_eq!(leftover.len(), 2);
        let claims = Claims::new([old], leftover);
        assert_eq!(claims.claim(old, 0), Claim::Stored);
        assert_eq!(claims.claim(new, 4), Claim::Mine);
        assert_eq!(claims.claim(new, 2), Claim::Other(4));
        assert_eq!(claims.claim(old, 3), Claim::Stored);
        assert_eq!(claims.claim(left, 5), Claim::Left);
        assert_eq!(claims.claim(left, 6), Claim::Stored);
    }
}

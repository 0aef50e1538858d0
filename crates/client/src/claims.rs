//! Who brings a chunk to the server: the previous snapshot, or the first piece of this run with its digest.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use format::Digest;

/// What a piece has to do about its chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nobody has it yet: this piece uploads it.
    Mine,
    /// The piece with this number uploads it.
    Other(u64),
    /// The server has it from the previous snapshot.
    Stored,
}

/// The chunks of one archive.
#[derive(Default)]
pub(crate) struct Claims(Mutex<HashMap<Digest, u64>>);

/// Stands in the map for [`Claim::Stored`], so that an entry takes 40 bytes: about 15 MiB per TiB of data.
const STORED: u64 = u64::MAX;

impl Claims {
    /// Starts with the chunks that the server knows already.
    pub fn new(stored: impl IntoIterator<Item = Digest>) -> Claims {
        Claims(Mutex::new(
            stored.into_iter().map(|digest| (digest, STORED)).collect(),
        ))
    }

    /// Piece `number` has this digest. The first to come gets [`Claim::Mine`].
    pub fn claim(&self, digest: Digest, number: u64) -> Claim {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match claims.entry(digest) {
            std::collections::hash_map::Entry::Occupied(entry) => match *entry.get() {
                STORED => Claim::Stored,
                other => Claim::Other(other),
            },
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
        let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
        let claims = Claims::new([old]);
        assert_eq!(claims.claim(old, 0), Claim::Stored);
        assert_eq!(claims.claim(new, 4), Claim::Mine);
        assert_eq!(claims.claim(new, 2), Claim::Other(4));
        assert_eq!(claims.claim(old, 3), Claim::Stored);
    }
}

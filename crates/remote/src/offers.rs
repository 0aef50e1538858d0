//! Offers of chunks out of pieces of an answer that end anywhere.

use format::upload_journal::{OFFER_LEN, Offer};

/// What has come of one answer.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    /// The beginning of the next one.
    rest: Vec<u8>,
    garbled: bool,
}

impl Offers {
    /// Takes the next piece, and gives what it completes to `each`.
    pub fn take(&mut self, mut data: &[u8], mut each: impl FnMut(Offer)) {
        while !data.is_empty() {
            let len = data.len().min(OFFER_LEN - self.rest.len());
            let (more, after) = data.split_at(len);
            self.rest.extend_from_slice(more);
            data = after;
            if let Some(offer) = self.rest.first_chunk() {
                match Offer::parse(offer) {
                    Some(offer) => each(offer),
                    None => self.garbled = true,
                }
                self.rest.clear();
            }
        }
    }

    /// Whether nothing was garbled, and nothing is missing at the end.
    pub fn are_whole(&self) -> bool {
        !self.garbled && self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use format::Digest;

    use super::*;

    #[test]
    fn pieces_may_end_anywhere() {
        let offers: Vec<Offer> = (1..=5)
            .map(|size| Offer {
                digest: Digest::of(&[size]),
                size: size.into(),
            })
            .collect();
        let bytes: Vec<u8> = offers.iter().flat_map(|offer| offer.encode()).collect();
        for len in 1..=bytes.len() {
            let (mut taken, mut found) = (Offers::default(), Vec::new());
            for piece in bytes.chunks(len) {
                taken.take(piece, |offer| found.push(offer));
            }
            assert!(taken.are_whole() && found == offers, "{len}");
            taken.take(&[1], |_| ());
            assert!(!taken.are_whole(), "{len}: cut off");
        }
        let mut taken = Offers::default();
        taken.take(&[0; OFFER_LEN], |_| panic!("no chunk has no bytes"));
        assert!(!taken.are_whole());
    }
}

//! What unfinished backups have left on the server: chunks that need not be sent again, in whichever archive they come up.

use format::Digest;

/// Chunks that the session knows from them. Shared by all archives: 8 MiB per TiB of data.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    /// In order, none twice.
    digests: Vec<Digest>,
}

impl Leftover {
    pub fn new(mut digests: Vec<Digest>) -> Leftover {
        digests.sort_unstable();
        digests.dedup();
        Leftover { digests }
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.digests.binary_search(digest).is_ok()
    }

    pub fn len(&self) -> u64 {
        self.digests.len() as u64
    }
}

//! Pieces become sealed chunks: digest, a look whether the server has it, and only then compression and encryption.
//!
//! Each worker thread has a [`Worker`] with contexts that are kept. A piece's buffer goes home as soon as its sealed form exists.

use std::sync::OnceLock;

use crypto::Sealer;
use format::{ArchiveName, CryptMode, Digest};

use crate::claims::{Claim, Claims};
use crate::error::Error;
use crate::options::Protection;
use crate::pool::{Buffer, Pool, Stopped};
use crate::pump::Outlet;

/// What workers share about one archive. When the last one lets go of it, the archive's upload sees the end.
pub(crate) struct Lane {
    pub archive: ArchiveName,
    pub claims: Claims,
    pub sealed: Pool,
    pub outlet: Outlet<Piece>,
}

/// A piece that has been looked at, ready for the index and, if it is new, for the server.
pub(crate) struct Piece {
    pub number: u64,
    pub digest: Digest,
    pub size: u64,
    pub claim: Claim,
    /// There with [`Claim::Mine`].
    pub sealed: Option<Buffer>,
    /// Whether it was taken over from the previous snapshot without its bytes.
    pub injected: bool,
}

impl Lane {
    /// Takes over a chunk that the server has from the previous snapshot.
    pub fn inject(&self, number: u64, digest: Digest, size: u64) -> Result<(), Stopped> {
        self.outlet.send(Piece {
            number,
            digest,
            size,
            claim: Claim::Stored,
            sealed: None,
            injected: true,
        })
    }
}

pub(crate) struct Worker(Sealer);

impl Worker {
    pub fn new(protection: &Protection) -> Result<Worker, Error> {
        let key = match protection.mode() {
            CryptMode::Encrypt => protection.key().cloned(),
            CryptMode::None | CryptMode::SignOnly => None,
        };
        Sealer::new(key, protection.mode())
            .map(Worker)
            .map_err(|source| Error::Seal { source })
    }

    pub fn digest(&self, data: &[u8]) -> Digest {
        self.0.digest(data)
    }

    /// Seals `data` as a blob of its own.
    pub fn seal(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.0
            .seal(data, true, out)
            .map(drop)
            .map_err(|source| Error::Seal { source })
    }

    /// Takes a piece all the way: the first `len` bytes of `buffer`.
    pub fn piece(
        &mut self,
        lane: &Lane,
        number: u64,
        buffer: Buffer,
        len: usize,
    ) -> Result<(), Error> {
        let digest = self.digest(&buffer[..len]);
        let claim = lane.claims.claim(digest, number);
        let sealed = match claim {
            Claim::Mine => Some(self.sealed(lane, &buffer[..len])?),
            Claim::Other(_) | Claim::Stored | Claim::Left => None,
        };
        drop(buffer);
        deliver(lane, number, digest, len, claim, sealed)
    }

    /// Takes a piece of an image that is known to be zero.
    pub fn zeros(
        &mut self,
        lane: &Lane,
        number: u64,
        len: usize,
        zeros: &Zeros,
    ) -> Result<(), Error> {
        let digest = zeros.digest(self, len);
        let claim = lane.claims.claim(digest, number);
        let sealed = match claim {
            Claim::Mine => Some(self.sealed(lane, &vec![0; len])?),
            Claim::Other(_) | Claim::Stored | Claim::Left => None,
        };
        deliver(lane, number, digest, len, claim, sealed)
    }

    fn sealed(&mut self, lane: &Lane, data: &[u8]) -> Result<Buffer, Error> {
        let mut out = lane.sealed.take()?;
        self.seal(data, &mut out)?;
        Ok(out)
    }
}

fn deliver(
    lane: &Lane,
    number: u64,
    digest: Digest,
    len: usize,
    claim: Claim,
    sealed: Option<Buffer>,
) -> Result<(), Error> {
    let size = len as u64;
    Ok(lane.outlet.send(Piece {
        number,
        digest,
        size,
        claim,
        sealed,
        injected: false,
    })?)
}

/// The digest of zeros, computed once per length that occurs: the whole piece, and perhaps the last one.
#[derive(Default)]
pub(crate) struct Zeros {
    whole: OnceLock<(usize, Digest)>,
}

impl Zeros {
    fn digest(&self, worker: &Worker, len: usize) -> Digest {
        let compute = || (len, worker.digest(&vec![0; len]));
        match self.whole.get_or_init(compute) {
            (known, digest) if *known == len => *digest,
            _ => compute().1,
        }
    }
}

//! The journal of what an unfinished backup has uploaded: its header, its records, and the form in which a client is told of them.
//!
//! Strongroom's own format, drawn in `docs/formats/upload-journal.md`. A record that does not fit its checksum is no record; what the header
//! says of power cuts is for the reader to obey.

use crate::blob::CHUNK_RAW_MAX;
use crate::digest::Digest;

/// First bytes of a journal.
pub const MAGIC: [u8; 8] = *b"SRUPLOAD";
const VERSION: u32 = 1;
/// Bytes before the owner's text.
const FIXED_LEN: usize = 40;
/// Longest text of whose journal it is.
pub const OWNER_MAX: usize = 4096;
/// The longest header.
pub const HEADER_MAX: usize = FIXED_LEN + OWNER_MAX;
/// A record in a journal.
pub const RECORD_LEN: usize = 48;
/// A chunk as a client is told of it.
pub const OFFER_LEN: usize = 36;

/// Why something is no journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadJournalError {
    #[error("the journal is cut off in its header")]
    Short,
    #[error("the journal has the wrong magic")]
    Magic,
    #[error("the journal has version {found}, known is {VERSION}")]
    Version { found: u32 },
    #[error("the journal's header is damaged")]
    Damaged,
}

/// What stands before the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The run of the machine in which its chunks were written.
    pub boot: [u8; 16],
    /// Each chunk was on the disk before it was recorded, so that another run of the machine may rely on it.
    pub synced: bool,
    /// Whose uploads these are, at most [`OWNER_MAX`] bytes.
    pub owner: String,
}

impl Header {
    pub fn encode(&self) -> Vec<u8> {
        let owner = self.owner.as_bytes();
        let len = u32::try_from(owner.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(FIXED_LEN + owner.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&self.boot);
        bytes.extend_from_slice(&[u8::from(self.synced), 0, 0, 0]);
        let crc = checksum(&bytes, owner);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(owner);
        bytes
    }

    /// The header at the beginning of `bytes`, and where the records start.
    pub fn parse(bytes: &[u8]) -> Result<(Header, usize), UploadJournalError> {
        use UploadJournalError::{Damaged, Magic, Short, Version};
        let fixed: &[u8; FIXED_LEN] = bytes.first_chunk().ok_or(Short)?;
        if fixed[..8] != MAGIC {
            return Err(Magic);
        }
        let number = |at: usize| {
            let bytes = fixed[at..at + 4].try_into();
            u32::from_le_bytes(bytes.expect("four bytes"))
        };
        match number(8) {
            VERSION => {}
            found => return Err(Version { found }),
        }
        let len = usize::try_from(number(12)).unwrap_or(usize::MAX);
        if len > OWNER_MAX {
            return Err(Damaged);
        }
        let end = FIXED_LEN + len;
        let owner = bytes.get(FIXED_LEN..end).ok_or(Short)?;
        if checksum(&fixed[..36], owner) != number(36) || fixed[32] > 1 || fixed[33..36] != [0; 3] {
            return Err(Damaged);
        }
        let header = Header {
            boot: fixed[16..32].try_into().expect("sixteen bytes"),
            synced: fixed[32] == 1,
            owner: String::from_utf8(owner.to_vec()).map_err(|_| Damaged)?,
        };
        Ok((header, end))
    }
}

/// A chunk that was uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    pub offer: Offer,
    /// Tells this writing of the chunk from a later one under the same digest.
    pub stamp: u64,
}

impl Record {
    pub fn encode(&self) -> [u8; RECORD_LEN] {
        let mut bytes = [0; RECORD_LEN];
        bytes[..OFFER_LEN].copy_from_slice(&self.offer.encode());
        bytes[36..44].copy_from_slice(&self.stamp.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..44]);
        bytes[44..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Nothing if it is damaged.
    pub fn parse(bytes: &[u8; RECORD_LEN]) -> Option<Record> {
        let crc = u32::from_le_bytes(*bytes.last_chunk()?);
        if crc32fast::hash(&bytes[..44]) != crc {
            return None;
        }
        Some(Record {
            offer: Offer::parse(bytes.first_chunk()?)?,
            stamp: u64::from_le_bytes(*bytes[36..].first_chunk()?),
        })
    }
}

/// A chunk that a client need not send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub digest: Digest,
    /// Bytes of content, 1 to [`CHUNK_RAW_MAX`].
    pub size: u32,
}

impl Offer {
    pub fn encode(&self) -> [u8; OFFER_LEN] {
        let mut bytes = [0; OFFER_LEN];
        bytes[..32].copy_from_slice(self.digest.as_bytes());
        bytes[32..].copy_from_slice(&self.size.to_le_bytes());
        bytes
    }

    /// Nothing if no chunk has this size.
    pub fn parse(bytes: &[u8; OFFER_LEN]) -> Option<Offer> {
        let size = u32::from_le_bytes(*bytes.last_chunk()?);
        let fits = usize::try_from(size).is_ok_and(|size| (1..=CHUNK_RAW_MAX).contains(&size));
        fits.then_some(Offer {
            digest: Digest(*bytes.first_chunk()?),
            size,
        })
    }
}

fn checksum(fixed: &[u8], owner: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(fixed);
    hasher.update(owner);
    hasher.finalize()
}

//! The dynamic index: archives, cut where the chunker says (formats.md 4.2). Entries hold the END of their chunk.

use std::ops::Range;

use super::{CSUM, CTIME, HEADER_LEN, IndexError, UUID, field, header_page};
use crate::digest::Digest;

pub(super) const MAGIC: [u8; 8] = [0x1c, 0x91, 0x4e, 0xa5, 0x19, 0xba, 0xb3, 0xcd];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicHeader {
    pub uuid: [u8; 16],
    /// Unix seconds.
    pub ctime: i64,
    /// SHA-256 over all entries, as stored.
    pub csum: Digest,
}

impl DynamicHeader {
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut page = [0; HEADER_LEN];
        page[..8].copy_from_slice(&MAGIC);
        page[UUID].copy_from_slice(&self.uuid);
        page[CTIME].copy_from_slice(&self.ctime.to_le_bytes());
        page[CSUM].copy_from_slice(self.csum.as_bytes());
        page
    }

    /// Reads the first page of `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<DynamicHeader, IndexError> {
        let page = header_page(bytes, "dynamic", MAGIC)?;
        Ok(DynamicHeader {
            uuid: field(page, UUID),
            ctime: i64::from_le_bytes(field(page, CTIME)),
            csum: Digest(field(page, CSUM)),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DynamicEntry {
    /// Offset in the content just behind the chunk.
    pub end: u64,
    pub digest: Digest,
}

impl DynamicEntry {
    pub const LEN: usize = 40;

    pub fn encode(&self) -> [u8; DynamicEntry::LEN] {
        let mut entry = [0; DynamicEntry::LEN];
        entry[..8].copy_from_slice(&self.end.to_le_bytes());
        entry[8..].copy_from_slice(self.digest.as_bytes());
        entry
    }

    pub fn decode(entry: &[u8; DynamicEntry::LEN]) -> DynamicEntry {
        DynamicEntry {
            end: u64::from_le_bytes(field(entry, 0..8)),
            digest: Digest(field(entry, 8..DynamicEntry::LEN)),
        }
    }
}

#[derive(Debug, Clone)]
pub struct DynamicIndex {
    header: DynamicHeader,
    bytes: Vec<u8>,
}

impl DynamicIndex {
    /// Takes the bytes of the whole file. An index without chunks is read; a chunk that ends before it begins is refused.
    pub fn parse(bytes: Vec<u8>) -> Result<DynamicIndex, IndexError> {
        let header = DynamicHeader::decode(&bytes)?;
        let index = DynamicIndex { header, bytes };
        let (entries, []) = index.bytes[HEADER_LEN..].as_chunks::<{ DynamicEntry::LEN }>() else {
            return Err(IndexError::PartEntry {
                len: index.bytes.len(),
            });
        };
        let mut start = 0;
        for (chunk, entry) in entries.iter().enumerate() {
            let end = DynamicEntry::decode(entry).end;
            if end < start {
                return Err(IndexError::NotAscending { chunk });
            }
            start = end;
        }
        Ok(index)
    }

    pub fn build(
        uuid: [u8; 16],
        ctime: i64,
        entries: &[DynamicEntry],
    ) -> Result<DynamicIndex, IndexError> {
        let entries: Vec<u8> = entries.iter().flat_map(DynamicEntry::encode).collect();
        let header = DynamicHeader {
            uuid,
            ctime,
            csum: Digest::of(&entries),
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&entries);
        DynamicIndex::parse(bytes)
    }

    pub fn header(&self) -> &DynamicHeader {
        &self.header
    }

    /// Number of chunks.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of content: the end of the last chunk.
    pub fn size(&self) -> u64 {
        self.entries()
            .last()
            .map_or(0, |entry| DynamicEntry::decode(entry).end)
    }

    /// Panics if there is no chunk `chunk`, like a slice.
    pub fn digest(&self, chunk: usize) -> Digest {
        self.entry(chunk).digest
    }

    /// Where chunk `chunk` lies in the content. Panics if there is no such chunk.
    pub fn range(&self, chunk: usize) -> Range<u64> {
        let start = chunk
            .checked_sub(1)
            .map_or(0, |before| self.entry(before).end);
        start..self.entry(chunk).end
    }

    /// Recomputed; the one in the header is not looked at.
    pub fn csum(&self) -> Digest {
        Digest::of(&self.bytes[HEADER_LEN..])
    }

    /// The chunk that holds the byte at `offset`; nothing behind the end.
    pub fn lookup(&self, offset: u64) -> Option<usize> {
        let entries = self.entries();
        let chunk = entries.partition_point(|entry| DynamicEntry::decode(entry).end <= offset);
        (chunk < entries.len()).then_some(chunk)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Range<u64>, Digest)> {
        (0..self.len()).map(|chunk| (self.range(chunk), self.digest(chunk)))
    }

    /// The file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn entry(&self, chunk: usize) -> DynamicEntry {
        DynamicEntry::decode(&self.entries()[chunk])
    }

    fn entries(&self) -> &[[u8; DynamicEntry::LEN]] {
        self.bytes[HEADER_LEN..].as_chunks().0
    }
}

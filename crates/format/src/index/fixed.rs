//! The fixed index: disk images, cut every `chunk_size` bytes (formats.md 4.1).

use std::ops::Range;

use super::{CSUM, CTIME, HEADER_LEN, IndexError, UUID, field, header_page};
use crate::digest::Digest;

const MAGIC: [u8; 8] = [0x2f, 0x7f, 0x41, 0xed, 0x91, 0xfd, 0x0f, 0xcd];
const SIZE: Range<usize> = 64..72;
const CHUNK_SIZE: Range<usize> = 72..80;
const ENTRY_LEN: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedHeader {
    pub uuid: [u8; 16],
    /// Unix seconds.
    pub ctime: i64,
    /// SHA-256 over all digests, as stored.
    pub csum: Digest,
    /// Bytes of content.
    pub size: u64,
    pub chunk_size: u64,
}

impl FixedHeader {
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut page = [0; HEADER_LEN];
        page[..8].copy_from_slice(&MAGIC);
        page[UUID].copy_from_slice(&self.uuid);
        page[CTIME].copy_from_slice(&self.ctime.to_le_bytes());
        page[CSUM].copy_from_slice(self.csum.as_bytes());
        page[SIZE].copy_from_slice(&self.size.to_le_bytes());
        page[CHUNK_SIZE].copy_from_slice(&self.chunk_size.to_le_bytes());
        page
    }

    /// Reads the first page of `bytes`; the chunk size is a power of two.
    pub fn decode(bytes: &[u8]) -> Result<FixedHeader, IndexError> {
        let page = header_page(bytes, "fixed", MAGIC)?;
        let header = FixedHeader {
            uuid: field(page, UUID),
            ctime: i64::from_le_bytes(field(page, CTIME)),
            csum: Digest(field(page, CSUM)),
            size: u64::from_le_bytes(field(page, SIZE)),
            chunk_size: u64::from_le_bytes(field(page, CHUNK_SIZE)),
        };
        if !header.chunk_size.is_power_of_two() {
            return Err(IndexError::ChunkSize {
                chunk_size: header.chunk_size,
            });
        }
        Ok(header)
    }

    /// How many chunks the content has.
    pub fn chunks(&self) -> u64 {
        self.size.div_ceil(self.chunk_size)
    }

    /// Length of the whole file, saturating.
    pub fn file_len(&self) -> u64 {
        self.chunks()
            .saturating_mul(ENTRY_LEN as u64)
            .saturating_add(HEADER_LEN as u64)
    }

    /// Offset of the digest of chunk `chunk` in the file.
    pub fn entry_offset(chunk: u64) -> u64 {
        HEADER_LEN as u64 + chunk * ENTRY_LEN as u64
    }
}

#[derive(Debug, Clone)]
pub struct FixedIndex {
    header: FixedHeader,
    bytes: Vec<u8>,
}

impl FixedIndex {
    /// Takes the bytes of the whole file.
    pub fn parse(bytes: Vec<u8>) -> Result<FixedIndex, IndexError> {
        let header = FixedHeader::decode(&bytes)?;
        let (entries, expected) = (header.chunks(), header.file_len());
        if bytes.len() as u64 != expected {
            return Err(IndexError::Length {
                len: bytes.len(),
                entries,
                expected,
            });
        }
        if entries == 0 {
            return Err(IndexError::Empty);
        }
        Ok(FixedIndex { header, bytes })
    }

    /// Makes the index of `size` bytes whose chunks have these digests; there must be as many as the size needs.
    pub fn build(
        uuid: [u8; 16],
        ctime: i64,
        size: u64,
        chunk_size: u64,
        digests: &[Digest],
    ) -> Result<FixedIndex, IndexError> {
        let entries: Vec<u8> = digests.iter().flat_map(|digest| digest.0).collect();
        let header = FixedHeader {
            uuid,
            ctime,
            csum: Digest::of(&entries),
            size,
            chunk_size,
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&entries);
        FixedIndex::parse(bytes)
    }

    pub fn header(&self) -> &FixedHeader {
        &self.header
    }

    /// Number of chunks, at least one.
    pub fn len(&self) -> usize {
        self.entries().len() / ENTRY_LEN
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    pub fn size(&self) -> u64 {
        self.header.size
    }

    pub fn chunk_size(&self) -> u64 {
        self.header.chunk_size
    }

    /// Panics if there is no chunk `chunk`, like a slice.
    pub fn digest(&self, chunk: usize) -> Digest {
        Digest(field(
            self.entries(),
            chunk * ENTRY_LEN..(chunk + 1) * ENTRY_LEN,
        ))
    }

    /// Where chunk `chunk` lies in the content. Panics if there is no such chunk.
    pub fn range(&self, chunk: usize) -> Range<u64> {
        assert!(chunk < self.len(), "chunk {chunk} of {}", self.len());
        let start = chunk as u64 * self.header.chunk_size;
        start
            ..start
                .saturating_add(self.header.chunk_size)
                .min(self.header.size)
    }

    /// Recomputed; the one in the header is not looked at.
    pub fn csum(&self) -> Digest {
        Digest::of(self.entries())
    }

    /// The chunk that holds the byte at `offset`; nothing behind the end.
    pub fn lookup(&self, offset: u64) -> Option<usize> {
        (offset < self.header.size).then(|| {
            usize::try_from(offset / self.header.chunk_size).expect("entries fit into memory")
        })
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

    fn entries(&self) -> &[u8] {
        &self.bytes[HEADER_LEN..]
    }
}

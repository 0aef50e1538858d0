//! The payload half of a split archive: where file data lies when the metadata stands in a stream of its own.
//!
//! The metadata half names each file's data by a [`PayloadRef`]; the payload half is read here from front to back, and what a
//! reference promises is compared with the header that stands there before a byte of data is handed out. What lies between
//! the files (`docs/formats/pxar-split.md` tells why anything may) is passed over unread.

use std::io::{self, BufRead, Seek};

use crate::item::{self, HEADER_LEN, Header, item_name};

/// Where a file's data lies in the payload half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadRef {
    /// Of the PAYLOAD item's header, not of the data.
    pub offset: u64,
    /// Bytes of data behind the header.
    pub size: u64,
}

impl PayloadRef {
    /// Where the data begins; nothing if no stream is that long.
    pub fn data(self) -> Option<std::ops::Range<u64>> {
        let start = self.offset.checked_add(HEADER_LEN)?;
        Some(start..start.checked_add(self.size)?)
    }

    /// Whether `header` is what this reference promises.
    pub(crate) fn check(self, header: &[u8; 16]) -> Result<(), PayloadFault> {
        let found = Header::decode(header).ok_or(PayloadFault::NoHeader)?;
        if found.item != item::PAYLOAD {
            return Err(PayloadFault::OtherItem {
                found: item_name(found.item),
            });
        }
        if found.content_len() != self.size {
            return Err(PayloadFault::OtherSize {
                expected: self.size,
                found: found.content_len(),
            });
        }
        Ok(())
    }
}

/// What is wrong with the payload half of a split archive, or with a reference to it.
#[derive(Debug, thiserror::Error)]
pub enum PayloadFault {
    #[error("the payload half of the archive was not given; only names and metadata can be read")]
    Absent,
    #[error("an archive in one piece has no payload half; leave it out")]
    Unwanted,
    #[error("this is no payload half of an archive, or it is damaged: its first item is {found}")]
    NoStartMarker { found: &'static str },
    #[error(
        "the payload half ends before the data that the metadata promises; it is cut off, or the halves do not belong together"
    )]
    Truncated,
    #[error(
        "the data begins at byte {offset} of the payload half, which was passed already (at byte {position})"
    )]
    Backwards { offset: u64, position: u64 },
    #[error(
        "no stream is as long as the data at byte {offset} of the payload half claims to be ({size} bytes)"
    )]
    Range { offset: u64, size: u64 },
    #[error("no item begins where the metadata places the data; the halves do not belong together")]
    NoHeader,
    #[error(
        "item {found} stands where the metadata places the data; the halves do not belong together"
    )]
    OtherItem { found: &'static str },
    #[error(
        "the data has {found} bytes where the metadata promises {expected}; the halves do not belong together"
    )]
    OtherSize { expected: u64, found: u64 },
    #[error("reading the payload half failed")]
    Io(#[source] io::Error),
}

impl From<PayloadFault> for io::Error {
    fn from(fault: PayloadFault) -> io::Error {
        match fault {
            PayloadFault::Io(error) => error,
            fault => io::Error::new(io::ErrorKind::InvalidData, fault),
        }
    }
}

/// A payload half that is read from front to back.
pub(crate) struct PayloadReader<R> {
    input: R,
    /// Offset of the next byte of `input`.
    position: u64,
    skip: fn(&mut R, u64) -> io::Result<()>,
}

impl<R: BufRead> PayloadReader<R> {
    pub(crate) fn new(input: R) -> PayloadReader<R> {
        PayloadReader {
            input,
            position: 0,
            skip: skip_by_reading,
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes the marker at the very beginning.
    pub(crate) fn start(&mut self) -> Result<(), PayloadFault> {
        let bytes = self.header()?;
        match Header::decode(&bytes) {
            Some(header) if header == Header::new(item::PAYLOAD_START_MARKER, 0) => Ok(()),
            Some(header) => Err(PayloadFault::NoStartMarker {
                found: item_name(header.item),
            }),
            None => Err(PayloadFault::NoStartMarker {
                found: item_name(0),
            }),
        }
    }

    /// A reference came up in the metadata: its data must lie ahead.
    pub(crate) fn announce(&self, reference: PayloadRef) -> Result<(), PayloadFault> {
        let PayloadRef { offset, size } = reference;
        if offset < self.position {
            let position = self.position;
            return Err(PayloadFault::Backwards { offset, position });
        }
        match reference.data() {
            Some(_) => Ok(()),
            None => Err(PayloadFault::Range { offset, size }),
        }
    }

    /// Goes to the data of `reference`.
    pub(crate) fn enter(&mut self, reference: PayloadRef) -> Result<(), PayloadFault> {
        self.announce(reference)?;
        let distance = reference.offset - self.position;
        (self.skip)(&mut self.input, distance).map_err(read_fault)?;
        self.position = reference.offset;
        reference.check(&self.header()?)
    }

    /// Some of the next bytes, at least one.
    pub(crate) fn fill_buf(&mut self) -> Result<&[u8], PayloadFault> {
        match self.input.fill_buf() {
            Ok([]) => Err(PayloadFault::Truncated),
            Ok(available) => Ok(available),
            Err(error) => Err(PayloadFault::Io(error)),
        }
    }

    pub(crate) fn consume(&mut self, amount: usize) {
        self.input.consume(amount);
        self.position += amount as u64;
    }

    fn header(&mut self) -> Result<[u8; 16], PayloadFault> {
        let mut bytes = [0; HEADER_LEN as usize];
        self.input.read_exact(&mut bytes).map_err(read_fault)?;
        self.position += HEADER_LEN;
        Ok(bytes)
    }
}

impl<R: BufRead + Seek> PayloadReader<R> {
    pub(crate) fn skipping_by_seek(mut self) -> Self {
        self.skip = skip_by_seek;
        self
    }
}

fn read_fault(error: io::Error) -> PayloadFault {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        PayloadFault::Truncated
    } else {
        PayloadFault::Io(error)
    }
}

/// Passes over `count` bytes; their absence is an [`io::ErrorKind::UnexpectedEof`].
pub(crate) fn skip_by_reading<R: BufRead>(input: &mut R, mut count: u64) -> io::Result<()> {
    while count > 0 {
        let available = match input.fill_buf() {
            Ok([]) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(available) => available.len() as u64,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let n = available.min(count);
        input.consume(n as usize);
        count -= n;
    }
    Ok(())
}

/// As [`skip_by_reading`]; a seek behind the end may show only at the next read.
pub(crate) fn skip_by_seek<R: Seek>(input: &mut R, count: u64) -> io::Result<()> {
    let count = i64::try_from(count).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    input.seek_relative(count)
}

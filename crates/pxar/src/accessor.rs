//! Opens any member of an archive without reading the others, by the goodbye tables.
//!
//! A table is believed only as far as it stays inside of its directory: a member lies between its directory's ENTRY and table,
//! a subdirectory's table leads back to the ENTRY it belongs to, and a hard link leads to an earlier regular file. So no table,
//! however broken, sends a reader in circles or outside of the archive. In a directory that was opened, nothing else begins inside
//! of a subdirectory either, so whoever walks all of an archive comes to each place once. [`Accessor::lookup`] sees that only of
//! small tables, as it reads no others whole: in a hostile archive it may find one member under several paths, each asked for.
//!
//! Of a split archive the tables are in the metadata half, which can also be opened alone to list and compare.
//!
//! [`Directory`] and [`Node`] borrow nothing, so that a mount can keep them.

use std::io;
use std::ops::Range;

use crate::entry::{Entry, EntryKind};
use crate::goodbye::ROW_LEN;
use crate::item::{self, HEADER_LEN, Header};
use crate::payload::{PayloadFault, PayloadRef};
use crate::read_at::{RangeReader, ReadAt};
use crate::reader::{DEPTH_MAX, DecodeError, Fault, ItemReader};

mod table;

pub use table::{DIRECTORY_MEMBERS_MAX, Directory};

/// Bytes fetched at a time for one member's metadata.
const FETCH_LEN: usize = 4096;

/// Why a member cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("cannot read the archive at byte {offset}")]
    Io {
        offset: u64,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("the archive is too short ({0} bytes)")]
    TooShort(u64),
    #[error("the directory table that ends at byte {end} is damaged: {what}")]
    Table { end: u64, what: &'static str },
    #[error("{name:?} has {members} members, more than the {max} that are read here")]
    TooManyMembers {
        name: String,
        members: u64,
        max: u64,
    },
    #[error("{0:?} is no directory")]
    NotADirectory(String),
    #[error("{0:?} is no regular file")]
    NotAFile(String),
    #[error("cannot enter a parent directory (`..`) in {0:?}")]
    ParentDirectory(String),
    #[error("the hard link {0:?} does not lead to an earlier regular file")]
    BrokenHardlink(String),
    #[error("cannot read the data of {name:?}")]
    Payload {
        name: String,
        #[source]
        fault: PayloadFault,
    },
    #[error("{0:?} is nested deeper than {DEPTH_MAX} directories")]
    TooDeep(String),
}

impl AccessError {
    /// Whether bytes of the archive could not be had, which tells nothing about what is in them.
    pub fn is_io(&self) -> bool {
        match self {
            AccessError::Io { .. } => true,
            AccessError::Decode(error) => matches!(error.fault, Fault::Io(_)),
            _ => false,
        }
    }
}

/// One member that was found.
#[derive(Clone, Debug)]
pub struct Node {
    pub entry: Entry,
    /// Start of the member (its FILENAME); the root has none.
    pub name_offset: Option<u64>,
    /// Start of its ENTRY or HARDLINK.
    pub entry_offset: u64,
    /// End of the member: of a directory, the byte behind its table.
    pub end: u64,
    /// Where a regular file's data lies.
    data: Option<Data>,
}

#[derive(Clone, Debug)]
enum Data {
    /// Behind the metadata.
    Here(Range<u64>),
    InPayload(PayloadRef),
}

impl Node {
    /// Where the data lies in the payload half; nothing unless this is a file of a split archive.
    pub fn payload_ref(&self) -> Option<PayloadRef> {
        match self.data {
            Some(Data::InPayload(reference)) => Some(reference),
            _ => None,
        }
    }
}

/// Random access to an archive.
///
/// ```
/// use pxar::{Accessor, Encoder, Metadata, ReadAt};
/// # let root = Metadata { mode: 0o040755, ..Metadata::default() };
/// # let file = Metadata { mode: 0o100644, ..Metadata::default() };
/// # let mut data = &b"hello"[..];
/// # let mut encoder = Encoder::new(Vec::new(), &root)?;
/// # encoder.add_file(b"hello.txt", &file, 5, &mut |buf| std::io::Read::read(&mut data, buf))?;
/// # let archive: Vec<u8> = encoder.finish()?;
/// let accessor = Accessor::open(archive)?;
/// let node = accessor.lookup(b"/hello.txt")?.expect("it is in there");
/// let mut text = [0; 5];
/// accessor.contents(&node)?.read_exact_at(&mut text, 0)?;
/// assert_eq!(&text, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Accessor<R> {
    source: R,
    payload: Option<R>,
    size: u64,
    split: bool,
    prelude: Option<Vec<u8>>,
    root: Node,
}

impl<R: ReadAt> Accessor<R> {
    /// An archive in one piece, or the metadata half of a split one. Checks the beginning and decodes the root.
    pub fn open(source: R) -> Result<Accessor<R>, AccessError> {
        let size = source.size();
        if size < HEADER_LEN + item::ENTRY_OLD_LEN + HEADER_LEN + ROW_LEN {
            return Err(AccessError::TooShort(size));
        }
        let mut accessor = Accessor {
            root: Node {
                entry: Entry::default(),
                name_offset: None,
                // The table of the root leads to the very first byte, also if something stands before its ENTRY.
                entry_offset: 0,
                end: size,
                data: None,
            },
            source,
            payload: None,
            size,
            split: false,
            prelude: None,
        };
        let input = RangeReader::new(&accessor.source, 0..size, FETCH_LEN);
        let mut reader = ItemReader::new(input, 0, false);
        reader.root(&mut accessor.root.entry, &mut accessor.prelude)?;
        accessor.split = reader.is_split();
        Ok(accessor)
    }

    /// Both halves of a split archive.
    pub fn open_split(metadata: R, payload: R) -> Result<Accessor<R>, AccessError> {
        let mut accessor = Accessor::open(metadata)?;
        let fail = |fault| AccessError::Payload {
            name: "/".to_owned(),
            fault,
        };
        if !accessor.split {
            return Err(fail(PayloadFault::Unwanted));
        }
        let marker = read_header(&payload, 0).map_err(fail)?;
        match Header::decode(&marker) {
            Some(header) if header == Header::new(item::PAYLOAD_START_MARKER, 0) => {}
            other => {
                let found = item::item_name(other.map_or(0, |header| header.item));
                return Err(fail(PayloadFault::NoStartMarker { found }));
            }
        }
        accessor.payload = Some(payload);
        Ok(accessor)
    }

    pub fn is_split(&self) -> bool {
        self.split
    }

    /// What the writer of a split archive put before the root.
    pub fn prelude(&self) -> Option<&[u8]> {
        self.prelude.as_deref()
    }

    pub fn source(&self) -> &R {
        &self.source
    }

    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Opens a member again that was found before: from its [`Node::name_offset`] to its [`Node::end`]. So whoever deals with
    /// millions of members need not keep their nodes.
    pub fn member_at(&self, place: Range<u64>) -> Result<Node, AccessError> {
        self.read_named(place)
    }

    /// Goes down from the root, without reading whole tables. `/` and `.` are the root, `.` elsewhere is ignored, `..` is refused, an empty path is nothing;
    /// a hard link at the end is returned as such.
    pub fn lookup(&self, path: &[u8]) -> Result<Option<Node>, AccessError> {
        if path.is_empty() {
            return Ok(None);
        }
        let mut node = self.root.clone();
        for (depth, part) in path
            .split(|b| *b == b'/')
            .filter(|p| !p.is_empty() && *p != b".")
            .enumerate()
        {
            if part == b".." {
                return Err(AccessError::ParentDirectory(lossy(path)));
            }
            if depth > DEPTH_MAX {
                return Err(AccessError::TooDeep(lossy(path)));
            }
            match self.find_in(&node, part)? {
                Some(found) => node = found,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// The file that a hard link stands for, under its first name; another node is returned as it is.
    pub fn follow_hardlink(&self, node: &Node) -> Result<Node, AccessError> {
        let EntryKind::Hardlink { offset, .. } = &node.entry.kind else {
            return Ok(node.clone());
        };
        let broken = || AccessError::BrokenHardlink(lossy(&node.entry.name));
        let own = node.name_offset.ok_or_else(broken)?;
        let target = own
            .checked_sub(*offset)
            .filter(|t| *t < own)
            .ok_or_else(broken)?;
        let found = self.read_named(target..own)?;
        if !matches!(found.entry.kind, EntryKind::File { .. }) {
            return Err(broken());
        }
        Ok(found)
    }

    /// Data of a regular file.
    pub fn contents(&self, node: &Node) -> Result<Contents<'_, R>, AccessError> {
        match &node.data {
            Some(Data::Here(range)) => Ok(Contents {
                source: &self.source,
                range: range.clone(),
            }),
            Some(Data::InPayload(reference)) => {
                self.referred(*reference)
                    .map_err(|fault| AccessError::Payload {
                        name: lossy(&node.entry.name),
                        fault,
                    })
            }
            None => Err(AccessError::NotAFile(lossy(&node.entry.name))),
        }
    }

    fn referred(&self, reference: PayloadRef) -> Result<Contents<'_, R>, PayloadFault> {
        let payload = self.payload.as_ref().ok_or(PayloadFault::Absent)?;
        let PayloadRef { offset, size } = reference;
        let range = reference
            .data()
            .ok_or(PayloadFault::Range { offset, size })?;
        if range.end > payload.size() {
            return Err(PayloadFault::Truncated);
        }
        reference.check(&read_header(payload, offset)?)?;
        Ok(Contents {
            source: payload,
            range,
        })
    }

    fn read(&self, buf: &mut [u8], offset: u64) -> Result<(), AccessError> {
        self.source
            .read_exact_at(buf, offset)
            .map_err(|source| AccessError::Io { offset, source })
    }

    /// Decodes the member whose FILENAME stands at the beginning of `range`.
    fn read_named(&self, range: Range<u64>) -> Result<Node, AccessError> {
        let input = RangeReader::new(&self.source, range.clone(), FETCH_LEN);
        let mut reader = ItemReader::new(input, range.start, self.split);
        let mut entry = Entry::default();
        match reader.header()? {
            Some(header) if header.item == item::FILENAME => {
                reader.name(header, &mut entry.name)?
            }
            Some(header) => {
                let fault = Fault::Misplaced(item::item_name(header.item));
                return Err(DecodeError {
                    offset: range.start,
                    fault,
                }
                .into());
            }
            None => {
                return Err(DecodeError {
                    offset: range.start,
                    fault: Fault::Truncated,
                }
                .into());
            }
        }
        let entry_offset = reader.position();
        let reference = reader.member(&mut entry)?;
        let data = match entry.kind {
            EntryKind::File { .. } if reference.is_some() => reference.map(Data::InPayload),
            EntryKind::File { size } => {
                let start = reader.position();
                match start
                    .checked_add(size)
                    .filter(|end| *end <= range.end.min(self.size))
                {
                    Some(end) => Some(Data::Here(start..end)),
                    None => {
                        return Err(DecodeError {
                            offset: start,
                            fault: Fault::Truncated,
                        }
                        .into());
                    }
                }
            }
            _ => None,
        };
        Ok(Node {
            entry,
            name_offset: Some(range.start),
            entry_offset,
            end: range.end,
            data,
        })
    }
}

fn read_header<R: ReadAt>(payload: &R, offset: u64) -> Result<[u8; 16], PayloadFault> {
    let mut bytes = [0; HEADER_LEN as usize];
    match payload.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(PayloadFault::Truncated),
        Err(error) => Err(PayloadFault::Io(error)),
    }
}

/// Data of one file inside of an archive.
pub struct Contents<'a, R> {
    source: &'a R,
    range: Range<u64>,
}

impl<R: ReadAt> ReadAt for Contents<'_, R> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(rest) = self.size().checked_sub(offset) else {
            return Ok(0);
        };
        let n = usize::try_from(rest).map_or(buf.len(), |rest| rest.min(buf.len()));
        if n == 0 {
            return Ok(0);
        }
        self.source
            .read_at(&mut buf[..n], self.range.start + offset)
    }

    fn size(&self) -> u64 {
        self.range.end - self.range.start
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

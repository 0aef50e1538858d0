//! Writes an archive from front to back.
//!
//! The caller brings members in their order (sorted by name) and opens and closes directories; the encoder writes the items,
//! remembers what each directory contains and ends it with its goodbye table. It refuses what a reader would refuse. One small
//! write per member goes to the sink, and file data goes there without passing through the encoder.
//!
//! A split archive ([`Encoder::split`]) has a second sink for the data. There the caller may also put bytes of an older archive
//! ([`Encoder::advance_payload`]) and refer to files within them ([`Encoder::add_file_ref`]).

use std::convert::Infallible;
use std::io;

use crate::entry::EntryKind;
use crate::goodbye::{self, Row};
use crate::item::{self, HEADER_LEN, Header, SPLIT_FORMAT_VERSION};
use crate::metadata::Metadata;
use crate::name::{self, NameError};
use crate::payload::PayloadRef;
use crate::reader::DEPTH_MAX;
use crate::sink::Sink;

mod items;

use items::{check_text, put_entry, put_item, put_prelude, put_text};

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("the name {name:?} cannot be stored")]
    Name {
        name: String,
        #[source]
        source: NameError,
    },
    #[error("{what} of {length} bytes is too long for the archive")]
    TooLong { what: &'static str, length: usize },
    #[error("{what} is empty or contains a NUL byte")]
    Text { what: &'static str },
    #[error("mode {mode:o} does not fit the kind of entry")]
    Mode { mode: u64 },
    #[error("more than {DEPTH_MAX} directories inside each other")]
    TooDeep,
    #[error("a directory is still open, or none is")]
    Unbalanced,
    #[error("a hard link must point to a file that was written before")]
    LinkTarget,
    #[error(
        "data at byte {offset} of the payload half would not come after what was stored before it"
    )]
    PayloadOrder { offset: u64 },
    #[error("the prelude of {length} bytes is too long for the archive")]
    Prelude { length: usize },
    #[error("writing the archive failed")]
    Write(#[source] io::Error),
    #[error("reading the file's data failed")]
    Read(#[source] io::Error),
}

/// Where a member starts (its FILENAME item); a later hard link to it needs this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileOffset(pub u64);

/// What became of a file's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub offset: FileOffset,
    /// Bytes that the reader did not have and that stand in the archive as zeros.
    pub missing: u64,
}

/// An open directory.
struct Level {
    entry_offset: u64,
    /// Absolute start and end of each member, in `offset` and `size`, until the table is made.
    rows: Vec<Row>,
    /// Row of this directory in its parent; the root has none.
    hash: u64,
    name_offset: u64,
}

/// The second sink of a split archive.
struct Payload<P> {
    sink: P,
    position: u64,
    /// Where the data of the last file with data lies.
    last: Option<u64>,
}

impl<P> Payload<P> {
    /// Notes that a file's data lies at `offset`, which must be behind all others'.
    fn refer(&mut self, offset: u64) -> Result<(), EncodeError> {
        if offset < self.position || self.last.is_some_and(|last| offset <= last) {
            return Err(EncodeError::PayloadOrder { offset });
        }
        self.last = Some(offset);
        Ok(())
    }
}

/// Takes the data of an archive in one piece: nobody, as it stands among the metadata.
impl Sink for Infallible {
    fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    fn fill(
        &mut self,
        _: u64,
        _: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<u64> {
        match *self {}
    }
}

/// Writes archives: of format version 1 ([`Encoder::new`]), or split ones of version 2 ([`Encoder::split`]).
///
/// ```
/// use pxar::{Encoder, Metadata};
/// let root = Metadata { mode: 0o040755, ..Metadata::default() };
/// let file = Metadata { mode: 0o100644, ..Metadata::default() };
/// let mut data = &b"hello"[..];
/// let mut encoder = Encoder::new(Vec::new(), &root)?;
/// encoder.add_file(b"hello.txt", &file, 5, &mut |buf| std::io::Read::read(&mut data, buf))?;
/// let archive: Vec<u8> = encoder.finish()?;
/// assert_eq!(archive.len() % 2, 1);
/// # Ok::<(), pxar::EncodeError>(())
/// ```
pub struct Encoder<S, P = Infallible> {
    sink: S,
    position: u64,
    payload: Option<Payload<P>>,
    levels: Vec<Level>,
    scratch: Vec<u8>,
}

impl<S: Sink> Encoder<S> {
    /// Starts an archive in one piece with its root directory.
    pub fn new(sink: S, root: &Metadata) -> Result<Encoder<S>, EncodeError> {
        Encoder::start(sink, None, None, root)
    }

    /// Ends the root directory and with it the archive.
    pub fn finish(mut self) -> Result<S, EncodeError> {
        self.end()?;
        Ok(self.sink)
    }
}

impl<S: Sink, P: Sink> Encoder<S, P> {
    /// Starts a split archive with its root directory. The prelude is for the reader of the archive; it means nothing here.
    ///
    /// ```
    /// use pxar::{Decoder, Encoder, Metadata};
    /// let root = Metadata { mode: 0o040755, ..Metadata::default() };
    /// let encoder = Encoder::split(Vec::new(), Vec::new(), None, &root)?;
    /// let (metadata, payload) = encoder.finish_split()?;
    /// assert_eq!(payload.len(), 32);
    /// let mut decoder = Decoder::split_archive(metadata.as_slice(), payload.as_slice());
    /// assert!(decoder.advance()?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split(
        metadata: S,
        payload: P,
        prelude: Option<&[u8]>,
        root: &Metadata,
    ) -> Result<Encoder<S, P>, EncodeError> {
        Encoder::start(metadata, Some(payload), prelude, root)
    }

    /// Ends the root directory and with it both halves of a split archive.
    pub fn finish_split(mut self) -> Result<(S, P), EncodeError> {
        self.end()?;
        let Some(mut payload) = self.payload else {
            return Err(EncodeError::Unbalanced);
        };
        Header::new(item::PAYLOAD_TAIL_MARKER, 0).encode(&mut self.scratch);
        let written = payload.sink.write_all(&self.scratch);
        written.map_err(EncodeError::Write)?;
        Ok((self.sink, payload.sink))
    }

    fn start(
        sink: S,
        payload: Option<P>,
        prelude: Option<&[u8]>,
        root: &Metadata,
    ) -> Result<Encoder<S, P>, EncodeError> {
        let mut encoder = Encoder {
            sink,
            position: 0,
            payload: payload.map(|sink| Payload {
                sink,
                position: 0,
                last: None,
            }),
            levels: Vec::new(),
            scratch: Vec::new(),
        };
        if let Some(payload) = &mut encoder.payload {
            Header::new(item::PAYLOAD_START_MARKER, 0).encode(&mut encoder.scratch);
            let written = payload.sink.write_all(&encoder.scratch);
            written.map_err(EncodeError::Write)?;
            payload.position = HEADER_LEN;
            encoder.scratch.clear();
            put_item(
                &mut encoder.scratch,
                item::FORMAT_VERSION,
                &[SPLIT_FORMAT_VERSION],
            );
            put_prelude(&mut encoder.scratch, prelude)?;
        }
        encoder.put_entry(root, &EntryKind::Directory)?;
        encoder.flush()?;
        // The table of the root leads to the very first byte, not to its ENTRY.
        encoder.levels.push(Level {
            entry_offset: 0,
            rows: Vec::new(),
            hash: 0,
            name_offset: 0,
        });
        Ok(encoder)
    }

    /// Bytes of the archive so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Bytes of the payload half so far; nothing for an archive in one piece.
    pub fn payload_position(&self) -> Option<u64> {
        self.payload.as_ref().map(|payload| payload.position)
    }

    /// The second sink of a split archive.
    pub fn payload_mut(&mut self) -> Option<&mut P> {
        self.payload.as_mut().map(|payload| &mut payload.sink)
    }

    /// Tells that the caller has put `count` bytes of an older archive into the payload half, past the encoder.
    pub fn advance_payload(&mut self, count: u64) -> Result<(), EncodeError> {
        let offset = self.payload_position().unwrap_or_default();
        let advanced = offset.checked_add(count);
        match (&mut self.payload, advanced) {
            (Some(payload), Some(position)) => {
                payload.position = position;
                Ok(())
            }
            _ => Err(EncodeError::PayloadOrder { offset }),
        }
    }

    /// Opens a directory inside of the current one.
    pub fn create_dir(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
    ) -> Result<FileOffset, EncodeError> {
        if self.levels.len() >= DEPTH_MAX {
            return Err(EncodeError::TooDeep);
        }
        let hash = self.put_name(name)?;
        let entry_offset = self.position + self.scratch.len() as u64;
        self.put_entry(metadata, &EntryKind::Directory)?;
        let name_offset = self.position;
        self.flush()?;
        self.levels.push(Level {
            entry_offset,
            rows: Vec::new(),
            hash,
            name_offset,
        });
        Ok(FileOffset(name_offset))
    }

    /// Ends the current directory, which must not be the root.
    pub fn finish_dir(&mut self) -> Result<(), EncodeError> {
        if self.levels.len() < 2 {
            return Err(EncodeError::Unbalanced);
        }
        let (hash, start) = self.put_goodbye()?;
        self.note_member(hash, start);
        Ok(())
    }

    /// Adds a regular file of exactly `size` bytes: `read` is called with memory of the sink until it returned 0 or the size is
    /// reached; what is missing then is filled with zeros.
    pub fn add_file(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        size: u64,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> Result<Written, EncodeError> {
        let hash = self.put_name(name)?;
        self.put_entry(metadata, &EntryKind::File { size })?;
        if size > u64::MAX / 2 {
            self.scratch.clear();
            return Err(EncodeError::TooLong {
                what: "a file",
                length: usize::MAX,
            });
        }
        let start = self.position;
        let missing = match &mut self.payload {
            None => {
                Header::new(item::PAYLOAD, size).encode(&mut self.scratch);
                self.flush()?;
                self.position += size;
                put_data(&mut self.sink, size, read)?
            }
            Some(payload) => {
                let offset = payload.position;
                payload.refer(offset)?;
                put_item(&mut self.scratch, item::PAYLOAD_REF, &[offset, size]);
                let mut header = Vec::new();
                Header::new(item::PAYLOAD, size).encode(&mut header);
                let written = payload.sink.write_all(&header);
                written.map_err(EncodeError::Write)?;
                payload.position += HEADER_LEN + size;
                let missing = put_data(&mut payload.sink, size, read)?;
                self.flush()?;
                missing
            }
        };
        // The row of a file that was stored now counts its data, wherever that lies.
        let counted = if self.payload.is_some() { size } else { 0 };
        self.note_member_with(hash, start, counted);
        Ok(Written {
            offset: FileOffset(start),
            missing,
        })
    }

    /// Adds a regular file of a split archive whose data is, or will be, at `reference` in the payload half: among bytes that
    /// the caller puts there ([`Encoder::advance_payload`]), behind the data of all files that came before.
    pub fn add_file_ref(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        reference: PayloadRef,
    ) -> Result<FileOffset, EncodeError> {
        let PayloadRef { offset, size } = reference;
        let refused = || EncodeError::PayloadOrder { offset };
        reference.data().ok_or_else(refused)?;
        let payload = self.payload.as_mut().ok_or_else(refused)?;
        payload.refer(offset)?;
        let hash = self.put_name(name)?;
        self.put_entry(metadata, &EntryKind::File { size })?;
        put_item(&mut self.scratch, item::PAYLOAD_REF, &[offset, size]);
        let start = self.position;
        self.flush()?;
        self.note_member(hash, start);
        Ok(FileOffset(start))
    }

    pub fn add_symlink(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        target: &[u8],
    ) -> Result<(), EncodeError> {
        self.add_small(
            name,
            metadata,
            EntryKind::Symlink {
                target: target.to_vec(),
            },
        )
    }

    /// Adds another name for a file that was added before at `target`; `path` is its path relative to the root.
    pub fn add_hardlink(
        &mut self,
        name: &[u8],
        path: &[u8],
        target: FileOffset,
    ) -> Result<(), EncodeError> {
        let path = path.strip_prefix(b"/").unwrap_or(path);
        check_text("a link path", path)?;
        let hash = self.put_name(name)?;
        let start = self.position;
        let Some(distance) = start.checked_sub(target.0).filter(|d| *d > 0) else {
            self.scratch.clear();
            return Err(EncodeError::LinkTarget);
        };
        Header::new(item::HARDLINK, 8 + path.len() as u64 + 1).encode(&mut self.scratch);
        self.scratch.extend_from_slice(&distance.to_le_bytes());
        put_text(&mut self.scratch, path);
        self.flush()?;
        self.note_member(hash, start);
        Ok(())
    }

    /// Adds a block or character device, told apart by the mode.
    pub fn add_device(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        major: u64,
        minor: u64,
    ) -> Result<(), EncodeError> {
        self.add_small(name, metadata, EntryKind::Device { major, minor })
    }

    pub fn add_fifo(&mut self, name: &[u8], metadata: &Metadata) -> Result<(), EncodeError> {
        self.add_small(name, metadata, EntryKind::Fifo)
    }

    pub fn add_socket(&mut self, name: &[u8], metadata: &Metadata) -> Result<(), EncodeError> {
        self.add_small(name, metadata, EntryKind::Socket)
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        if self.levels.len() != 1 {
            return Err(EncodeError::Unbalanced);
        }
        self.put_goodbye().map(drop)
    }

    fn add_small(
        &mut self,
        name: &[u8],
        metadata: &Metadata,
        kind: EntryKind,
    ) -> Result<(), EncodeError> {
        let hash = self.put_name(name)?;
        let start = self.position;
        self.put_entry(metadata, &kind)?;
        self.flush()?;
        self.note_member(hash, start);
        Ok(())
    }

    /// Starts a member in `scratch`.
    fn put_name(&mut self, name: &[u8]) -> Result<u64, EncodeError> {
        self.scratch.clear();
        name::check(name).map_err(|source| EncodeError::Name {
            name: String::from_utf8_lossy(name).into_owned(),
            source,
        })?;
        Header::new(item::FILENAME, name.len() as u64 + 1).encode(&mut self.scratch);
        put_text(&mut self.scratch, name);
        Ok(name::hash(name))
    }

    /// ENTRY, attributes and the item of the kind, except a PAYLOAD.
    fn put_entry(&mut self, metadata: &Metadata, kind: &EntryKind) -> Result<(), EncodeError> {
        let result = put_entry(&mut self.scratch, metadata, kind);
        if result.is_err() {
            self.scratch.clear();
        }
        result
    }

    fn put_goodbye(&mut self) -> Result<(u64, u64), EncodeError> {
        let mut level = self.levels.pop().ok_or(EncodeError::Unbalanced)?;
        let table = self.position;
        for row in &mut level.rows {
            *row = Row {
                hash: row.hash,
                offset: table - row.offset,
                size: row.size - row.offset,
            };
        }
        self.scratch.clear();
        goodbye::encode(
            &mut level.rows,
            table - level.entry_offset,
            &mut self.scratch,
        );
        self.flush()?;
        Ok((level.hash, level.name_offset))
    }

    /// Remembers a member that began at `start` and ends here.
    fn note_member(&mut self, hash: u64, start: u64) {
        self.note_member_with(hash, start, 0);
    }

    /// As [`Self::note_member`], with `more` bytes that are elsewhere.
    fn note_member_with(&mut self, hash: u64, start: u64, more: u64) {
        let end = self.position + more;
        if let Some(level) = self.levels.last_mut() {
            level.rows.push(Row {
                hash,
                offset: start,
                size: end,
            });
        }
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        self.sink
            .write_all(&self.scratch)
            .map_err(EncodeError::Write)?;
        self.position += self.scratch.len() as u64;
        self.scratch.clear();
        Ok(())
    }
}

/// Exactly `size` bytes of data; says how many of them `read` did not have, which are zero then.
fn put_data(
    sink: &mut impl Sink,
    size: u64,
    read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
) -> Result<u64, EncodeError> {
    let mut read_failed = false;
    let came = sink.fill(size, &mut |buf| loop {
        match read(buf) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => {
                read_failed = result.is_err();
                return result;
            }
        }
    });
    let came = came.map_err(|e| {
        if read_failed {
            EncodeError::Read(e)
        } else {
            EncodeError::Write(e)
        }
    })?;
    let missing = size - came.min(size);
    put_zeros(sink, missing)?;
    Ok(missing)
}

fn put_zeros(sink: &mut impl Sink, mut count: u64) -> Result<(), EncodeError> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    while count > 0 {
        let n = count.min(ZEROS.len() as u64);
        sink.write_all(&ZEROS[..n as usize])
            .map_err(EncodeError::Write)?;
        count -= n;
    }
    Ok(())
}

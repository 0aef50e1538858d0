//! Reads an archive from front to back.
//!
//! [`Decoder::advance`] steps from member to member; name, metadata and data of the current one are borrowed from the decoder,
//! so a walk over a million members allocates next to nothing, and file data is handed out straight from the input's own buffer.
//! Data that nobody takes is skipped (by seeking, if the decoder was made with [`Decoder::seekable`]). Goodbye tables are skipped
//! unread.
//!
//! A split archive is read in one of two ways: with its payload half ([`Decoder::split_archive`]), or the metadata half alone
//! for names and metadata. A file's data is looked for only when somebody reads it.

use std::io::{self, BufRead, Read, Seek};

use crate::entry::{Entry, EntryKind};
use crate::item::{self, item_name};
use crate::payload::{PayloadFault, PayloadReader, PayloadRef};
use crate::reader::{DEPTH_MAX, DecodeError, Fault, ItemReader};

/// What [`Decoder::advance`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member (the first one is the root); see [`Decoder::entry`].
    Entry,
    /// The end of a directory; [`Decoder::path`] is that of the directory.
    Leave,
}

enum State {
    Start,
    /// The root was read, but not handed out.
    Begun,
    /// Inside of `levels.len()` directories.
    Inside,
    /// The last step was the end of a directory, whose name is still in `path`.
    Left,
    /// In a file's data, of which so many bytes are not read yet.
    Data(u64),
    /// At a file of a split archive, of whose data so many bytes are not read yet.
    Referred {
        reference: PayloadRef,
        rest: u64,
    },
    End,
}

/// A walk over an archive.
///
/// ```
/// use pxar::{Decoder, Encoder, Metadata, Step};
/// let root = Metadata { mode: 0o040755, ..Metadata::default() };
/// let archive = Encoder::new(Vec::new(), &root)?.finish()?;
/// let mut decoder = Decoder::new(archive.as_slice());
/// assert_eq!(decoder.advance()?, Some(Step::Entry));
/// assert_eq!(decoder.path(), b"/");
/// assert_eq!(decoder.advance()?, Some(Step::Leave));
/// assert_eq!(decoder.advance()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Decoder<R> {
    reader: ItemReader<R>,
    payload: Option<PayloadReader<R>>,
    prelude: Option<Vec<u8>>,
    state: State,
    entry: Entry,
    /// Of the current member.
    reference: Option<PayloadRef>,
    /// Full path of the current member; empty for the root.
    path: Vec<u8>,
    /// Length of `path` for each open directory.
    levels: Vec<usize>,
}

impl<R: BufRead> Decoder<R> {
    /// An archive in one piece, or the metadata half of a split one. Reads nothing yet.
    pub fn new(input: R) -> Decoder<R> {
        let (entry, path, levels) = (Entry::default(), Vec::new(), Vec::new());
        Decoder {
            reader: ItemReader::new(input, 0, false),
            payload: None,
            prelude: None,
            state: State::Start,
            entry,
            reference: None,
            path,
            levels,
        }
    }

    /// As [`Decoder::new`], but data that is not wanted is skipped by seeking forward.
    pub fn seekable(input: R) -> Decoder<R>
    where
        R: Seek,
    {
        let mut decoder = Decoder::new(input);
        decoder.reader = decoder.reader.skipping_by_seek();
        decoder
    }

    /// Both halves of a split archive.
    pub fn split_archive(metadata: R, payload: R) -> Decoder<R> {
        let mut decoder = Decoder::new(metadata);
        decoder.payload = Some(PayloadReader::new(payload));
        decoder
    }

    /// As [`Decoder::split_archive`], but data that is not wanted is skipped by seeking forward.
    pub fn split_archive_seekable(metadata: R, payload: R) -> Decoder<R>
    where
        R: Seek,
    {
        let mut decoder = Decoder::seekable(metadata);
        decoder.payload = Some(PayloadReader::new(payload).skipping_by_seek());
        decoder
    }

    /// Goes to the next member or end of a directory; `None` after the end of the root. What is left of the current file's data
    /// is skipped. After an error the decoder is of no more use.
    pub fn advance(&mut self) -> Result<Option<Step>, DecodeError> {
        match self.state {
            State::Start => {
                self.root()?;
                return Ok(Some(Step::Entry));
            }
            State::Begun => {
                self.state = State::Inside;
                return Ok(Some(Step::Entry));
            }
            State::End => return self.end(),
            State::Data(rest) => self.reader.skip(rest)?,
            State::Left => {
                self.levels.pop();
                if self.levels.is_empty() {
                    self.state = State::End;
                    return self.end();
                }
            }
            State::Inside | State::Referred { .. } => {}
        }
        self.path
            .truncate(self.levels.last().copied().unwrap_or_default());
        let start = self.reader.position();
        match self.reader.header()? {
            Some(header) if header.item == item::FILENAME => {
                self.reader.name(header, &mut self.entry.name)?;
                self.path.push(b'/');
                self.path.extend_from_slice(&self.entry.name);
                self.reference = self.reader.member(&mut self.entry)?;
                self.enter()?;
                Ok(Some(Step::Entry))
            }
            Some(header) if header.item == item::GOODBYE => {
                self.reader.skip_to_the_last_byte(header.content_len())?;
                self.state = State::Left;
                Ok(Some(Step::Leave))
            }
            Some(header) => Err(DecodeError {
                offset: start,
                fault: Fault::Misplaced(item_name(header.item)),
            }),
            None => self.reader.error(Fault::Truncated),
        }
    }

    /// Reads the beginning, which tells whether the archive is split and has a prelude. The first step is still the root.
    pub fn begin(&mut self) -> Result<(), DecodeError> {
        if let State::Start = self.state {
            self.root()?;
            self.state = State::Begun;
        }
        Ok(())
    }

    /// The current member. Of no meaning after [`Step::Leave`].
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Path of the current member, or of the directory that was left: `/` for the root, else `/a/b`.
    pub fn path(&self) -> &[u8] {
        if self.path.is_empty() {
            b"/"
        } else {
            &self.path
        }
    }

    /// Where the data of the current member lies in the payload half; nothing unless it is a file of a split archive.
    pub fn payload_ref(&self) -> Option<PayloadRef> {
        self.reference
    }

    /// Whether the archive is split; known after [`Decoder::begin`] or the first step.
    pub fn is_split(&self) -> bool {
        self.reader.is_split()
    }

    /// What the writer of a split archive put before the root; known after [`Decoder::begin`] or the first step.
    pub fn prelude(&self) -> Option<&[u8]> {
        self.prelude.as_deref()
    }

    /// Data of the current member; empty for all but files.
    pub fn contents(&mut self) -> FileContents<'_, R> {
        self.split().1
    }

    /// The current member and its data at the same time.
    pub fn split(&mut self) -> (&Entry, FileContents<'_, R>) {
        (
            &self.entry,
            FileContents {
                reader: &mut self.reader,
                payload: self.payload.as_mut(),
                state: &mut self.state,
            },
        )
    }

    fn root(&mut self) -> Result<(), DecodeError> {
        self.reader.root(&mut self.entry, &mut self.prelude)?;
        if let Some(payload) = &mut self.payload {
            let started = if self.reader.is_split() {
                payload.start()
            } else {
                Err(PayloadFault::Unwanted)
            };
            if let Err(fault) = started {
                return self.reader.error(fault.into());
            }
        }
        self.enter()
    }

    /// Sets the state for the entry that was just read.
    fn enter(&mut self) -> Result<(), DecodeError> {
        self.state = match self.entry.kind {
            EntryKind::File { size } => match self.reference {
                None => State::Data(size),
                Some(reference) => {
                    if let Some(Err(fault)) = self.payload.as_ref().map(|p| p.announce(reference)) {
                        return self.reader.error(fault.into());
                    }
                    State::Referred {
                        reference,
                        rest: size,
                    }
                }
            },
            EntryKind::Directory => {
                if self.levels.len() >= DEPTH_MAX {
                    return self.reader.error(Fault::TooDeep);
                }
                self.levels.push(self.path.len());
                State::Inside
            }
            _ => State::Inside,
        };
        Ok(())
    }

    fn end(&mut self) -> Result<Option<Step>, DecodeError> {
        match self.reader.header() {
            Ok(None) => Ok(None),
            Err(DecodeError {
                offset,
                fault: Fault::Io(e),
            }) => Err(DecodeError {
                offset,
                fault: Fault::Io(e),
            }),
            _ => self.reader.error(Fault::TrailingBytes),
        }
    }
}

/// Data of one file, borrowed from a [`Decoder`]: [`BufRead::fill_buf`] hands out slices of the input's own buffer. An input that
/// ends too early is an error of kind [`io::ErrorKind::UnexpectedEof`], never a short file; a payload half that is absent or does
/// not fit the metadata is one with a [`PayloadFault`] inside.
pub struct FileContents<'a, R> {
    reader: &'a mut ItemReader<R>,
    payload: Option<&'a mut PayloadReader<R>>,
    state: &'a mut State,
}

impl<R: BufRead> FileContents<'_, R> {
    /// Where in the archive (of a split one: in the half that it lies in) the next byte of data stands.
    pub fn offset(&self) -> u64 {
        match (&*self.state, &self.payload) {
            (State::Referred { .. }, Some(payload)) => payload.position(),
            _ => self.reader.position(),
        }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> u64 {
        match *self.state {
            State::Data(rest) | State::Referred { rest, .. } => rest,
            _ => 0,
        }
    }

    /// The next bytes of a split archive's file; goes there first.
    fn fill_referred(&mut self, reference: PayloadRef, rest: u64) -> Result<&[u8], PayloadFault> {
        let payload = self.payload.as_deref_mut().ok_or(PayloadFault::Absent)?;
        let is_new = rest == reference.size && payload.position() <= reference.offset;
        if is_new {
            payload.enter(reference)?;
        }
        payload.fill_buf()
    }
}

impl<R: BufRead> BufRead for FileContents<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let rest = self.remaining();
        if rest == 0 {
            return Ok(&[]);
        }
        let available = match *self.state {
            State::Referred { reference, rest } => self.fill_referred(reference, rest)?,
            _ => self.reader.input().fill_buf()?,
        };
        if available.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the archive ends inside of a file",
            ));
        }
        let n = usize::try_from(rest).map_or(available.len(), |rest| rest.min(available.len()));
        Ok(&available[..n])
    }

    fn consume(&mut self, amount: usize) {
        let rest = self.remaining();
        let amount = usize::try_from(rest).map_or(amount, |rest| rest.min(amount));
        if amount == 0 {
            return;
        }
        let left = rest - amount as u64;
        match (&mut *self.state, &mut self.payload) {
            (State::Referred { rest, .. }, Some(payload)) => {
                payload.consume(amount);
                *rest = left;
            }
            (State::Referred { .. }, None) => {}
            (state, _) => {
                self.reader.input().consume(amount);
                self.reader.advance_position(amount as u64);
                *state = State::Data(left);
            }
        }
    }
}

impl<R: BufRead> Read for FileContents<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let available = self.fill_buf()?;
        let n = available.len().min(buf.len());
        buf[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

//! Items as they come from a reader, and the one place where the items of a member become an [`Entry`].
//!
//! Both the sequential decoder and the accessor read through here, so both refuse the same things. No length from the archive
//! reserves memory before it was compared with the limits of its item.

use std::io::{self, BufRead, Seek};

use crate::entry::{Entry, EntryKind};
use crate::item::{self, Header, item_name};
use crate::metadata::{AclDefault, AclEntry, Metadata, Mtime, Xattr, mode};
use crate::name::{self, NameError};
use crate::payload::{PayloadFault, PayloadRef, skip_by_reading, skip_by_seek};

/// All attributes of one entry together, with their headers. Linux lists at most 64 KiB of names per file.
pub const ATTRIBUTE_BYTES_MAX: usize = 64 << 20;
/// ACL entries of one entry; file systems stop far below.
pub const ACL_ENTRIES_MAX: usize = 1 << 16;
/// The prelude of a split archive: no command line holds as many patterns.
pub const PRELUDE_LEN_MAX: u64 = 64 << 20;
/// Directories inside each other. Each level costs a reader memory and a restore an open directory.
pub const DEPTH_MAX: usize = 8192;

/// An archive that cannot be read on: where, and what is wrong there.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the archive at byte {offset}")]
pub struct DecodeError {
    pub offset: u64,
    #[source]
    pub fault: Fault,
}

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("reading failed")]
    Io(#[source] io::Error),
    #[error("the archive ends here, but more must follow; it was cut off")]
    Truncated,
    #[error("an item claims to be smaller than its own header")]
    HeaderSize,
    #[error("unknown item type {0:#018x}; this is no pxar archive, or it is damaged")]
    UnknownItem(u64),
    #[error("item {item} of {length} bytes is outside of its limits")]
    ItemLength { item: &'static str, length: u64 },
    #[error("item {0} may not stand here")]
    Misplaced(&'static str),
    #[error("a second {0} in one entry")]
    Repeated(&'static str),
    #[error("text of item {0} does not end with its only NUL byte")]
    NotTerminated(&'static str),
    #[error("a member's name is not valid")]
    Name(#[source] NameError),
    #[error("an extended attribute has no valid name")]
    XattrName,
    #[error("more attributes than any file can have")]
    TooManyAttributes,
    #[error("a time with {0} nanoseconds")]
    Nanoseconds(u32),
    #[error("mode {mode:o} does not fit what the entry contains")]
    Mode { mode: u64 },
    #[error("more than {DEPTH_MAX} directories inside each other")]
    TooDeep,
    #[error("bytes follow after the end of the archive")]
    TrailingBytes,
    #[error("format version {0} is not known to this program")]
    Version(u64),
    #[error("the payload half of the archive cannot be used")]
    Payload(#[from] PayloadFault),
}

/// Reads items one by one and knows where it is.
pub(crate) struct ItemReader<R> {
    input: R,
    /// Offset of the next byte of `input`.
    position: u64,
    peeked: Option<Header>,
    scratch: Vec<u8>,
    skip: fn(&mut R, u64) -> io::Result<()>,
    /// Whether the archive is split: files have a PAYLOAD_REF then, and no PAYLOAD.
    split: bool,
}

impl<R: BufRead> ItemReader<R> {
    /// Begins at `position` of an archive that is `split` or not; at the beginning [`Self::root`] finds that out.
    pub(crate) fn new(input: R, position: u64, split: bool) -> Self {
        ItemReader {
            split,
            input,
            position,
            peeked: None,
            scratch: Vec::new(),
            skip: skip_by_reading,
        }
    }

    pub(crate) fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Tells that `count` bytes were taken from [`Self::input`].
    pub(crate) fn advance_position(&mut self, count: u64) {
        self.position += count;
    }

    /// Where the next item (or content) begins.
    pub(crate) fn position(&self) -> u64 {
        self.position
            - if self.peeked.is_some() {
                item::HEADER_LEN
            } else {
                0
            }
    }

    pub(crate) fn error<T>(&self, fault: Fault) -> Result<T, DecodeError> {
        Err(DecodeError {
            offset: self.position(),
            fault,
        })
    }

    /// The next header, its length already compared with the limits of its item; `None` at the end of the input.
    pub(crate) fn header(&mut self) -> Result<Option<Header>, DecodeError> {
        if let Some(header) = self.peeked.take() {
            return Ok(Some(header));
        }
        let mut bytes = [0; 16];
        if self.read_or_end(&mut bytes)? == 0 {
            return Ok(None);
        }
        let start = self.position - item::HEADER_LEN;
        let fail = |fault| {
            Err(DecodeError {
                offset: start,
                fault,
            })
        };
        let Some(header) = Header::decode(&bytes) else {
            return fail(Fault::HeaderSize);
        };
        let Some(limits) = header.content_limits() else {
            return fail(Fault::UnknownItem(header.item));
        };
        if !limits.contains(&header.content_len()) || start.checked_add(header.full_size).is_none()
        {
            return fail(Fault::ItemLength {
                item: item_name(header.item),
                length: header.full_size,
            });
        }
        Ok(Some(header))
    }

    pub(crate) fn unread(&mut self, header: Header) {
        self.peeked = Some(header);
    }

    pub(crate) fn skip(&mut self, count: u64) -> Result<(), DecodeError> {
        match (self.skip)(&mut self.input, count) {
            Ok(()) => {
                self.position += count;
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => self.error(Fault::Truncated),
            Err(e) => self.error(Fault::Io(e)),
        }
    }

    /// Skips, but reads the last byte: a seek alone does not notice that the input ends earlier.
    pub(crate) fn skip_to_the_last_byte(&mut self, count: u64) -> Result<(), DecodeError> {
        if let Some(before) = count.checked_sub(1) {
            self.skip(before)?;
            self.content(1, &mut Vec::new())?;
        }
        Ok(())
    }

    /// Reads all of `buf`; 0 bytes are all right too.
    fn read_or_end(&mut self, buf: &mut [u8]) -> Result<usize, DecodeError> {
        let mut done = 0;
        while done < buf.len() {
            let available = match self.input.fill_buf() {
                Ok([]) if done == 0 => return Ok(0),
                Ok([]) => return self.error(Fault::Truncated),
                Ok(available) => available,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return self.error(Fault::Io(e)),
            };
            let n = available.len().min(buf.len() - done);
            buf[done..done + n].copy_from_slice(&available[..n]);
            self.input.consume(n);
            self.position += n as u64;
            done += n;
        }
        Ok(done)
    }

    /// Reads `length` bytes, which the caller knows to be few.
    fn content(&mut self, length: u64, into: &mut Vec<u8>) -> Result<(), DecodeError> {
        into.clear();
        into.resize(length as usize, 0);
        if self.read_or_end(into)? < into.len() {
            return self.error(Fault::Truncated);
        }
        Ok(())
    }

    /// Content that consists of `N` numbers.
    pub(crate) fn numbers<const N: usize>(&mut self) -> Result<[u64; N], DecodeError> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 8];
            if self.read_or_end(&mut bytes)? == 0 {
                return self.error(Fault::Truncated);
            }
            *number = u64::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    /// Content that ends with its only NUL, which is removed.
    fn text(
        &mut self,
        item: &'static str,
        length: u64,
        into: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let start = self.position;
        self.content(length, into)?;
        match into.iter().position(|b| *b == 0) {
            Some(at) if at + 1 == into.len() => {
                into.pop();
                Ok(())
            }
            _ => Err(DecodeError {
                offset: start,
                fault: Fault::NotTerminated(item),
            }),
        }
    }

    /// Content of a FILENAME.
    pub(crate) fn name(&mut self, header: Header, into: &mut Vec<u8>) -> Result<(), DecodeError> {
        let start = self.position;
        self.content(header.content_len(), into)?;
        if into.pop() != Some(0) {
            return Err(DecodeError {
                offset: start,
                fault: Fault::NotTerminated("FILENAME"),
            });
        }
        name::check(into).map_err(|e| DecodeError {
            offset: start,
            fault: Fault::Name(e),
        })
    }

    /// The beginning of an archive up to the end of the root's attributes. The prelude goes to `prelude`.
    pub(crate) fn root(
        &mut self,
        entry: &mut Entry,
        prelude: &mut Option<Vec<u8>>,
    ) -> Result<(), DecodeError> {
        let fail = |fault| Err(DecodeError { offset: 0, fault });
        let Some(mut first) = self.header()? else {
            return fail(Fault::Truncated);
        };
        if first.item == item::FORMAT_VERSION {
            self.split = match self.numbers()? {
                [1] => false,
                [2] => true,
                [other] => return fail(Fault::Version(other)),
            };
            first = self.next_header()?;
            if first.item == item::PRELUDE && self.split {
                *prelude = Some(self.prelude(first)?);
                first = self.next_header()?;
            }
        }
        entry.name.clear();
        self.entry(first, entry)?;
        if entry.kind != EntryKind::Directory {
            return fail(Fault::Mode {
                mode: entry.metadata.mode,
            });
        }
        Ok(())
    }

    /// Whether the archive is known to be split.
    pub(crate) fn is_split(&self) -> bool {
        self.split
    }

    fn next_header(&mut self) -> Result<Header, DecodeError> {
        match self.header()? {
            Some(header) => Ok(header),
            None => self.error(Fault::Truncated),
        }
    }

    /// Memory grows with what comes, not with what is claimed.
    fn prelude(&mut self, header: Header) -> Result<Vec<u8>, DecodeError> {
        const STEP: u64 = 1 << 20;
        let length = header.content_len();
        if length > PRELUDE_LEN_MAX {
            return self.error(Fault::ItemLength {
                item: "PRELUDE",
                length: header.full_size,
            });
        }
        let (mut prelude, mut part) = (Vec::new(), Vec::new());
        while (prelude.len() as u64) < length {
            let rest = length - prelude.len() as u64;
            self.content(rest.min(STEP), &mut part)?;
            prelude.append(&mut part);
        }
        Ok(prelude)
    }

    /// The member that follows a FILENAME: a HARDLINK or an ENTRY with all that belongs to it. For a file of a split archive
    /// the result is where its data lies.
    pub(crate) fn member(&mut self, entry: &mut Entry) -> Result<Option<PayloadRef>, DecodeError> {
        let start = self.position();
        match self.header()? {
            Some(header) if header.item == item::HARDLINK => {
                entry.metadata.clear();
                let [offset] = self.numbers()?;
                let mut path = Vec::new();
                self.text("HARDLINK", header.content_len() - 8, &mut path)?;
                entry.kind = EntryKind::Hardlink { path, offset };
                Ok(None)
            }
            Some(header) => self.entry(header, entry),
            None => Err(DecodeError {
                offset: start,
                fault: Fault::Truncated,
            }),
        }
    }

    /// An ENTRY, whose header was read, its attributes and the item that tells its kind. Of a PAYLOAD only the header is taken.
    pub(crate) fn entry(
        &mut self,
        first: Header,
        entry: &mut Entry,
    ) -> Result<Option<PayloadRef>, DecodeError> {
        let start = self.position - item::HEADER_LEN;
        entry.metadata.clear();
        self.stat(first, &mut entry.metadata)?;
        let mut attribute_bytes: u64 = 0;
        let mut reference = None;
        entry.kind = loop {
            let Some(header) = self.header()? else {
                break kind_by_mode(&entry.metadata);
            };
            match header.item {
                item::FILENAME | item::GOODBYE => {
                    self.unread(header);
                    break kind_by_mode(&entry.metadata);
                }
                item::PAYLOAD_REF if self.split => {
                    let [offset, size] = self.numbers()?;
                    reference = Some(PayloadRef { offset, size });
                    break EntryKind::File { size };
                }
                item::PAYLOAD if !self.split => {
                    break EntryKind::File {
                        size: header.content_len(),
                    };
                }
                item::SYMLINK => {
                    let mut target = Vec::new();
                    self.text("SYMLINK", header.content_len(), &mut target)?;
                    break EntryKind::Symlink { target };
                }
                item::DEVICE => {
                    let [major, minor] = self.numbers()?;
                    break EntryKind::Device { major, minor };
                }
                _ => {
                    attribute_bytes = attribute_bytes.saturating_add(header.full_size);
                    if attribute_bytes > ATTRIBUTE_BYTES_MAX as u64 {
                        return self.error(Fault::TooManyAttributes);
                    }
                    self.attribute(header, &mut entry.metadata)?;
                }
            }
        };
        if !entry.kind.matches_mode(entry.metadata.file_type()) {
            return Err(DecodeError {
                offset: start,
                fault: Fault::Mode {
                    mode: entry.metadata.mode,
                },
            });
        }
        Ok(reference)
    }

    fn stat(&mut self, header: Header, metadata: &mut Metadata) -> Result<(), DecodeError> {
        match header.item {
            item::ENTRY => {
                let [mode, flags, owner, secs, nanos] = self.numbers()?;
                metadata.set_stat(mode, flags, owner);
                let nanos = nanos as u32;
                if nanos >= 1_000_000_000 {
                    return self.error(Fault::Nanoseconds(nanos));
                }
                metadata.mtime = Mtime {
                    secs: secs.cast_signed(),
                    nanos,
                };
            }
            item::ENTRY_OLD => {
                let [mode, flags, owner, time_ns] = self.numbers()?;
                metadata.set_stat(mode, flags, owner);
                let (secs, nanos) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
                metadata.mtime = Mtime {
                    secs: secs.cast_signed(),
                    nanos: nanos as u32,
                };
            }
            other => {
                let offset = self.position - item::HEADER_LEN;
                return Err(DecodeError {
                    offset,
                    fault: Fault::Misplaced(item_name(other)),
                });
            }
        }
        Ok(())
    }

    fn attribute(&mut self, header: Header, metadata: &mut Metadata) -> Result<(), DecodeError> {
        let name = item_name(header.item);
        let acl = &mut metadata.acl;
        let list = match header.item {
            item::XATTR => {
                let xattr = self.xattr(header.content_len())?;
                metadata.xattrs.push(xattr);
                return Ok(());
            }
            item::FCAPS => {
                let mut value = Vec::new();
                self.content(header.content_len(), &mut value)?;
                return self.once(name, &mut metadata.fcaps, value);
            }
            item::QUOTA_PROJID => {
                let [id] = self.numbers()?;
                return self.once(name, &mut metadata.quota_project_id, id);
            }
            item::ACL_GROUP_OBJ => {
                let [permissions] = self.numbers()?;
                return self.once(name, &mut acl.group_obj, permissions);
            }
            item::ACL_DEFAULT => {
                let [user_obj, group_obj, other, mask] = self.numbers()?;
                return self.once(
                    name,
                    &mut acl.default,
                    AclDefault {
                        user_obj,
                        group_obj,
                        other,
                        mask,
                    },
                );
            }
            item::ACL_USER => &mut acl.users,
            item::ACL_GROUP => &mut acl.groups,
            item::ACL_DEFAULT_USER => &mut acl.default_users,
            item::ACL_DEFAULT_GROUP => &mut acl.default_groups,
            _ => {
                let offset = self.position - item::HEADER_LEN;
                return Err(DecodeError {
                    offset,
                    fault: Fault::Misplaced(name),
                });
            }
        };
        let [id, permissions] = self.numbers()?;
        if list.len() >= ACL_ENTRIES_MAX {
            return self.error(Fault::TooManyAttributes);
        }
        list.push(AclEntry { id, permissions });
        Ok(())
    }

    fn once<T>(
        &self,
        name: &'static str,
        slot: &mut Option<T>,
        value: T,
    ) -> Result<(), DecodeError> {
        if slot.is_some() {
            return self.error(Fault::Repeated(name));
        }
        *slot = Some(value);
        Ok(())
    }

    fn xattr(&mut self, length: u64) -> Result<Xattr, DecodeError> {
        let mut bytes = std::mem::take(&mut self.scratch);
        self.content(length, &mut bytes)?;
        let split = bytes
            .iter()
            .take(256)
            .position(|b| *b == 0)
            .filter(|at| *at > 0);
        let xattr = split.map(|at| Xattr {
            name: bytes[..at].to_vec(),
            value: bytes[at + 1..].to_vec(),
        });
        self.scratch = bytes;
        match xattr {
            Some(xattr) => Ok(xattr),
            None => self.error(Fault::XattrName),
        }
    }
}

impl<R: BufRead + Seek> ItemReader<R> {
    pub(crate) fn skipping_by_seek(mut self) -> Self {
        self.skip = skip_by_seek;
        self
    }
}

/// Kind of an entry that ends after its attributes.
fn kind_by_mode(metadata: &Metadata) -> EntryKind {
    match metadata.file_type() {
        mode::FIFO => EntryKind::Fifo,
        mode::SOCKET => EntryKind::Socket,
        _ => EntryKind::Directory,
    }
}

impl Metadata {
    fn set_stat(&mut self, mode: u64, flags: u64, owner: u64) {
        self.mode = mode;
        self.flags = flags;
        self.uid = owner as u32;
        self.gid = (owner >> 32) as u32;
    }
}

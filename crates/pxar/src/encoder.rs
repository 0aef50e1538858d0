//! Writes an archive from front to back.
//!
//! The caller brings members in their order (sorted by name) and opens and closes directories; the encoder writes the items,
//! remembers what each directory contains and ends it with its goodbye table. It refuses what a reader would refuse. One small
//! write per member goes to the sink, and file data goes there without passing through the encoder.

use std::io;

use crate::entry::EntryKind;
use crate::goodbye::{self, Row};
use crate::item::{self, HEADER_LEN, Header, NAME_MAX};
use crate::metadata::{AclEntry, Metadata};
use crate::name::{self, NameError};
use crate::reader::{ACL_ENTRIES_MAX, ATTRIBUTE_BYTES_MAX, DEPTH_MAX};
use crate::sink::Sink;

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

/// Writes archives of format version 1.
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
pub struct Encoder<S> {
    sink: S,
    position: u64,
    levels: Vec<Level>,
    scratch: Vec<u8>,
}

impl<S: Sink> Encoder<S> {
    /// Starts an archive with its root directory.
    pub fn new(sink: S, root: &Metadata) -> Result<Encoder<S>, EncodeError> {
        let mut encoder = Encoder {
            sink,
            position: 0,
            levels: Vec::new(),
            scratch: Vec::new(),
        };
        encoder.put_entry(root, &EntryKind::Directory)?;
        encoder.flush()?;
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
        Header::new(item::PAYLOAD, size).encode(&mut self.scratch);
        let start = self.position;
        self.flush()?;
        let mut read_failed = false;
        let came = self.sink.fill(size, &mut |buf| loop {
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
        self.put_zeros(missing)?;
        self.position += size;
        self.note_member(hash, start);
        Ok(Written {
            offset: FileOffset(start),
            missing,
        })
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

    /// Ends the root directory and with it the archive.
    pub fn finish(mut self) -> Result<S, EncodeError> {
        if self.levels.len() != 1 {
            return Err(EncodeError::Unbalanced);
        }
        self.put_goodbye()?;
        Ok(self.sink)
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

    fn put_zeros(&mut self, mut count: u64) -> Result<(), EncodeError> {
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        while count > 0 {
            let n = count.min(ZEROS.len() as u64);
            self.sink
                .write_all(&ZEROS[..n as usize])
                .map_err(EncodeError::Write)?;
            count -= n;
        }
        Ok(())
    }

    /// Remembers a member that began at `start` and ends here.
    fn note_member(&mut self, hash: u64, start: u64) {
        let end = self.position;
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

fn put_entry(out: &mut Vec<u8>, metadata: &Metadata, kind: &EntryKind) -> Result<(), EncodeError> {
    if !kind.matches_mode(metadata.file_type()) {
        return Err(EncodeError::Mode {
            mode: metadata.mode,
        });
    }
    Header::new(item::ENTRY, item::ENTRY_LEN).encode(out);
    put_numbers(out, &[metadata.mode, metadata.flags]);
    out.extend_from_slice(&metadata.uid.to_le_bytes());
    out.extend_from_slice(&metadata.gid.to_le_bytes());
    out.extend_from_slice(&metadata.mtime.secs.to_le_bytes());
    put_numbers(out, &[u64::from(metadata.mtime.nanos)]);
    put_attributes(out, metadata)?;
    match kind {
        EntryKind::Symlink { target } => {
            check_text("a link target", target)?;
            Header::new(item::SYMLINK, target.len() as u64 + 1).encode(out);
            put_text(out, target);
        }
        EntryKind::Device { major, minor } => put_item(out, item::DEVICE, &[*major, *minor]),
        _ => {}
    }
    Ok(())
}

fn put_attributes(out: &mut Vec<u8>, metadata: &Metadata) -> Result<(), EncodeError> {
    let start = out.len();
    for xattr in &metadata.xattrs {
        let length = xattr.name.len() + 1 + xattr.value.len();
        if xattr.name.is_empty() || xattr.name.contains(&0) {
            return Err(EncodeError::Text {
                what: "the name of an extended attribute",
            });
        }
        if length as u64 > item::XATTR_MAX || xattr.name.len() > 255 {
            return Err(EncodeError::TooLong {
                what: "an extended attribute",
                length,
            });
        }
        Header::new(item::XATTR, length as u64).encode(out);
        put_text(out, &xattr.name);
        out.extend_from_slice(&xattr.value);
    }
    let acl = &metadata.acl;
    put_acl(out, item::ACL_USER, &acl.users)?;
    put_acl(out, item::ACL_GROUP, &acl.groups)?;
    if let Some(permissions) = acl.group_obj {
        put_item(out, item::ACL_GROUP_OBJ, &[permissions]);
    }
    if let Some(default) = &acl.default {
        put_item(
            out,
            item::ACL_DEFAULT,
            &[
                default.user_obj,
                default.group_obj,
                default.other,
                default.mask,
            ],
        );
    }
    put_acl(out, item::ACL_DEFAULT_USER, &acl.default_users)?;
    put_acl(out, item::ACL_DEFAULT_GROUP, &acl.default_groups)?;
    if let Some(fcaps) = &metadata.fcaps {
        if fcaps.len() as u64 > item::XATTR_MAX {
            return Err(EncodeError::TooLong {
                what: "a file capability",
                length: fcaps.len(),
            });
        }
        Header::new(item::FCAPS, fcaps.len() as u64).encode(out);
        out.extend_from_slice(fcaps);
    }
    if let Some(id) = metadata.quota_project_id {
        put_item(out, item::QUOTA_PROJID, &[id]);
    }
    let length = out.len() - start;
    if length > ATTRIBUTE_BYTES_MAX {
        return Err(EncodeError::TooLong {
            what: "the attributes of one entry",
            length,
        });
    }
    Ok(())
}

fn put_acl(out: &mut Vec<u8>, item: u64, entries: &[AclEntry]) -> Result<(), EncodeError> {
    if entries.len() > ACL_ENTRIES_MAX {
        return Err(EncodeError::TooLong {
            what: "an access control list",
            length: entries.len(),
        });
    }
    for entry in entries {
        put_item(out, item, &[entry.id, entry.permissions]);
    }
    Ok(())
}

fn put_item(out: &mut Vec<u8>, item: u64, numbers: &[u64]) {
    Header {
        item,
        full_size: HEADER_LEN + 8 * numbers.len() as u64,
    }
    .encode(out);
    put_numbers(out, numbers);
}

fn put_numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.push(0);
}

fn check_text(what: &'static str, text: &[u8]) -> Result<(), EncodeError> {
    if text.is_empty() || text.contains(&0) {
        return Err(EncodeError::Text { what });
    }
    if text.len() > NAME_MAX {
        return Err(EncodeError::TooLong {
            what,
            length: text.len(),
        });
    }
    Ok(())
}

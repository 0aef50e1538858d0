//! Members that wait for the planner's decision, in little memory and without open files: one after the other in segments of
//! bytes, numbers at the length that they need.
//!
//! A file of some bytes takes about 50 and its name; extended attributes and ACLs come on top. How much all of them may take is
//! the caller's limit, and the only one: so trees of very many small files are taken over too, however few files may be open. The
//! bytes never leave the process. Directories stay open as far as they may, so that what is in them is found when they have got
//! other names meanwhile.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use pxar::metadata::{Acl, AclDefault, AclEntry};
use pxar::{Metadata, Mtime, Xattr};

use super::member::{Folder, SeenFile, What};
use crate::reuse::Queue;

/// A member on its way to the archive.
pub(super) struct Member {
    pub(super) name: Box<[u8]>,
    pub(super) metadata: Metadata,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Open(super::member::OpenFile),
    /// A file that has waited.
    Closed(SeenFile),
    Other(What),
}

/// Bytes taken from the system at a time.
const SEGMENT_LEN: usize = 64 << 10;
/// A segment with less room is full. Nearly all members fit, and those that do not make theirs larger.
const ROOM_LEN: usize = 1 << 10;

pub(super) struct Waiting {
    segments: VecDeque<Vec<u8>>,
    /// Of the first segment, what has been taken out.
    taken: usize,
    bytes: usize,
    bytes_max: usize,
    /// Of all directories that wait, in their order; nothing for those that came when too many were open.
    folders: VecDeque<Option<Arc<OwnedFd>>>,
    open: usize,
    open_max: usize,
}

impl Waiting {
    /// At most `open_max` directories stay open.
    pub(super) fn new(bytes_max: usize, open_max: usize) -> Waiting {
        Waiting {
            segments: VecDeque::new(),
            taken: 0,
            bytes: 0,
            bytes_max,
            folders: VecDeque::new(),
            open: 0,
            open_max,
        }
    }

    fn keep(&mut self, fd: Option<Arc<OwnedFd>>) {
        let kept = fd.filter(|_| self.open < self.open_max);
        self.open += usize::from(kept.is_some());
        self.folders.push_back(kept);
    }

    fn kept(&mut self) -> Option<Arc<OwnedFd>> {
        let kept = self.folders.pop_front().flatten();
        self.open -= usize::from(kept.is_some());
        kept
    }

    fn segment(&mut self) -> &mut Vec<u8> {
        let is_full = |last: &Vec<u8>| last.len() + ROOM_LEN > SEGMENT_LEN;
        if self.segments.back().is_none_or(is_full) {
            self.segments.push_back(Vec::with_capacity(SEGMENT_LEN));
        }
        self.segments.back_mut().expect("there is one now")
    }
}

impl Queue for Waiting {
    type Member = Member;

    /// A file is closed here.
    fn push(&mut self, mut member: Member, within: Option<u64>) {
        if let Kind::Other(What::Directory(folder)) = &mut member.kind {
            let fd = folder.fd.take();
            self.keep(fd);
        }
        let segment = self.segment();
        let before = segment.len();
        pack(&member, within, segment);
        self.bytes += segment.len() - before;
    }

    fn pop(&mut self) -> Option<(Member, Option<u64>)> {
        while self.taken == self.segments.front()?.len() {
            self.taken = 0;
            if self.segments.len() == 1 {
                // The next range has it.
                self.segments.front_mut()?.clear();
                return None;
            }
            self.segments.pop_front();
        }
        let mut rest = &self.segments.front()?[self.taken..];
        let before = rest.len();
        let (mut member, within) = unpack(&mut rest).expect("packed by this file");
        self.taken += before - rest.len();
        self.bytes -= before - rest.len();
        if let Kind::Other(What::Directory(folder)) = &mut member.kind {
            folder.fd = self.kept();
        }
        Some((member, within))
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }
}

/// What a packed member is: the low bits of its first byte.
mod kind {
    pub const MASK: u8 = 0b111;
    pub const END: u8 = 0;
    pub const DIRECTORY: u8 = 1;
    pub const FILE: u8 = 2;
    pub const SYMLINK: u8 = 3;
    pub const DEVICE: u8 = 4;
    pub const FIFO: u8 = 5;
    pub const SOCKET: u8 = 6;
}

/// What else there is of it: the other bits.
mod has {
    /// Data that can be taken over.
    pub const WITHIN: u8 = 0x10;
    /// More metadata than nearly all files have.
    pub const ATTRIBUTES: u8 = 0x20;
    /// Other names of the file.
    pub const LINK: u8 = 0x40;
    /// An inode that was last changed with its data.
    pub const ONE_TIME: u8 = 0x80;
}

fn pack(member: &Member, within: Option<u64>, into: &mut Vec<u8>) {
    let Member {
        name,
        metadata,
        kind: what,
    } = member;
    let first = into.len();
    into.push(match what {
        Kind::Open(_) | Kind::Closed(_) => kind::FILE,
        Kind::Other(What::End) => kind::END,
        Kind::Other(What::Directory(_)) => kind::DIRECTORY,
        Kind::Other(What::Symlink(_)) => kind::SYMLINK,
        Kind::Other(What::Device { .. }) => kind::DEVICE,
        Kind::Other(What::Fifo) => kind::FIFO,
        Kind::Other(What::Socket) => kind::SOCKET,
    });
    if let Kind::Other(What::End) = what {
        return;
    }
    let mut more = 0;
    let mut into = Packer(into);
    into.bytes(name);
    into.number(metadata.mode);
    into.number(metadata.uid.into());
    into.number(metadata.gid.into());
    into.time(metadata.mtime);
    if let Some(within) = within {
        more |= has::WITHIN;
        into.number(within);
    }
    if has_attributes(metadata) {
        more |= has::ATTRIBUTES;
        into.attributes(metadata);
    }
    match what {
        Kind::Open(open) => more |= into.file(&open.seen, metadata.mtime),
        Kind::Closed(seen) => more |= into.file(seen, metadata.mtime),
        Kind::Other(What::Symlink(target)) => into.bytes(target),
        Kind::Other(What::Device { major, minor }) => {
            into.number(*major);
            into.number(*minor);
        }
        Kind::Other(What::Directory(Folder { dev, ino, fd: _ })) => {
            into.number(*dev);
            into.number(*ino);
        }
        Kind::Other(What::End | What::Fifo | What::Socket) => {}
    }
    into.0[first] |= more;
}

fn unpack(from: &mut &[u8]) -> Option<(Member, Option<u64>)> {
    let mut from = Unpacker(from);
    let first = from.byte()?;
    let what = first & kind::MASK;
    if what == kind::END {
        let end = Member {
            name: Box::default(),
            metadata: Metadata::default(),
            kind: Kind::Other(What::End),
        };
        return Some((end, None));
    }
    let has = |more: u8| first & more != 0;
    let name = from.bytes()?.into();
    let mut metadata = Metadata {
        mode: from.number()?,
        uid: from.number32()?,
        gid: from.number32()?,
        mtime: from.time()?,
        ..Metadata::default()
    };
    let within = if has(has::WITHIN) {
        Some(from.number()?)
    } else {
        None
    };
    if has(has::ATTRIBUTES) {
        from.attributes(&mut metadata)?;
    }
    let kind = match what {
        kind::FILE => {
            let ctime = has(has::ONE_TIME).then_some(metadata.mtime);
            Kind::Closed(from.file(ctime, has(has::LINK))?)
        }
        kind::DIRECTORY => Kind::Other(What::Directory(Folder {
            dev: from.number()?,
            ino: from.number()?,
            fd: None,
        })),
        kind::SYMLINK => Kind::Other(What::Symlink(from.bytes()?.to_vec())),
        kind::DEVICE => Kind::Other(What::Device {
            major: from.number()?,
            minor: from.number()?,
        }),
        kind::FIFO => Kind::Other(What::Fifo),
        kind::SOCKET => Kind::Other(What::Socket),
        _ => return None,
    };
    let member = Member {
        name,
        metadata,
        kind,
    };
    Some((member, within))
}

fn has_attributes(metadata: &Metadata) -> bool {
    metadata.flags != 0
        || !metadata.xattrs.is_empty()
        || !metadata.acl.is_empty()
        || metadata.fcaps.is_some()
        || metadata.quota_project_id.is_some()
}

/// Appends values. Numbers have seven bits per byte, lowest first.
struct Packer<'a>(&'a mut Vec<u8>);

impl Packer<'_> {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// Small absolute values become small numbers.
    fn signed(&mut self, value: i64) {
        self.number((value << 1 ^ value >> 63).cast_unsigned());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn time(&mut self, time: Mtime) {
        self.signed(time.secs);
        self.0.extend_from_slice(&time.nanos.to_le_bytes());
    }

    fn option(&mut self, value: Option<u64>) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            self.number(value);
        }
    }

    fn attributes(&mut self, metadata: &Metadata) {
        self.number(metadata.flags);
        self.number(metadata.xattrs.len() as u64);
        for xattr in &metadata.xattrs {
            self.bytes(&xattr.name);
            self.bytes(&xattr.value);
        }
        let Acl {
            users,
            groups,
            group_obj,
            default,
            default_users,
            default_groups,
        } = &metadata.acl;
        for list in [users, groups, default_users, default_groups] {
            self.number(list.len() as u64);
            for entry in list {
                self.number(entry.id);
                self.number(entry.permissions);
            }
        }
        self.option(*group_obj);
        self.option(default.map(|default| default.user_obj));
        if let Some(default) = default {
            self.number(default.group_obj);
            self.number(default.other);
            self.number(default.mask);
        }
        self.0.push(u8::from(metadata.fcaps.is_some()));
        self.bytes(metadata.fcaps.as_deref().unwrap_or_default());
        self.option(metadata.quota_project_id);
    }

    /// Tells which of [`has`] apply.
    fn file(&mut self, file: &SeenFile, mtime: Mtime) -> u8 {
        let mut more = 0;
        let SeenFile {
            size,
            dev,
            ino,
            ctime,
            is_complete,
            link,
        } = file;
        self.number(*size);
        self.number(*dev);
        self.number(*ino);
        self.0.push(u8::from(*is_complete));
        if *ctime == mtime {
            more |= has::ONE_TIME;
        } else {
            self.time(*ctime);
        }
        // Device and inode of the link are those of the file.
        if let Some((_, _, birth)) = link {
            more |= has::LINK;
            self.0.push(u8::from(birth.is_some()));
            let (secs, nanos) = birth.unwrap_or_default();
            self.time(Mtime { secs, nanos });
        }
        more
    }
}

/// Takes the same values from the front; nothing if they are cut off.
struct Unpacker<'a, 'b>(&'a mut &'b [u8]);

impl<'b> Unpacker<'_, 'b> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        *self.0 = rest;
        Some(*byte)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.byte()? != 0)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn number32(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        *self.0 = rest;
        Some(bytes)
    }

    fn time(&mut self) -> Option<Mtime> {
        let secs = self.signed()?;
        let (nanos, rest) = self.0.split_first_chunk()?;
        *self.0 = rest;
        let nanos = u32::from_le_bytes(*nanos);
        Some(Mtime { secs, nanos })
    }

    fn option(&mut self) -> Option<Option<u64>> {
        Some(match self.flag()? {
            true => Some(self.number()?),
            false => None,
        })
    }

    fn attributes(&mut self, metadata: &mut Metadata) -> Option<()> {
        metadata.flags = self.number()?;
        for _ in 0..self.number()? {
            let (name, value) = (self.bytes()?.to_vec(), self.bytes()?.to_vec());
            metadata.xattrs.push(Xattr { name, value });
        }
        let acl = &mut metadata.acl;
        for list in [
            &mut acl.users,
            &mut acl.groups,
            &mut acl.default_users,
            &mut acl.default_groups,
        ] {
            for _ in 0..self.number()? {
                let (id, permissions) = (self.number()?, self.number()?);
                list.push(AclEntry { id, permissions });
            }
        }
        acl.group_obj = self.option()?;
        if let Some(user_obj) = self.option()? {
            acl.default = Some(AclDefault {
                user_obj,
                group_obj: self.number()?,
                other: self.number()?,
                mask: self.number()?,
            });
        }
        let (has_fcaps, fcaps) = (self.flag()?, self.bytes()?);
        metadata.fcaps = has_fcaps.then(|| fcaps.to_vec());
        metadata.quota_project_id = self.option()?;
        Some(())
    }

    fn file(&mut self, ctime: Option<Mtime>, has_link: bool) -> Option<SeenFile> {
        let (size, dev, ino) = (self.number()?, self.number()?, self.number()?);
        let is_complete = self.flag()?;
        let ctime = match ctime {
            Some(ctime) => ctime,
            None => self.time()?,
        };
        let link = if has_link {
            let (has_birth, birth) = (self.flag()?, self.time()?);
            Some((dev, ino, has_birth.then_some((birth.secs, birth.nanos))))
        } else {
            None
        };
        Some(SeenFile {
            size,
            dev,
            ino,
            ctime,
            is_complete,
            link,
        })
    }
}

#[cfg(test)]
mod tests;

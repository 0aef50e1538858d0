//! What a member is, how it is stored, and the names under which files were stored.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use pxar::item::NAME_MAX;
use pxar::{FileOffset, Metadata, Mtime, PayloadRef, Sink};
use rustix::fs::Stat;

use super::open::Data;
use super::record::Record;
use super::{CreateError, Notice, PayloadSink, path_of};
use crate::capture;

/// Which file it is: device, inode, and birth of the inode. Numbers of removed files are given to new ones even during a walk.
pub(super) type FileId = (u64, u64, Option<(i64, u32)>);

/// What a member without data is.
pub(super) enum What {
    Directory(Folder),
    /// The end of the innermost directory.
    End,
    Symlink(Vec<u8>),
    /// Block or character device, told apart by the mode.
    Device {
        major: u64,
        minor: u64,
    },
    Fifo,
    Socket,
}

/// Which directory it is, and a way to it that stays the same whatever it is called by now.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// Nothing if too many are open; then its name has to lead there.
    pub(super) fd: Option<Arc<OwnedFd>>,
}

impl Folder {
    pub(super) fn new(stat: &Stat, fd: Option<Arc<OwnedFd>>) -> Folder {
        Folder {
            dev: stat.st_dev,
            ino: stat.st_ino,
            fd,
        }
    }
}

/// A regular file, open for reading.
pub(super) struct OpenFile {
    pub(super) fd: OwnedFd,
    pub(super) seen: SeenFile,
}

/// A regular file as it was when it was looked at, besides what its metadata tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenFile {
    pub(super) size: u64,
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// Last change of anything about the inode.
    pub(super) ctime: Mtime,
    /// Whether its attributes were looked at too.
    pub(super) is_complete: bool,
    /// If it has several names.
    pub(super) link: Option<FileId>,
}

impl OpenFile {
    /// A file whose attributes are known.
    pub(super) fn new(fd: OwnedFd, stat: &Stat) -> OpenFile {
        let link =
            (stat.st_nlink > 1).then(|| (stat.st_dev, stat.st_ino, capture::birth(fd.as_fd())));
        let seen = SeenFile {
            size: stat.st_size.cast_unsigned(),
            dev: stat.st_dev,
            ino: stat.st_ino,
            ctime: ctime(stat),
            is_complete: true,
            link,
        };
        OpenFile { fd, seen }
    }
}

impl SeenFile {
    /// Whether `stat` is of the same file, all about it known and as it was.
    pub(super) fn is_as_it_was(&self, stat: &Stat, metadata: &Metadata) -> bool {
        self.is_complete
            && (self.dev, self.ino, self.size)
                == (stat.st_dev, stat.st_ino, stat.st_size.cast_unsigned())
            && (self.ctime, metadata.mtime) == (ctime(stat), capture::mtime(stat))
            // Where times have whole seconds, or ticks of some milliseconds, these may have changed within one.
            && (metadata.mode, metadata.uid, metadata.gid)
                == (u64::from(stat.st_mode), stat.st_uid, stat.st_gid)
    }
}

fn ctime(stat: &Stat) -> Mtime {
    Mtime {
        secs: stat.st_ctime,
        nanos: stat.st_ctime_nsec as u32,
    }
}

/// First name of each file that has several; without its place as long as that name waits to be stored.
#[derive(Default)]
pub(super) struct Links(HashMap<FileId, Option<FirstName>>);

/// Where the data of a file with several names is: the member and its path.
type FirstName = (FileOffset, Box<[u8]>);

impl Links {
    /// Whether the file has come before under another name.
    pub(super) fn knows(&self, link: Option<FileId>) -> bool {
        link.is_some_and(|link| self.0.contains_key(&link))
    }

    /// The file's first name has come and waits; its path relative to the source is `path`.
    pub(super) fn expect(&mut self, link: Option<FileId>, path: &[u8]) {
        if let Some(link) = link
            && can_be_linked(path)
        {
            self.0.entry(link).or_insert(None);
        }
    }

    /// Where its data is, if that is settled.
    pub(super) fn first(&self, link: Option<FileId>) -> Option<&FirstName> {
        self.0.get(&link?)?.as_ref()
    }
}

fn can_be_linked(path: &[u8]) -> bool {
    path.len() <= NAME_MAX
}

/// A file was stored; other names of it may lead there.
fn stored<S: Sink, P: PayloadSink>(
    record: &mut Record<'_, S, P>,
    links: &mut Links,
    link: Option<FileId>,
    at: FileOffset,
) {
    match link {
        Some(link) if can_be_linked(record.relative()) => {
            links.0.insert(link, Some((at, record.relative().into())));
        }
        Some(_) => {
            let path = path_of(record.relative());
            record.notice(Notice::LinkTooLong(path));
        }
        None => {}
    }
}

/// Stores a member without data; its path and metadata are the record's already.
pub(super) fn store<S: Sink, P: PayloadSink>(
    record: &mut Record<'_, S, P>,
    name: &[u8],
    what: What,
) -> Result<(), CreateError> {
    match what {
        What::Directory(_) => record.start_directory(name),
        What::End => record.end_directory(),
        What::Symlink(target) => record.symlink(name, target),
        What::Device { major, minor } => record.device(name, major, minor),
        What::Fifo => record.fifo(name),
        What::Socket => record.socket(name),
    }
}

/// Stores a file whose data is in the payload half already, or will be.
pub(super) fn refer<S: Sink, P: PayloadSink>(
    record: &mut Record<'_, S, P>,
    links: &mut Links,
    name: &[u8],
    link: Option<FileId>,
    reference: PayloadRef,
) -> Result<(), CreateError> {
    let at = record.file_ref(name, reference)?;
    stored(record, links, link, at);
    Ok(())
}

/// Stores a file by reading it, or as another name of one that was stored.
pub(super) fn store_file<S: Sink, P: PayloadSink>(
    record: &mut Record<'_, S, P>,
    links: &mut Links,
    name: &[u8],
    file: &OpenFile,
) -> Result<(), CreateError> {
    let (size, link) = (file.seen.size, file.seen.link);
    if let Some((target, path)) = links.first(link) {
        return record.hard_link(name, path, *target);
    }
    let mut data = Data::new(file.fd.as_fd(), size);
    let written = record.file(name, size, &mut |buf| data.read(buf))?;
    if data.grew {
        let path = path_of(record.relative());
        record.notice(Notice::Grew { path, size });
    }
    if written.missing > 0 {
        let path = path_of(record.relative());
        let missing = written.missing;
        record.notice(Notice::Shrank { path, missing });
    }
    stored(record, links, link, written.offset);
    Ok(())
}

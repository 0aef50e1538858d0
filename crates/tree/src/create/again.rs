//! Files that waited closed and must be read after all: opened once more, and compared with what was seen of them.
//!
//! The way there goes from the source down, a name at a time and never along a symlink. A file that is as it was is read as if
//! it had stayed open; one that is not is looked at anew and stored as what it is now. What is no regular file there any more,
//! or lies on another file system, is gone.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use pxar::Sink;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::look::Look;
use super::member::{OpenFile, SeenFile};
use super::open::open_for_reading;
use super::record::Record;
use super::{CreateError, PayloadSink};
use crate::capture::set_stat;

/// Directories that stay open on the way to the last file, the innermost ones. With fewer the way is gone again from the source.
const KEPT_MAX: usize = 16;

pub(super) struct Again {
    source: OwnedFd,
    /// The directory that was opened last: empty for the source, else `/a/b`.
    path: Vec<u8>,
    /// Directories on this path, each with the length of its own.
    open: VecDeque<(usize, OwnedFd)>,
}

impl Again {
    pub(super) fn new(source: OwnedFd) -> Again {
        Again {
            source,
            path: Vec::new(),
            open: VecDeque::new(),
        }
    }

    /// Opens `name` in the directory whose path is the beginning of the record's, `dir_len` long. The record's metadata are those
    /// of the file when it was seen and become what they are now. Nothing if it is left out, which was noticed.
    pub(super) fn open<S: Sink, P: PayloadSink>(
        &mut self,
        record: &mut Record<'_, S, P>,
        look: &mut Look,
        dir_len: usize,
        name: &[u8],
        seen: SeenFile,
    ) -> Result<Option<OpenFile>, CreateError> {
        let opened = self
            .directory(&record.path[..dir_len])
            .and_then(|dir| open_for_reading(dir, name))
            .and_then(|fd| rustix::fs::fstat(&fd).map(|stat| (fd, stat)));
        let (fd, stat) = match opened {
            Ok((fd, stat))
                if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
                    && seen.is_beside(&stat) =>
            {
                (fd, stat)
            }
            // Something else has taken the place of the file, or of a directory above it.
            Ok(_) | Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::NODEV) => {
                return record.skip_or_fail("open", Errno::NOENT).map(|()| None);
            }
            Err(errno) => return record.skip_or_fail("open", errno).map(|()| None),
        };
        if seen.is_as_it_was(&stat, &record.metadata) {
            return Ok(Some(OpenFile { fd, seen }));
        }
        set_stat(&mut record.metadata, &stat);
        let is_complete = look.attributes(record, fd.as_fd(), stat.st_dev)?;
        Ok(is_complete.then(|| OpenFile::new(fd, &stat)))
    }

    /// Only as a place: who may pass a directory need not be able to list it.
    fn directory(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Errno> {
        const PLACE: OFlags = OFlags::PATH
            .union(OFlags::DIRECTORY)
            .union(OFlags::NOFOLLOW)
            .union(OFlags::CLOEXEC);
        let is_on_the_way = |len: usize| {
            path.get(..len) == self.path.get(..len) && matches!(path.get(len), None | Some(b'/'))
        };
        let kept = self.open.iter().rposition(|(len, _)| is_on_the_way(*len));
        self.open.truncate(kept.map_or(0, |last| last + 1));
        let mut at = self.open.back().map_or(0, |(len, _)| *len);
        self.path.truncate(at);
        while let Some(rest) = path.get(at + 1..) {
            let len = rest.iter().position(|b| *b == b'/').unwrap_or(rest.len());
            let above = self.open.back().map_or(&self.source, |(_, dir)| dir);
            let dir = rustix::fs::openat(above, &rest[..len], PLACE, Mode::empty())?;
            at += 1 + len;
            self.path.extend_from_slice(&path[self.path.len()..at]);
            if self.open.len() == KEPT_MAX {
                self.open.pop_front();
            }
            self.open.push_back((at, dir));
        }
        Ok(self
            .open
            .back()
            .map_or(&self.source, |(_, dir)| dir)
            .as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    /// Whatever was opened before, the directory meant is found, also with more levels than are kept.
    #[test]
    fn directories_are_found_in_any_order() {
        let temp = tempfile::tempdir().expect("temp dir");
        let deep: String = (0..40).map(|i| format!("/d{}", i % 3)).collect();
        for path in [deep.as_str(), "/d0/d1x", "/e/f", "/d"] {
            std::fs::create_dir_all(temp.path().join(&path[1..])).expect("dirs");
        }
        let source = OwnedFd::from(std::fs::File::open(temp.path()).expect("dir"));
        let mut again = Again::new(source);
        let above = |levels: usize| &deep[..levels * 3];
        for path in [
            "",
            "/e/f",
            "/e",
            "/d0/d1",
            "/d0/d1x",
            "/d0/d1/d2",
            "/d",
            &deep,
            above(39),
            above(30),
            above(20),
            &deep,
            above(2),
            "/e/f",
            "",
            &deep,
            "",
        ] {
            let found = again.directory(path.as_bytes()).expect(path);
            let found = rustix::fs::fstat(found).expect(path).st_ino;
            let place = temp.path().join(path.trim_start_matches('/'));
            assert_eq!(found, place.metadata().expect(path).ino(), "{path}");
            assert!(again.open.len() <= KEPT_MAX);
        }
        let absent = again.directory(b"/e/g/h").err();
        assert_eq!(absent, Some(Errno::NOENT));
        assert!(again.directory(b"/e/f").is_ok());
    }
}

//! Files that waited closed and must be read after all: opened once more, and compared with what was seen of them.
//!
//! Their directory has stayed open if it could, so that it does not matter what it is called by now; else the way leads from the
//! innermost one that has, a name at a time and never along a symlink, and must end at the same directory. A file that is as it
//! was is read as if it had stayed open; one that is not is looked at anew and stored as what it is now. What is no regular file
//! any more is gone.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use pxar::Sink;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::look::Look;
use super::member::{Folder, OpenFile, SeenFile};
use super::open::open_for_reading;
use super::record::Record;
use super::{CreateError, PayloadSink};
use crate::capture::set_stat;

pub(super) struct Again {
    source: Arc<OwnedFd>,
    /// Directories below the source that the archive is in.
    entered: Vec<Entered>,
}

struct Entered {
    /// Of its path, `/a/b`.
    path_len: usize,
    folder: Folder,
}

impl Again {
    pub(super) fn new(source: Arc<OwnedFd>) -> Again {
        Again {
            source,
            entered: Vec::new(),
        }
    }

    /// The archive goes into a directory.
    pub(super) fn enter(&mut self, path_len: usize, folder: Folder) {
        self.entered.push(Entered { path_len, folder });
    }

    /// It leaves the innermost one.
    pub(super) fn leave(&mut self) {
        self.entered.pop();
    }

    /// Opens `name` in the innermost directory, whose path is the beginning of the record's. The record's metadata are those of the
    /// file when it was seen and become what they are now. Nothing if it is left out, which was noticed.
    pub(super) fn open<S: Sink, P: PayloadSink>(
        &mut self,
        record: &mut Record<'_, S, P>,
        look: &mut Look,
        name: &[u8],
        seen: SeenFile,
    ) -> Result<Option<OpenFile>, CreateError> {
        let opened = self
            .directory(&record.path)
            .and_then(|dir| open_for_reading(dir, name))
            .and_then(|fd| rustix::fs::fstat(&fd).map(|stat| (fd, stat)));
        let (fd, stat) = match opened {
            Ok((fd, stat)) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
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

    /// The innermost directory. `path` begins with its path.
    fn directory(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Errno> {
        let is_open = |entered: &Entered| entered.folder.fd.is_some();
        let closed = self.entered.iter().rposition(is_open).map_or(0, |i| i + 1);
        let (open, closed) = self.entered.split_at_mut(closed);
        let mut len = open.last().map_or(0, |entered| entered.path_len);
        let mut last = None;
        for entered in closed.iter() {
            let name = path.get(len + 1..entered.path_len).unwrap_or_default();
            let above = last.as_ref().unwrap_or_else(|| {
                let fd = open.last().and_then(|entered| entered.folder.fd.as_deref());
                fd.unwrap_or(&self.source)
            });
            last = Some(open_directory(above, name)?);
            len = entered.path_len;
        }
        if let (Some(fd), Some(Entered { folder, .. })) = (last, closed.last_mut()) {
            let stat = rustix::fs::fstat(&fd)?;
            if (stat.st_dev, stat.st_ino) != (folder.dev, folder.ino) {
                return Err(Errno::NOENT);
            }
            folder.fd = Some(Arc::new(fd));
        }
        let fd = self.entered.last().and_then(|e| e.folder.fd.as_ref());
        Ok(fd.unwrap_or(&self.source).as_fd())
    }
}

/// Only as a place: who may pass a directory need not be able to list it.
fn open_directory(above: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    const PLACE: OFlags = OFlags::PATH
        .union(OFlags::DIRECTORY)
        .union(OFlags::NOFOLLOW)
        .union(OFlags::CLOEXEC);
    rustix::io::retry_on_intr(|| rustix::fs::openat(above, name, PLACE, Mode::empty()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use super::*;

    /// A directory below `root`, open or not.
    fn folder(root: &Path, path: &str, is_open: bool) -> Folder {
        let fd = std::fs::File::open(root.join(&path[1..])).expect("dir");
        let stat = rustix::fs::fstat(&fd).expect("stat");
        let fd = is_open.then(|| Arc::new(OwnedFd::from(fd)));
        Folder::new(&stat, fd)
    }

    fn found(again: &mut Again, path: &str) -> Option<u64> {
        let dir = again.directory(path.as_bytes()).ok()?;
        Some(rustix::fs::fstat(dir).expect("stat").st_ino)
    }

    fn inode(root: &Path, path: &str) -> Option<u64> {
        Some(
            root.join(path.trim_start_matches('/'))
                .metadata()
                .ok()?
                .ino(),
        )
    }

    /// Whichever of the directories on the way are open, the innermost is found, on the way down and up again.
    #[test]
    fn the_innermost_directory_is_found() {
        let temp = tempfile::tempdir().expect("temp dir");
        let root = temp.path();
        let paths = ["/a", "/a/bb", "/a/bb/c", "/a/bb/c/d", "/a/bb/c/d/eee"];
        std::fs::create_dir_all(root.join("a/bb/c/d/eee")).expect("dirs");
        for open in 0..32u32 {
            let source = std::fs::File::open(root).expect("dir");
            let mut again = Again::new(Arc::new(source.into()));
            assert_eq!(found(&mut again, "/x"), inode(root, ""));
            for (i, path) in paths.iter().enumerate() {
                again.enter(path.len(), folder(root, path, open >> i & 1 == 1));
                if open % 3 == 0 {
                    assert_eq!(found(&mut again, &format!("{path}/f")), inode(root, path));
                }
            }
            for path in paths.iter().rev() {
                assert_eq!(found(&mut again, &format!("{path}/f")), inode(root, path));
                again.leave();
            }
            assert_eq!(found(&mut again, "/x"), inode(root, ""));
        }
    }

    /// An open one is found under another name; a closed one is not, and no other is taken for it.
    #[test]
    fn a_renamed_directory() {
        for is_open in [false, true] {
            let temp = tempfile::tempdir().expect("temp dir");
            let root = temp.path();
            std::fs::create_dir(root.join("a")).expect("dir");
            let was = inode(root, "/a");
            let source = std::fs::File::open(root).expect("dir");
            let mut again = Again::new(Arc::new(source.into()));
            again.enter(2, folder(root, "/a", is_open));
            std::fs::rename(root.join("a"), root.join("b")).expect("own directory");
            assert_eq!(found(&mut again, "/a/f"), was.filter(|_| is_open));
            std::fs::create_dir(root.join("a")).expect("dir");
            assert_eq!(found(&mut again, "/a/f"), was.filter(|_| is_open));
        }
    }
}

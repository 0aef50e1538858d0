//! Paths out of archives, resolved beneath the target and nowhere else.
//!
//! A hard link is the only thing in an archive that names a path of several components. It is followed by the kernel's
//! `openat2` with all ways out closed, or, on kernels without it, component by component without following symlinks.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// Finds the regular file `path` beneath `root`: the directory it is in, and its name there.
pub(crate) fn find_file<'p>(root: &OwnedFd, path: &'p [u8]) -> Result<(OwnedFd, &'p [u8]), Errno> {
    if path
        .split(|b| *b == b'/')
        .any(|part| part.is_empty() || part == b"." || part == b"..")
    {
        return Err(Errno::INVAL);
    }
    let (parent, name) = match path.iter().rposition(|b| *b == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b"."[..], path),
    };
    let parent = open_beneath(root, parent)?;
    let stat = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((parent, name)),
        FileType::Symlink => Err(Errno::LOOP),
        FileType::Directory => Err(Errno::ISDIR),
        _ => Err(Errno::INVAL),
    }
}

const PLACE: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

fn open_beneath(root: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let closed = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    /// The kernel asks to try again when something was renamed meanwhile.
    const TRIES: usize = 16;
    for _ in 0..TRIES {
        match rustix::fs::openat2(root, path, PLACE, Mode::empty(), closed) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            // No such call, or one that a sandbox forbids.
            Err(Errno::NOSYS | Errno::PERM) => return open_by_components(root, path),
            result => return result,
        }
    }
    open_by_components(root, path)
}

fn open_by_components(root: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let mut place = rustix::fs::openat(root, c".", PLACE, Mode::empty())?;
    for part in path.split(|b| *b == b'/').filter(|part| *part != b".") {
        if part == b".." {
            return Err(Errno::XDEV);
        }
        place = rustix::fs::openat(place.as_fd(), part, PLACE, Mode::empty())?;
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::{find_file, open_beneath, open_by_components};
    use rustix::io::Errno;

    /// Both ways of resolving must refuse the same.
    #[test]
    fn nothing_outside_is_found() {
        let dir = tempfile::tempdir().expect("temp dir");
        let inside = dir.path().join("inside");
        std::fs::create_dir_all(inside.join("a/b")).expect("dirs");
        std::fs::write(dir.path().join("secret"), "s").expect("file");
        std::fs::write(inside.join("a/b/file"), "f").expect("file");
        std::os::unix::fs::symlink("..", inside.join("up")).expect("link");
        std::os::unix::fs::symlink("/", inside.join("root")).expect("link");
        std::os::unix::fs::symlink("a", inside.join("alias")).expect("link");
        std::os::unix::fs::symlink("a/b/file", inside.join("filelink")).expect("link");
        let root = rustix::fd::OwnedFd::from(std::fs::File::open(&inside).expect("dir"));
        assert_eq!(find_file(&root, b"a/b/file").expect("inside").1, b"file");
        for path in [
            "",
            "/etc/passwd",
            "../secret",
            "a/../../secret",
            "up/secret",
            "root/etc/passwd",
            "alias/b/file",
        ] {
            assert!(find_file(&root, path.as_bytes()).is_err(), "{path}");
        }
        assert_eq!(find_file(&root, b"filelink").err(), Some(Errno::LOOP));
        assert_eq!(find_file(&root, b"a/b").err(), Some(Errno::ISDIR));
        for path in ["..", "up", "root", "alias/b", "a/b/file", "a/../.."] {
            assert!(open_beneath(&root, path.as_bytes()).is_err(), "{path}");
            assert!(
                open_by_components(&root, path.as_bytes()).is_err(),
                "{path}"
            );
        }
        for path in [".", "a", "a/b"] {
            assert!(open_beneath(&root, path.as_bytes()).is_ok(), "{path}");
            assert!(open_by_components(&root, path.as_bytes()).is_ok(), "{path}");
        }
    }
}

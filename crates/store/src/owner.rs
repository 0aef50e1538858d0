//! Whose a new file is. Root's commands work on datastores of a server that runs as another user; what they make there and in the folder of locks
//! must be that user's, or the server is locked out of it. So root gives what it makes the owner and group of the folder it is made in; for
//! everybody else nothing changes.
//!
//! The other user may write to those folders too, so only what this process itself has made is given away, by its open file and never by its
//! name. Where giving away is refused (some user namespaces and network file systems) the file stays root's.
//! `config` has the same for its files; the only floor below both knows no file system.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

use rustix::fs::{AtFlags, Gid, OFlags, Uid};
use rustix::io::Errno;

/// How often a file is tried that others make and remove meanwhile.
const TRIES: usize = 8;

/// Owner and group that what root makes in some folder shall have; nobody, where it is root's own or root does not run this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heir(Option<(u32, u32)>);

impl Heir {
    pub(crate) fn of(folder: &Path) -> io::Result<Heir> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Heir(None));
        }
        let folder = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        let like = std::fs::metadata(folder)?;
        Ok(Heir((like.uid() != 0).then_some((like.uid(), like.gid()))))
    }

    /// Gives him a file or folder that is root's, by what is open.
    pub(crate) fn give(self, made: impl AsFd) -> io::Result<()> {
        match self.0 {
            Some((user, group)) if rustix::fs::fstat(&made)?.st_uid == 0 => {
                unless_refused(fchown(made, Some(user), Some(group)))
            }
            _ => Ok(()),
        }
    }

    /// The same by its name, in a folder that nobody else may write to.
    pub(crate) fn give_name(self, folder: impl AsFd, name: &str) -> io::Result<()> {
        let Some((user, group)) = self.0 else {
            return Ok(());
        };
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let given = rustix::fs::chownat(folder, name, Some(user), Some(group), flags);
        unless_refused(given.map_err(io::Error::from))
    }
}

/// That giving away is refused is no reason not to work.
fn unless_refused(given: io::Result<()>) -> io::Result<()> {
    match given.as_ref().map_err(io::Error::kind) {
        Err(ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        _ => given,
    }
}

/// Opens a file with these options, which create nothing by themselves; if it is missing it is made, and belongs to the owner of its folder. A link that
/// leads nowhere makes nothing, and root follows none that another user may have made.
pub(crate) fn open_or_make(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let mut options = options.clone();
    if parent_heir(path)?.0.is_some() {
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    }
    for _ in 0..TRIES {
        match options.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                return Err(is_link());
            }
            opened => return opened,
        }
        match make(&options, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made,
        }
    }
    match std::fs::symlink_metadata(path)?.is_symlink() {
        true => Err(is_link()),
        // Somebody makes and removes it all the time.
        false => Err(ErrorKind::ResourceBusy.into()),
    }
}

fn is_link() -> io::Error {
    io::Error::other(
        "it is a link, and what it leads to may be somebody else's; put a file in its place",
    )
}

/// Makes a file that must not exist, with these options; it belongs to the owner of its folder.
pub(crate) fn make(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.clone().create_new(true).open(path)?;
    parent_heir(path)?.give(&file)?;
    Ok(file)
}

/// Makes a folder and those above it, as far as they are missing; each belongs to the owner of the one above it.
pub(crate) fn make_folders(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folders(parent, mode)?;
    }
    match make_folder(path, mode) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes a folder that must not exist; it belongs to the owner of the one above it.
pub(crate) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)?;
    match parent_heir(path)? {
        Heir(None) => Ok(()),
        heir => heir.give(open_folder(path)?),
    }
}

/// A folder by its own name, not by that of a link.
pub(crate) fn open_folder(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    options.open(path)
}

fn parent_heir(path: &Path) -> io::Result<Heir> {
    Heir::of(path.parent().unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    /// Some user who is not root.
    const OTHER: u32 = 54321;

    fn owner(path: &Path) -> (u32, u32) {
        let found = fs::symlink_metadata(path).expect("there");
        (found.uid(), found.gid())
    }

    /// A folder of the other user; none, said aloud, where this is not root or may not give anything away.
    fn his() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().expect("tempdir");
        if chown(folder.path(), Some(OTHER), Some(OTHER)).is_err() {
            eprintln!("skipped: only root can give a folder to another user");
            return None;
        }
        Some(folder)
    }

    #[test]
    fn what_is_made_belongs_to_the_owner_of_the_folder() {
        let Some(folder) = his() else { return };
        let at = |name: &str| folder.path().join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o640);
        open_or_make(&options, &at("new")).expect("new");
        make_folders(&at("a/b"), 0o700).expect("folders");
        open_or_make(&options, &at("a/b/new")).expect("below");
        for name in ["new", "a", "a/b", "a/b/new"] {
            assert_eq!(owner(&at(name)), (OTHER, OTHER), "{name}");
        }
        let taken = make(&options, &at("new")).expect_err("it exists");
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_was_there_keeps_its_owner_and_links_give_nothing_away() {
        let Some(folder) = his() else { return };
        let at = |name: &str| folder.path().join(name);
        let ours = tempfile::tempdir().expect("tempdir");
        let secret = ours.path().join("secret");
        fs::write(&secret, "s").expect("secret");
        symlink(&secret, at("link")).expect("link");
        symlink(ours.path().join("nowhere"), at("dangling")).expect("link");
        symlink(ours.path(), at("folder")).expect("link");
        fs::write(at("old"), "").expect("old");
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o640);
        open_or_make(&options, &at("old")).expect("old");
        for name in ["link", "dangling"] {
            let refused = open_or_make(&options, &at(name)).expect_err(name);
            assert!(refused.to_string().starts_with("it is a link"), "{refused}");
        }
        make_folders(&at("folder"), 0o700).expect("it is there");
        assert_eq!(owner(&at("old")), (0, 0));
        assert_eq!(owner(&secret), (0, 0));
        assert!(!ours.path().join("nowhere").exists(), "made through a link");
        // In a folder of root nobody else has made it.
        symlink(&secret, ours.path().join("own")).expect("link");
        open_or_make(&options, &ours.path().join("own")).expect("his own link");
        assert_eq!(owner(ours.path()), (0, 0));
    }
}

//! Whose a new file is. Root's commands work on the folders of a server that runs as another user; what they make there must be that user's, or
//! the server is locked out of it. So root gives what it makes the owner and group of the folder it is made in; for everybody else nothing changes.
//!
//! The other user may write to those folders too, so only what this process itself has made is given away, by its open file and never by its
//! name. Where giving away is refused (some user namespaces and network file systems) the file stays root's.
//! `store` has the same for datastores, which know no configuration.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// How often a file is tried that others make and remove meanwhile.
const TRIES: usize = 8;

/// Gives a file or folder that this process has just made to the owner of `folder`, if this process is root. Tells whether it is his now.
pub fn inherit(made: impl AsFd, folder: &Path) -> io::Result<bool> {
    if !rustix::process::geteuid().is_root() {
        return Ok(true);
    }
    give(made, &std::fs::metadata(or_here(folder))?)
}

/// Opens a file with these options, which create nothing by themselves; if it is missing it is made, and belongs to the owner of its folder. A link that
/// leads nowhere makes nothing, and root follows none that another user may have made.
pub fn open_or_make(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let mut options = options.clone();
    if is_of_another(path)? {
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

/// Whether this process is root and the folder somebody else's.
pub(crate) fn is_of_another(path: &Path) -> io::Result<bool> {
    if !rustix::process::geteuid().is_root() {
        return Ok(false);
    }
    match std::fs::metadata(or_here(path.parent().unwrap_or(path))) {
        Ok(folder) => Ok(folder.uid() != 0),
        // That it is missing is told by whoever opens the file.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_link() -> io::Error {
    io::Error::other(
        "it is a link, and what it leads to may be somebody else's; put a file in its place",
    )
}

/// Makes a file that must not exist, with these options; it belongs to the owner of its folder.
pub fn make(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.clone().create_new(true).open(path)?;
    inherit(&file, path.parent().unwrap_or(path))?;
    Ok(file)
}

/// Makes a folder and those above it, as far as they are missing; each belongs to the owner of the one above it.
pub fn make_folders(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folders(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => inherit_folder(path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match path.is_dir() {
            true => Ok(()),
            false => Err(ErrorKind::NotADirectory.into()),
        },
        Err(error) => Err(error),
    }
}

fn inherit_folder(path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    options.read(true).custom_flags(flags.bits().cast_signed());
    inherit(options.open(path)?, path.parent().unwrap_or(path)).map(drop)
}

/// Gives it to the owner that these are the metadata of.
pub fn give(made: impl AsFd, like: &Metadata) -> io::Result<bool> {
    let now = rustix::fs::fstat(&made)?.st_uid;
    if like.uid() == now || now != 0 {
        return Ok(like.uid() == now);
    }
    match fchown(made, Some(like.uid()), Some(like.gid())) {
        Ok(()) => Ok(true),
        Err(error) if is_refusal(error.kind()) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The name of a user as the machine's own list has it, else his number: `chown` takes both.
pub fn user_name(id: u32) -> String {
    let list = std::fs::read("/etc/passwd").unwrap_or_default();
    name_in(&String::from_utf8_lossy(&list), id).unwrap_or_else(|| id.to_string())
}

fn name_in(list: &str, id: u32) -> Option<String> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let has_id = fields.nth(1)?.parse() == Ok(id);
        (has_id && !name.is_empty()).then(|| name.to_owned())
    })
}

fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
    )
}

fn or_here(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

#[cfg(test)]
mod tests {
    //! One `strongroom-manager user create` by root took `user.cfg` from the server's user, and every request was answered 401.

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
    fn users_have_names() {
        let list = "root:x:0:0:root:/root:/bin/sh\n\nbroken\n:x:7:\nbackup:*:34:34::/:/x";
        for (id, name) in [
            (0, Some("root")),
            (34, Some("backup")),
            (7, None),
            (35, None),
        ] {
            assert_eq!(name_in(list, id).as_deref(), name, "{id}");
        }
        assert_eq!(user_name(4_000_000_000), "4000000000");
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

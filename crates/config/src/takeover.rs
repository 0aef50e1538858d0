//! A configuration directory as a whole: looked at file by file, and put in another place, all of it or nothing. So an existing server's directory
//! is taken over, and given back. Bytes stay what they are.

mod check;
mod leftover;
mod notes;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use zeroize::Zeroizing;

use crate::dir::read_bounded;
use crate::error::ConfigError;
use crate::link;
use crate::owner;

pub use check::{Checked, check};
pub use leftover::{Leftovers, settle};
pub use notes::notes;

/// Files in a directory, and folders in folders: more than any server has.
const FILES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 4;

/// What becomes of a file.
#[derive(Debug)]
pub enum Verdict {
    /// It is understood; what is in it.
    Used(String),
    /// It is kept for the day when it is needed: why it is not used.
    Kept(&'static str),
    /// It is of no use elsewhere: why it stays behind.
    Left(&'static str),
    /// It cannot be read or understood.
    Wrong(ConfigError),
}

/// A file of the directory.
#[derive(Debug)]
pub struct Item {
    /// Below the directory.
    pub name: String,
    /// Mode of its copy.
    pub mode: u32,
    pub verdict: Verdict,
    bytes: Zeroizing<Vec<u8>>,
}

impl Item {
    /// Whether it is copied.
    pub fn goes(&self) -> bool {
        matches!(self.verdict, Verdict::Used(_) | Verdict::Kept(_))
    }

    /// Its text, as far as it is one.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }
}

/// Why a directory was not put in its place.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} has no folder above it", .0.display())]
    NoParent(PathBuf),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Looks at all files of a directory, by name.
pub fn look(from: &Path) -> Result<Vec<Item>, ConfigError> {
    let mut items = Vec::new();
    walk(from, "", 0, &mut items)?;
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(items)
}

fn walk(root: &Path, below: &str, depth: usize, items: &mut Vec<Item>) -> Result<(), ConfigError> {
    let folder = root.join(below);
    let failed = |error| ConfigError::io("list", &folder)(error);
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else {
            items.push(item(
                file_name.to_string_lossy().into_owned(),
                Verdict::Left("its name is no text"),
            ));
            continue;
        };
        let name = match below {
            "" => file_name.to_owned(),
            below => format!("{below}/{file_name}"),
        };
        if items.len() >= FILES_MAX {
            let many = io::Error::other("it has more files than a configuration can have");
            return Err(failed(many));
        }
        if check::is_transient(file_name) {
            continue;
        }
        // A link counts as the file that it leads to: the certificate may lie elsewhere. Folders are not followed; they could lead anywhere.
        let metadata = fs::metadata(entry.path());
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match metadata {
            Err(error) => {
                let path = entry.path();
                let missing = error.kind() == io::ErrorKind::NotFound;
                let dangling = missing.then(|| link::dangling(&path)).flatten();
                let error = dangling.unwrap_or_else(|| ConfigError::io("open", path)(error));
                items.push(item(name, Verdict::Wrong(error)));
            }
            Ok(metadata) if metadata.is_file() => items.push(file(root, name)),
            Ok(_) if check::is_known(&name) => {
                let error = io::Error::other("it is no ordinary file");
                let error = ConfigError::io("read", entry.path())(error);
                items.push(item(name, Verdict::Wrong(error)));
            }
            Ok(metadata) if metadata.is_dir() && !is_link && depth < DEPTH_MAX => {
                walk(root, &name, depth + 1, items)?;
            }
            Ok(_) => items.push(item(name, Verdict::Left("it is no ordinary file"))),
        }
    }
    Ok(())
}

fn item(name: String, verdict: Verdict) -> Item {
    Item {
        mode: check::mode(&name),
        name,
        verdict,
        bytes: Zeroizing::default(),
    }
}

fn file(root: &Path, name: String) -> Item {
    match read(&root.join(&name)) {
        Err(error) => item(name, Verdict::Wrong(error)),
        Ok(bytes) => {
            let verdict = check::verdict(&name, &bytes);
            Item {
                bytes,
                ..item(name, verdict)
            }
        }
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let mut bytes = Zeroizing::default();
    // What is no file any more must not make this wait.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
        .map_err(ConfigError::io("open", path))
        .and_then(|file| read_bounded(file, path, &mut bytes))?;
    Ok(bytes)
}

/// Whether a directory holds no configuration: it is missing, or has only locks.
pub fn is_empty(dir: &Path) -> Result<bool, ConfigError> {
    match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(ConfigError::io("list", dir)(error)),
        Ok(mut entries) => Ok(entries.all(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(check::is_transient))
        })),
    }
}

/// Puts the files that go into a directory, whole or not at all: it is written beside and then takes the place. What stood there is kept beside it
/// as `<name>.before-<now>`, and that is given back; without `replaces` there must be nothing. A link at `to` stays, what it leads to is replaced.
///
/// Root gives all to the owner of what stood there, or, if nothing did, to that of the folder `like`.
pub fn put(
    items: &[Item],
    to: &Path,
    replaces: bool,
    like: Option<&Path>,
    now: &str,
) -> Result<Option<PathBuf>, PutError> {
    let to = &match fs::canonicalize(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match link::dangling(to) {
            Some(dangling) => return Err(dangling.into()),
            None => to.to_owned(),
        },
        real => real.map_err(ConfigError::io("look at", to))?,
    };
    let empty = is_empty(to)?;
    if !empty && !replaces {
        return Err(PutError::NotEmpty(to.to_owned()));
    }
    let (Some(parent), Some(name)) = (to.parent(), to.file_name()) else {
        return Err(PutError::NoParent(to.to_owned()));
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    make_synced(parent)?;
    let owner = owner_of(to, like)?;
    let made = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.to_string_lossy()))
        .suffix(".new")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map_err(ConfigError::io("create a folder in", parent))?;
    fill(made.path(), items, owner.as_ref())?;
    let aside = (!empty).then(|| format!("{}.before-{now}", name.to_string_lossy()));
    if let Some(aside) = &aside {
        leftover::note(made.path(), aside)?;
    }
    let kept = swap(made, to, aside.as_deref())?;
    sync(parent)?;
    leftover::forget(to)?;
    match (kept, empty) {
        // Locks, or nothing.
        (Some(kept), true) => {
            fs::remove_dir_all(&kept).map_err(ConfigError::io("remove", kept))?;
            Ok(None)
        }
        (kept, _) => Ok(kept),
    }
}

/// Names that are tried for what is kept: of one second there is hardly more than one.
const NAMES_MAX: u32 = 100;

/// Gives the old directory the name under which it is kept. Nothing has such a name that is not the old one, whenever this process ends.
fn name_aside(made: &Path, aside: &str) -> Result<PathBuf, ConfigError> {
    for number in 1..=NAMES_MAX {
        let name = match number {
            1 => aside.to_owned(),
            _ => format!("{aside}-{number}"),
        };
        let path = made.with_file_name(name);
        match renameat_with(CWD, made, CWD, &path, RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(ConfigError::io("rename", made)(error.into())),
            Ok(()) => return Ok(path),
        }
    }
    let error = io::Error::from(io::ErrorKind::AlreadyExists);
    Err(ConfigError::io(
        "keep a configuration as",
        made.with_file_name(aside),
    )(error))
}

/// The folders that the files that go lie in, from above.
pub fn folders(items: &[Item]) -> BTreeSet<&Path> {
    let going = items.iter().filter(|item| item.goes());
    going
        .flat_map(|item| Path::new(&item.name).ancestors().skip(1))
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect()
}

/// A folder with those above it, each on disk as a name in the one above.
fn make_synced(folder: &Path) -> Result<(), ConfigError> {
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    let missing: Vec<_> = missing.collect();
    owner::make_folders(folder, 0o777).map_err(ConfigError::io("create", folder))?;
    let mut above = missing.iter().filter_map(|made| made.parent());
    above.try_for_each(|folder| match folder.as_os_str().is_empty() {
        true => sync(Path::new(".")),
        false => sync(folder),
    })
}

/// Whose the new directory shall be, and nobody's in particular if nothing tells.
fn owner_of(to: &Path, like: Option<&Path>) -> Result<Option<Metadata>, ConfigError> {
    for path in [Some(to), like].into_iter().flatten() {
        match fs::metadata(path) {
            Ok(metadata) => return Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(ConfigError::io("look at", path)(error)),
        }
    }
    Ok(None)
}

/// Writes all below a new folder, on disk when this returns. It is given away last: until then nobody else can reach into it.
fn fill(root: &Path, items: &[Item], owner: Option<&Metadata>) -> Result<(), ConfigError> {
    let folders = folders(items);
    for folder in &folders {
        let path = root.join(folder);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(ConfigError::io("create", path))?;
    }
    for item in items.iter().filter(|item| item.goes()) {
        write(root, item, owner)?;
    }
    let below = folders.iter().rev().map(|folder| root.join(folder));
    for path in below.chain([root.to_owned()]) {
        give(&open(&path)?, &path, owner)?;
        sync(&path)?;
    }
    Ok(())
}

fn give(made: &File, path: &Path, owner: Option<&Metadata>) -> Result<(), ConfigError> {
    let given = match owner {
        Some(like) => owner::give(made, like),
        None => Ok(true),
    };
    match given {
        Ok(true) => Ok(()),
        // What the server's user cannot read would be no configuration.
        Ok(false) => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
        Err(error) => Err(error),
    }
    .map_err(ConfigError::io("give to the server's user", path))
}

fn write(root: &Path, item: &Item, owner: Option<&Metadata>) -> Result<(), ConfigError> {
    let path = root.join(&item.name);
    let failed = |error| ConfigError::io("write", &path)(error);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    file.write_all(&item.bytes).map_err(failed)?;
    file.set_permissions(Permissions::from_mode(item.mode))
        .map_err(failed)?;
    give(&file, &path, owner)?;
    file.sync_all().map_err(failed)
}

/// Exchanges the new directory with what stands at `to`, or moves it there; gives where the old one is now: as `aside` if it is to be found again.
fn swap(
    made: tempfile::TempDir,
    to: &Path,
    aside: Option<&str>,
) -> Result<Option<PathBuf>, ConfigError> {
    let failed = |error: rustix::io::Errno| ConfigError::io("replace", to)(error.into());
    if !to.exists() {
        renameat_with(CWD, made.path(), CWD, to, RenameFlags::NOREPLACE).map_err(failed)?;
        // It is no temporary one any more.
        let _ = made.keep();
        return Ok(None);
    }
    renameat_with(CWD, made.path(), CWD, to, RenameFlags::EXCHANGE).map_err(failed)?;
    // Now it is the old one.
    let hidden = made.keep();
    let Some(aside) = aside else {
        return Ok(Some(hidden));
    };
    match name_aside(&hidden, aside) {
        Ok(kept) => Ok(Some(kept)),
        Err(error) => {
            // Back, and away with the new one; the first error is the one to tell of.
            if renameat_with(CWD, &hidden, CWD, to, RenameFlags::EXCHANGE).is_ok() {
                let _ = fs::remove_dir_all(&hidden);
            }
            Err(error)
        }
    }
}

fn open(folder: &Path) -> Result<File, ConfigError> {
    File::open(folder).map_err(ConfigError::io("open", folder))
}

fn sync(folder: &Path) -> Result<(), ConfigError> {
    open(folder)?
        .sync_all()
        .map_err(ConfigError::io("sync", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_a_link_to_nowhere_is_told() {
        let temp = tempfile::tempdir().expect("tempdir");
        let (to, nowhere) = (temp.path().join("etc"), temp.path().join("nowhere"));
        std::os::unix::fs::symlink(&nowhere, &to).expect("link");
        let told = put(&[], &to, true, None, "now").expect_err("nowhere");
        let expected = format!("{} is a link to {}, ", to.display(), nowhere.display());
        assert!(told.to_string().starts_with(&expected), "{told}");
        assert!(to.is_symlink() && !nowhere.exists());
    }

    /// The new one had the name of the old one before the exchange: what a crash left under it was not what it said.
    #[test]
    fn what_cannot_be_kept_stays() {
        let temp = tempfile::tempdir().expect("tempdir");
        let to = temp.path().join("etc");
        fs::create_dir(&to).expect("folder");
        fs::write(to.join("old"), "").expect("file");
        let new = || {
            let made = tempfile::tempdir_in(temp.path()).expect("folder");
            fs::write(made.path().join("new"), "").expect("file");
            made
        };
        for number in 1..=NAMES_MAX {
            let kept = swap(new(), &to, Some("etc.before"))
                .expect("swapped")
                .expect("kept");
            let was = if number == 1 { "old" } else { "new" };
            assert!(kept.join(was).exists() && to.join("new").exists());
        }
        fs::write(to.join("last"), "").expect("file");
        swap(new(), &to, Some("etc.before")).expect_err("no name is left");
        assert!(to.join("last").exists());
        let left = fs::read_dir(temp.path()).expect("list").count();
        assert_eq!(left, 101, "nothing but the old ones and the one in use");
    }
}

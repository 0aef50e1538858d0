//! How our programs write files: whole or not at all.
//!
//! A temporary file beside it, fsync, rename, fsync of the folder. Nobody sees half a file under
//! its own name, and whatever ends the program leaves what was there before.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Of a name of 255 bytes, the most there can be, the temporary one has room for this much.
const NAME_BYTES_MAX: usize = 240;

/// Writes or replaces a file. Devices and pipes, also at the end of a symlink, stay what they are.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let is_other = |found: fs::Metadata| !found.is_file() && !found.is_dir();
    if fs::metadata(path).is_ok_and(is_other) {
        let text = "it is a device or a pipe, and only files are replaced";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut file = beside(path, mode)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(parent(path))?.sync_all()
}

/// Replaces a file that is there. The new one has its mode, and its owner and group where we may give them.
pub fn renew(path: &Path, content: &[u8]) -> io::Result<()> {
    let old = fs::metadata(path)?;
    let mut file = beside(path, 0o600)?;
    file.write_all(content)?;
    keep(file.as_file(), &old)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(parent(path))?.sync_all()
}

fn keep(file: &File, old: &fs::Metadata) -> io::Result<()> {
    let mut mode = old.mode() & 0o777;
    // Only root gives files away; another group must not read what it could not read before.
    let group = Some(old.gid());
    if fchown(file, Some(old.uid()), group).is_err() && fchown(file, None, group).is_err() {
        mode &= !0o070;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Writes a file that must not exist yet.
pub fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    create_by(path, mode, |file| file.write_all(content))
}

/// Writes a file that must not exist yet, as `fill` gives it; a large one, that may fail to the end.
pub fn create_by<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    if path.symlink_metadata().is_ok() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
    }
    let mut file = beside(path, mode)?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all()?;
    // Some file systems know no rename that replaces nothing.
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if path.symlink_metadata().is_ok() => return Err(error.error.into()),
        Err(error) => drop(error.file.persist(path).map_err(|error| error.error)?),
    }
    Ok(File::open(parent(path))?.sync_all()?)
}

/// How the name of the temporary file begins while `path` is written: whoever finds one after a crash knows what it was to be.
pub fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let name = &name[..name.len().min(NAME_BYTES_MAX)];
    parent(path).join(OsStr::from_bytes(&[b".", name, b"."].concat()))
}

/// Made by hand, as errors of `tempfile_in` tell the temporary name, which nobody has typed.
fn beside(path: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let begin = unfinished(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(begin.file_name().unwrap_or_default());
    builder.make_in(parent(path), |path| {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(mode);
        options.open(path)
    })
}

/// The folder that holds the name; the current one for a name alone.
pub fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key that was written to a device took its place.
    #[test]
    fn devices_and_pipes_are_not_replaced() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let root = tempfile::tempdir().unwrap();
        let (pipe, link) = (root.path().join("pipe"), root.path().join("link"));
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        std::os::unix::fs::symlink("pipe", &link).unwrap();
        for path in [&pipe, &link] {
            let error = replace(path, b"x", 0o600).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        assert!(fs::read_link(&link).is_ok() && !pipe.symlink_metadata().unwrap().is_file());
    }

    /// A key that was being made stood half under its own name when the program was killed.
    #[test]
    fn names_of_unfinished_files() {
        let root = tempfile::tempdir().unwrap();
        let long = "n".repeat(255);
        for (name, expected) in [
            ("z.zip", ".z.zip."),
            (&long, &format!(".{}.", "n".repeat(240))),
        ] {
            let path = root.path().join(name);
            assert_eq!(unfinished(&path), root.path().join(expected));
            create_by(&path, 0o600, |_| {
                let names: Vec<_> = fs::read_dir(root.path())?
                    .flatten()
                    .map(|at| at.file_name())
                    .collect();
                let begins =
                    |name: &std::ffi::OsString| name.as_bytes().starts_with(expected.as_bytes());
                assert!(names.len() == 1 && names.iter().all(begins), "{names:?}");
                io::Result::Ok(())
            })
            .unwrap();
            fs::remove_file(path).unwrap();
        }
        assert_eq!(unfinished(Path::new("z")), Path::new("./.z."));
        assert!(create(&root.path().join("no/folder"), b"x", 0o600).is_err());
    }

    #[test]
    fn a_renewed_file_keeps_its_mode_and_owner() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("secret");
        create(&path, b"old", 0o600).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            std::os::unix::fs::chown(&path, Some(1234), Some(5678)).unwrap();
        }
        for mode in [0o600, 0o646] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let of = |found: fs::Metadata| (found.mode() & 0o7777, found.uid(), found.gid());
            let before = of(fs::metadata(&path).unwrap());
            assert!(!is_root || before == (mode, 1234, 5678));
            renew(&path, b"new").unwrap();
            assert_eq!(of(fs::metadata(&path).unwrap()), before);
        }
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_large_file_is_there_when_it_is_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("new");
        let names = || fs::read_dir(root.path()).unwrap().count();
        let done = create_by(&path, 0o644, |file| {
            file.write_all(b"half")?;
            assert!(!path.exists());
            Err(io::Error::other("stopped"))
        });
        assert_eq!(
            (done.unwrap_err().to_string(), names()),
            ("stopped".into(), 0)
        );
        create_by(&path, 0o644, |file| file.write_all(b"whole")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        let again = create_by(&path, 0o644, |_| Err(io::Error::other("not asked for")));
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(), 1);
    }
}

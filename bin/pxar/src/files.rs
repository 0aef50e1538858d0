//! How our programs write files: whole or not at all.
//!
//! A temporary file beside it, fsync, rename, fsync of the folder. Nobody sees half a file under
//! its own name, and whatever ends the program leaves what was there before.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes or replaces a file. Devices and pipes, also at the end of a symlink, stay what they are.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let is_other = |found: fs::Metadata| !found.is_file() && !found.is_dir();
    if fs::metadata(path).is_ok_and(is_other) {
        let text = "it is a device or a pipe, and only files are replaced";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let folder = parent(path);
    let mut file = beside(folder, mode)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Writes a file that must not exist yet. It is gone again if it cannot be written to the end.
pub fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    let written = fill(file, content).and_then(|()| File::open(parent(path))?.sync_all());
    if written.is_err() {
        // If that fails too, the error still tells.
        let _ = fs::remove_file(path);
    }
    written
}

fn fill(mut file: File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.sync_all()
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
    let folder = parent(path);
    let mut file = beside(folder, mode)?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all()?;
    // Some file systems know no rename that replaces nothing.
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if path.symlink_metadata().is_ok() => return Err(error.error.into()),
        Err(error) => drop(error.file.persist(path).map_err(|error| error.error)?),
    }
    Ok(File::open(folder)?.sync_all()?)
}

/// Made by hand, as errors of `tempfile_in` tell the temporary name, which nobody has typed.
fn beside(folder: &Path, mode: u32) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().make_in(folder, |path| {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(mode);
        options.open(path)
    })
}

fn parent(path: &Path) -> &Path {
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

    #[test]
    fn half_a_file_does_not_stay() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("full");
        // A file that cannot be written to stands for a full disk.
        File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        assert!(fill(reader, b"x").is_err());
        assert!(create(&root.path().join("no/folder"), b"x", 0o600).is_err());
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

//! Where something small goes: the manifest, a blob, the prelude of a split archive (cli.md 3.4).
//!
//! A file of the user's is replaced whole or not at all, and only a file: what is written to a
//! device or a pipe goes into it, and a symlink to a file is left alone.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Result;
use console::out::{self, OutError};
use console::report::Failure;
use rustix::fs::OFlags;

use super::{Target, exists};
use crate::failure::disk_hint;
use crate::places;
use crate::written::Written;

const MODE: u32 = 0o644;

/// Makes a file or replaces it whole.
pub fn write(target: &Target, data: &[u8], note: &Written) -> Result<()> {
    let Target::Path(path) = target else {
        return print(data, note);
    };
    let written = match Place::of(path)? {
        Place::Output => return print(data, note),
        Place::Open => write_into(path, data, note),
        Place::File => places::replace(path, data, MODE),
    };
    written.map_err(|error| unwritten(format!("unable to write file {path:?}"), error))?;
    note.is_whole();
    Ok(())
}

/// A new file; it must not exist yet.
pub fn create(target: &Target, data: &[u8], note: &Written) -> Result<()> {
    match target {
        Target::Output => return print(data, note),
        Target::Path(path) => {
            places::create(path, data, MODE).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => exists(path),
                _ => unwritten(format!("unable to create target file {path:?}"), error),
            })?
        }
    }
    note.is_whole();
    Ok(())
}

fn print(data: &[u8], note: &Written) -> Result<()> {
    let mut out = note.through(out::Stream::open().map_err(OutError::from)?);
    out.write_all(data).map_err(OutError::from)?;
    note.is_whole();
    Ok(())
}

/// What is to be done with what a name leads to.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// It is our standard output, whatever that is.
    Output,
    /// A device or a pipe: written into.
    Open,
    /// A file, or nothing yet: replaced.
    File,
}

impl Place {
    fn of(path: &Path) -> Result<Place, Failure> {
        // What cannot be looked at cannot be replaced either; that error tells more.
        let Ok(own) = path.symlink_metadata() else {
            return Ok(Place::File);
        };
        if own.is_file() {
            return Ok(Place::File);
        }
        let found = std::fs::metadata(path);
        let is = match &found {
            Ok(found) if is_output(found) => return Ok(Place::Output),
            Ok(found) => found.file_type(),
            Err(_) => own.file_type(),
        };
        if is.is_char_device() || is.is_block_device() || is.is_fifo() || is.is_socket() {
            return Ok(Place::Open);
        }
        let failure = if own.is_dir() {
            Failure::new(format!("unable to write file {path:?} - it is a directory"))
                .hint("name a file in it")
        } else {
            Failure::new(format!("unable to write file {path:?} - it is a symlink"))
                .hint("name the file that it leads to, or remove it first")
        };
        Err(failure)
    }
}

/// `/dev/stdout` and its other names lead to the file, pipe or terminal itself.
fn is_output(found: &Metadata) -> bool {
    rustix::fs::fstat(io::stdout().as_fd())
        .is_ok_and(|output| (output.st_dev, output.st_ino) == (found.dev(), found.ino()))
}

fn write_into(path: &Path, data: &[u8], note: &Written) -> io::Result<()> {
    let no_terminal_of_ours = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or(0);
    let mut file = File::options()
        .write(true)
        .custom_flags(no_terminal_of_ours)
        .open(path)?;
    note.through(&mut file).write_all(data)?;
    match file.metadata()?.file_type().is_block_device() {
        true => file.sync_all(),
        false => Ok(()),
    }
}

fn unwritten(what: String, error: io::Error) -> Failure {
    let failure = Failure::new(format!("{what} - {error}"));
    match disk_hint(&error) {
        Some(hint) => failure.cause(error).hint(hint),
        None => failure.cause(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::Became;
    use rustix::fs::{CWD, FileType, Mode};
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    fn put(path: &Path, data: &[u8]) -> Result<()> {
        write(&Target::Path(path.to_path_buf()), data, &Written::default())
    }

    /// The manifest, restored to a device, took the device's place: `/dev/null` was a file then.
    #[test]
    fn only_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let file = path("file");
        put(&file, b"one").unwrap();
        let before = std::fs::metadata(&file).unwrap().ino();
        put(&file, b"two").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        assert_ne!(
            std::fs::metadata(&file).unwrap().ino(),
            before,
            "replaced whole"
        );

        let pipe = path("pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let reading = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                let mut text = String::new();
                File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
                text
            }
        });
        let note = Written::default();
        write(&Target::Path(pipe.clone()), b"for the reader", &note).unwrap();
        assert_ne!(note.became("half"), Became::Nothing);
        assert_eq!(reading.join().unwrap(), "for the reader");
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());

        for (name, to) in [("link", "file"), ("dangling", "nothing")] {
            symlink(to, path(name)).unwrap();
            let error = put(&path(name), b"x").unwrap_err();
            assert!(error.to_string().contains("it is a symlink"), "{error}");
            assert_eq!(std::fs::read_link(path(name)).unwrap(), Path::new(to));
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        symlink("pipe", path("to-pipe")).unwrap();
        assert_eq!(Place::of(&path("to-pipe")).unwrap(), Place::Open);
        let error = put(folder.path(), b"x").unwrap_err();
        assert!(error.to_string().contains("it is a directory"), "{error}");
        assert!(!path("nothing").exists());
    }

    #[test]
    fn devices_stay_devices() {
        let folder = tempfile::tempdir().unwrap();
        let null = folder.path().join("null");
        let made = rustix::fs::mknodat(
            CWD,
            &null,
            FileType::CharacterDevice,
            Mode::from_raw_mode(0o600),
            rustix::fs::makedev(1, 3),
        );
        if made.is_err() || File::open(&null).is_err() {
            eprintln!("SKIPPED: only root may make device nodes, and not on every file system");
            return;
        }
        put(&null, b"x").unwrap();
        let found = null.symlink_metadata().unwrap();
        assert!(found.file_type().is_char_device());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// The name of the temporary file was told, which nobody had typed.
    #[test]
    fn errors_name_what_was_typed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/index.json");
        let error = put(&path, b"x").unwrap_err().to_string();
        let expected =
            format!("unable to write file {path:?} - No such file or directory (os error 2)");
        assert_eq!(error, expected);
    }
}

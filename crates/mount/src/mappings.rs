//! Which images are mapped: a folder with a file for each, on which the image is mounted, and beside it `NAME.pid` with the process that
//! serves it (cli.md 3.8).
//!
//! A process holds a lock on its pid file as long as it serves, so what a killed one left behind is told from what is in use. Names are
//! written as systemd writes paths in names of units.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::mount::UnmountFlags;

use crate::mounting::is_mount_point;

const PID_ENDING: &str = ".pid";
/// Bytes of a file name.
const NAME_MAX: usize = 255;

#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error("{0:?} is mapped already")]
    Mapped(String),
    #[error("the name {0:?} is too long to be mapped")]
    TooLong(String),
    #[error("cannot use {path:?}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Mappings(PathBuf);

/// An image that is mapped, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub name: String,
    /// The image as a file.
    pub file: PathBuf,
    /// Whether a process serves it.
    pub is_alive: bool,
}

impl Mappings {
    pub fn new(folder: PathBuf) -> Mappings {
        Mappings(folder)
    }

    /// Takes the place for an image of that name; the process that calls serves it.
    pub fn reserve(&self, name: &str) -> Result<Place, MappingError> {
        let escaped = escape(name);
        if escaped.len() + PID_ENDING.len() > NAME_MAX {
            return Err(MappingError::TooLong(name.to_owned()));
        }
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| MappingError::Io { path, source }
        };
        let folder = DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.0);
        folder.map_err(failed(&self.0))?;
        let file = self.0.join(&escaped);
        if self.is_alive(&file) {
            return Err(MappingError::Mapped(name.to_owned()));
        }
        let pid_path = pid_path(&file);
        let mut pid = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o644)
            .open(&pid_path)
            .map_err(failed(&pid_path))?;
        if flock(&pid, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(MappingError::Mapped(name.to_owned()));
        }
        unmount(&file);
        let write = |pid: &mut File| {
            pid.set_len(0)?;
            writeln!(pid, "{}", std::process::id())
        };
        write(&mut pid).map_err(failed(&pid_path))?;
        let image = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&file);
        image.map_err(failed(&file))?;
        Ok(Place { file, pid })
    }

    /// All mappings, by name. What cannot be read is none.
    pub fn list(&self) -> Vec<Mapping> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().into_vec());
        let mut found: Vec<_> = names
            .filter(|name| !name.ends_with(PID_ENDING.as_bytes()))
            .filter_map(|escaped| {
                let file = self.0.join(OsStr::from_bytes(&escaped));
                Some(Mapping {
                    name: unescape(&escaped)?,
                    is_alive: self.is_alive(&file),
                    file,
                })
            })
            .collect();
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Takes away what is left of a mapping that nobody serves.
    pub fn clean(&self, mapping: &Mapping) -> Result<(), MappingError> {
        unmount(&mapping.file);
        for path in [pid_path(&mapping.file), mapping.file.clone()] {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(MappingError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends a mapping, whose process then goes by itself; waits for that until `limit`. `false` if it is still there.
    pub fn end(&self, mapping: &Mapping, limit: Duration) -> bool {
        const PAUSE: Duration = Duration::from_millis(20);
        unmount(&mapping.file);
        let deadline = Instant::now() + limit;
        while self.is_alive(&mapping.file) {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }

    /// Programs that know no lock are alive as long as their mount answers.
    fn is_alive(&self, file: &Path) -> bool {
        let locked = File::open(pid_path(file))
            .is_ok_and(|pid| flock(&pid, FlockOperation::NonBlockingLockShared).is_err());
        locked || (is_mount_point(file) && fs::metadata(file).is_ok())
    }
}

/// Takes every mount from a file; there is none most of the time.
fn unmount(file: &Path) {
    while is_mount_point(file) {
        if rustix::mount::unmount(file, UnmountFlags::DETACH).is_err() {
            return;
        }
    }
}

fn pid_path(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(PID_ENDING);
    path.into()
}

/// A name that is taken. Dropped, it is free again.
#[derive(Debug)]
pub struct Place {
    file: PathBuf,
    pid: File,
}

impl Place {
    /// The file on which the image is to be mounted.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        unmount(&self.file);
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_file(pid_path(&self.file));
        let _ = flock(&self.pid, FlockOperation::Unlock);
    }
}

/// As `systemd-escape`: slashes become dashes, and what is neither a letter, a digit, `:`, `_` nor `.` its code.
fn escape(name: &str) -> String {
    let mut out = String::new();
    for (position, byte) in name.bytes().enumerate() {
        match byte {
            b'/' => out.push('-'),
            b'.' if position == 0 => out.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out
}

/// Nothing if it is no name that [`escape`] made.
fn unescape(text: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'-' => out.push(b'/'),
            b'\\' => {
                let (code, behind) = behind.strip_prefix(b"x")?.split_first_chunk::<2>()?;
                let digits = str::from_utf8(code).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = behind;
            }
            byte => out.push(*byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_there_and_back() {
        for (name, escaped) in [
            ("disk.img", "disk.img"),
            (
                "root@pam@[::1]:8007:store:vm/100/2020-01-02T03:04:05Z/drive-scsi0.img",
                "root\\x40pam\\x40\\x5b::1\\x5d:8007:store:vm-100-2020\\x2d01\\x2d02T03:04:05Z-drive\\x2dscsi0.img",
            ),
            (".hidden", "\\x2ehidden"),
            ("ü \\", "\\xc3\\xbc\\x20\\x5c"),
        ] {
            assert_eq!(escape(name), escaped);
            assert_eq!(unescape(escaped.as_bytes()).as_deref(), Some(name));
        }
        for broken in [&b"a\\"[..], b"\\x4", b"\\y20", b"\\xzz", b"\\xff"] {
            assert_eq!(unescape(broken), None);
        }
    }

    #[test]
    fn a_place_is_taken_until_its_process_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mappings = Mappings::new(folder.path().join("maps"));
        assert_eq!(mappings.list(), []);
        let place = mappings.reserve("store:vm/1/a.img").unwrap();
        assert!(matches!(
            mappings.reserve("store:vm/1/a.img"),
            Err(MappingError::Mapped(_))
        ));
        let listed = mappings.list();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].name, "store:vm/1/a.img");
        assert!(listed[0].is_alive && listed[0].file == place.file());
        drop(place);
        assert_eq!(mappings.list(), []);
        // what a killed process leaves behind
        for name in ["b.img", "b.img.pid"] {
            fs::write(folder.path().join("maps").join(name), "123456\n").unwrap();
        }
        let left = mappings.list().remove(0);
        assert!(!left.is_alive);
        mappings.clean(&left).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("maps")).unwrap().count(), 0);
        assert!(matches!(
            mappings.reserve(&"x".repeat(300)),
            Err(MappingError::TooLong(_))
        ));
    }
}

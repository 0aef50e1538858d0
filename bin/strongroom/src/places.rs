//! Where the client's own files lie (cli.md 2.4), and how they are written.
//!
//! Configuration is searched in the config home and then in the config directories; it is
//! written to the config home, as `pxar_cli::files` does. What several programs rewrite at the same
//! time is rewritten under a lock.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use pxar_cli::files::parent;
pub use pxar_cli::files::{create, create_by, replace, unfinished};
use rustix::fs::FlockOperation;

use crate::environment::Environment;

const FOLDER: &str = "proxmox-backup";
/// Caches and keys are small; a larger file is not one of ours.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A deep tree keeps one directory open per level: use what the system allows.
pub fn allow_many_open_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    // If that is refused the old limit stays, and only a very deep tree would notice.
    let _ = rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
}

/// The folders of this user.
#[derive(Clone, Debug)]
pub struct Places {
    config_home: Option<PathBuf>,
    config_dirs: Vec<PathBuf>,
    cache_home: Option<PathBuf>,
    runtime_dir: Option<PathBuf>,
}

/// Why there is no folder for tickets.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeDirError {
    #[error("XDG_RUNTIME_DIR is not set")]
    NotSet,
    #[error("cannot look at XDG_RUNTIME_DIR {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("XDG_RUNTIME_DIR {} must be owned by this user and have mode 0700", .0.display())]
    NotPrivate(PathBuf),
}

impl Places {
    pub fn new(environment: &Environment) -> Places {
        let home = environment.absolute_path("HOME");
        let own = |variable, below: &str| {
            environment
                .absolute_path(variable)
                .map(Path::to_path_buf)
                .or_else(|| Some(home?.join(below)))
        };
        let listed = environment
            .text("XDG_CONFIG_DIRS")
            .filter(|text| !text.is_empty())
            .unwrap_or("/etc/xdg");
        Places {
            config_home: own("XDG_CONFIG_HOME", ".config"),
            config_dirs: listed
                .split(':')
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .collect(),
            cache_home: own("XDG_CACHE_HOME", ".cache"),
            runtime_dir: environment
                .absolute_path("XDG_RUNTIME_DIR")
                .map(Path::to_path_buf),
        }
    }

    /// The first existing configuration file of that name. One that cannot be looked at counts:
    /// a key that is there and out of reach must not be taken for none.
    pub fn find_config(&self, name: &str) -> Option<PathBuf> {
        let folders = self.config_home.iter().chain(&self.config_dirs);
        folders
            .map(|folder| folder.join(FOLDER).join(name))
            .find(|path| !is_missing(path))
    }

    /// Where a configuration file of that name is written to; `None` without a home.
    pub fn own_config(&self, name: &str) -> Option<PathBuf> {
        self.config_home
            .as_ref()
            .map(|folder| folder.join(FOLDER).join(name))
    }

    pub fn cache(&self, name: &str) -> Option<PathBuf> {
        self.cache_home
            .as_ref()
            .map(|folder| folder.join(FOLDER).join(name))
    }

    /// A file in the runtime folder, which must exist, be ours, and be closed to others.
    pub fn runtime(&self, name: &str) -> Result<PathBuf, RuntimeDirError> {
        let folder = self.runtime_dir.as_ref().ok_or(RuntimeDirError::NotSet)?;
        let found = fs::metadata(folder).map_err(|source| RuntimeDirError::Unreadable {
            path: folder.clone(),
            source,
        })?;
        let private = found.is_dir()
            && found.mode() & 0o7777 == 0o700
            && found.uid() == rustix::process::geteuid().as_raw();
        if !private {
            return Err(RuntimeDirError::NotPrivate(folder.clone()));
        }
        Ok(folder.join(FOLDER).join(name))
    }
}

/// The whole file, if it exists.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "file is larger than {FILE_BYTES_MAX} bytes"
        )));
    }
    Ok(Some(bytes))
}

/// Makes the folder of a file of our own (mode 0700) where it is missing.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let folder = parent(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Rewrites a file of our own, making its folder where it is missing. Of several programs that
/// do so at the same time each sees what the one before has written. `change` gets the text and
/// gives the new one, or `None` to leave it; whether it was written is the result.
pub fn update(
    path: &Path,
    mode: u32,
    change: impl FnOnce(&str) -> Option<String>,
) -> io::Result<bool> {
    make_folder(path)?;
    let folder = File::open(parent(path))?;
    // Held until the folder is closed. Some network file systems know no locks; without one, of
    // two changes at once the later one stays.
    let _ = rustix::fs::flock(&folder, FlockOperation::LockExclusive);
    let before = read(path)?.unwrap_or_default();
    match change(&String::from_utf8_lossy(&before)) {
        Some(text) => replace(path, text.as_bytes(), mode).map(|()| true),
        None => Ok(false),
    }
}

fn is_missing(path: &Path) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    let looked = path.symlink_metadata();
    looked.is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn places(variables: &[(&str, &str)]) -> Places {
        Places::new(&variables.iter().copied().collect())
    }

    #[test]
    fn folders_follow_xdg() {
        for (name, variables, config, cache) in [
            (
                "home",
                &[("HOME", "/h")][..],
                Some("/h/.config/proxmox-backup/x"),
                Some("/h/.cache/proxmox-backup/x"),
            ),
            (
                "given",
                &[
                    ("HOME", "/h"),
                    ("XDG_CONFIG_HOME", "/c"),
                    ("XDG_CACHE_HOME", "/k"),
                ],
                Some("/c/proxmox-backup/x"),
                Some("/k/proxmox-backup/x"),
            ),
            (
                "relative is ignored",
                &[("XDG_CONFIG_HOME", "c")],
                None,
                None,
            ),
        ] {
            let places = places(variables);
            assert_eq!(places.own_config("x"), config.map(PathBuf::from), "{name}");
            assert_eq!(places.cache("x"), cache.map(PathBuf::from), "{name}");
        }
    }

    #[test]
    fn configuration_is_searched_in_order() {
        let root = tempfile::tempdir().unwrap();
        let text = |name: &str| root.path().join(name).to_str().unwrap().to_string();
        let (home, first, second) = (text("home"), text("first"), text("second"));
        let dirs = format!("{first}:{second}");
        let places = places(&[("XDG_CONFIG_HOME", &home), ("XDG_CONFIG_DIRS", &dirs)]);
        assert_eq!(places.find_config("k"), None);
        for folder in [&second, &first, &home] {
            let path = Path::new(folder).join("proxmox-backup/k");
            make_folder(&path).unwrap();
            create(&path, b"x", 0o600).unwrap();
            assert_eq!(places.find_config("k"), Some(path));
        }
    }

    #[test]
    fn a_key_out_of_reach_is_not_overlooked() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().to_str().unwrap();
        let places = places(&[
            ("XDG_CONFIG_HOME", home),
            ("XDG_CONFIG_DIRS", "/nonexistent"),
        ]);
        let path = root.path().join("proxmox-backup/k");
        assert_eq!(places.find_config("k"), None);
        make_folder(&path).unwrap();
        std::os::unix::fs::symlink("/nonexistent/key", &path).unwrap();
        assert_eq!(places.find_config("k"), Some(path.clone()));
        fs::remove_file(&path).unwrap();
        fs::set_permissions(parent(&path), fs::Permissions::from_mode(0o000)).unwrap();
        let expected = (!rustix::process::geteuid().is_root()).then_some(path);
        assert_eq!(places.find_config("k"), expected);
    }

    #[test]
    fn no_change_at_the_same_time_is_lost() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/list");
        let add = |name: String| {
            for number in 0..20 {
                let line = format!("{name}{number}\n");
                assert!(update(&path, 0o600, |text| Some(format!("{text}{line}"))).unwrap());
            }
        };
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let add = &add;
                scope.spawn(move || add(name.to_string()));
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 80);
        assert!(!update(&path, 0o600, |_| None).unwrap());
    }

    #[test]
    fn the_runtime_folder_must_be_private() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().to_str().unwrap();
        let places = places(&[("XDG_RUNTIME_DIR", folder)]);
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(
            places.runtime("tickets"),
            Err(RuntimeDirError::NotPrivate(_))
        ));
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(
            places.runtime("tickets").unwrap(),
            root.path().join("proxmox-backup/tickets")
        );
    }

    #[test]
    fn files_are_replaced_whole_and_created_once() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        make_folder(&path).unwrap();
        replace(&path, b"one", 0o600).unwrap();
        replace(&path, b"two", 0o600).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            create(&path, b"x", 0o600).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(read(&root.path().join("c")).unwrap(), None);
    }
}

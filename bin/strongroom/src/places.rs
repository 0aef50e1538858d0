//! Where the client's own files lie (cli.md 2.4), and how they are written.
//!
//! Configuration is searched in the config home and then in the config directories; it is
//! written to the config home. All writing is: temporary file beside it, fsync, rename.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

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

    /// The first existing configuration file of that name.
    pub fn find_config(&self, name: &str) -> Option<PathBuf> {
        let folders = self.config_home.iter().chain(&self.config_dirs);
        folders
            .map(|folder| folder.join(FOLDER).join(name))
            .find(|path| path.exists())
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

/// Writes or replaces a file, making its folder (mode 0700) where it is missing.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = parent(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Writes a file that must not exist yet, making its folder where it is missing.
pub fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = parent(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            create(&path, b"x", 0o600).unwrap();
            assert_eq!(places.find_config("k"), Some(path));
        }
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

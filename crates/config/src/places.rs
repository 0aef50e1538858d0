//! Where the files of a server lie unless it is told otherwise. The programs ask here, so that all of them look in the same place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The two folders of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Settings, users, rights, keys.
    pub config_dir: PathBuf,
    /// Locks, logs, tasks.
    pub state_dir: PathBuf,
}

/// Neither a folder was given nor a home to put it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no place for the server's files: HOME is not set, give --config-dir and --state-dir")]
pub struct NoHome;

/// Something else stands where a folder of the server should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a directory", path.display())]
pub struct NotADirectory {
    pub path: PathBuf,
    /// How another one is chosen.
    pub option: &'static str,
}

impl NotADirectory {
    /// Looks at a folder; one that is missing is made by whoever needs it.
    pub fn check(path: &Path, option: &'static str) -> Result<(), NotADirectory> {
        match std::fs::metadata(path) {
            Ok(found) if !found.is_dir() => Err(NotADirectory {
                path: path.to_owned(),
                option,
            }),
            // Whoever needs it tells what is wrong with it.
            _ => Ok(()),
        }
    }

    /// What whoever runs the program can do.
    pub fn next_step(&self) -> String {
        let option = self.option;
        format!("give a folder with {option}, or move away what stands there")
    }
}

impl Places {
    /// Whether both are folders, where they are there.
    pub fn check(&self) -> Result<(), NotADirectory> {
        NotADirectory::check(&self.config_dir, "--config-dir")?;
        NotADirectory::check(&self.state_dir, "--state-dir")
    }

    /// What was given, else the system's folders for root and the XDG folders for everybody else. `variable` looks into the
    /// environment; relative values there are ignored, as the XDG rules say.
    pub fn resolve(
        config_dir: Option<PathBuf>,
        state_dir: Option<PathBuf>,
        is_root: bool,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Places, NoHome> {
        let absolute = |name: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = |below: &str| absolute("HOME").map(|home| home.join(below)).ok_or(NoHome);
        let user = |xdg: &str, below: &str| {
            absolute(xdg)
                .map_or_else(|| home(below), Ok)
                .map(|dir| dir.join("strongroom"))
        };
        let config_dir = match config_dir {
            Some(dir) => dir,
            None if is_root => PathBuf::from("/etc/strongroom"),
            None => user("XDG_CONFIG_HOME", ".config")?,
        };
        let state_dir = match state_dir {
            Some(dir) => dir,
            None if is_root => PathBuf::from("/var/lib/strongroom"),
            None => user("XDG_STATE_HOME", ".local/state")?,
        };
        Ok(Places {
            config_dir,
            state_dir,
        })
    }

    /// Access log, authentication log, tasks.
    pub fn log_dir(&self) -> PathBuf {
        self.state_dir.join("log")
    }

    /// Logs and lists of tasks.
    pub fn tasks_dir(&self) -> PathBuf {
        self.log_dir().join("tasks")
    }

    /// Lock files of groups and snapshots; every process that opens a datastore must use the same ones.
    pub fn locks_dir(&self) -> PathBuf {
        self.state_dir.join("locks")
    }
}

/// First label of a host name; `localhost` if that cannot stand in a task id.
pub fn node_name(hostname: &str) -> String {
    let label = hostname.split('.').next().unwrap_or_default();
    if api::pattern::hostname(label) {
        label.to_owned()
    } else {
        "localhost".to_owned()
    }
}

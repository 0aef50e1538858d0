//! How often a user's second factor was wrong since it was right last (server.md 8.1): one small file per user below the state folder, there
//! only while something was wrong. Whoever changes one holds the lock of `tfa.json`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use format::{Digest, Userid};
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::owner;

/// Longest name of a file that is a user id.
const NAME_BYTES_MAX: usize = 200;

/// The counts of one user, by the names that the original gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    /// Wrong TOTP codes in a row.
    pub totp_failures: u32,
    /// Wrong answers of any kind in a row.
    pub tfa_failures: u32,
}

/// The folder of the counts.
#[derive(Clone, Debug)]
pub struct FailureDir(PathBuf);

impl FailureDir {
    /// Below the state folder of the server.
    pub fn below(state_dir: &Path) -> FailureDir {
        FailureDir(state_dir.join("tfa").join("challenges"))
    }

    /// A user id has no `/`, and is more than dots; what is too long for a file name has its digest for one.
    fn path(&self, user: &Userid) -> PathBuf {
        let name = user.to_string();
        match name.len() <= NAME_BYTES_MAX {
            true => self.0.join(name),
            false => self.0.join(Digest::of(name.as_bytes()).to_string()),
        }
    }

    /// The counts of a user. A file that is cut off, as a power failure may leave it, counts as none.
    pub fn read(&self, user: &Userid) -> Result<Failures, ConfigError> {
        let path = self.path(user);
        match fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Failures::default()),
            Err(error) => Err(ConfigError::io("read", path)(error)),
        }
    }

    /// Stores counts.
    pub fn write(&self, user: &Userid, failures: Failures) -> Result<(), ConfigError> {
        let path = self.path(user);
        let text = serde_json::to_string(&failures).expect("two numbers are JSON");
        owner::make_folders(&self.0, 0o700).map_err(ConfigError::io("create", &self.0))?;
        let mut file = tempfile::Builder::new()
            .prefix(".new.")
            .tempfile_in(&self.0)
            .map_err(ConfigError::io("create a temporary file for", &path))?;
        owner::inherit(file.as_file(), &self.0)
            .map_err(ConfigError::io("give its owner", &path))?;
        file.write_all(text.as_bytes())
            .map_err(ConfigError::io("write", &path))?;
        file.persist(&path)
            .map_err(|error| ConfigError::io("replace", &path)(error.error))?;
        Ok(())
    }

    /// Forgets the counts of a user.
    pub fn clear(&self, user: &Userid) -> Result<(), ConfigError> {
        let path = self.path(user);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ConfigError::io("remove", path)(error))
            }
            _ => Ok(()),
        }
    }
}

//! Links in place of configuration files: the administrator has put them there, so they stay, and nothing is written where they lead nowhere.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::ConfigError;
use crate::owner;

/// What a link leads to, as it is written there; nothing for anything else.
pub(crate) fn target(path: &Path) -> Option<PathBuf> {
    fs::read_link(path).ok()
}

/// The error for a name under which nothing was found, if it is a link all the same.
pub(crate) fn dangling(path: &Path) -> Option<ConfigError> {
    Some(ConfigError::Dangling {
        target: target(path)?,
        path: path.to_owned(),
    })
}

/// Where a new version of a file goes: to its own place, or to where a link leads. Root follows none that another user may have made.
pub(crate) fn place(path: &Path) -> Result<PathBuf, ConfigError> {
    if target(path).is_none() {
        return Ok(path.to_owned());
    }
    match owner::is_of_another(path) {
        Ok(false) => {}
        Ok(true) => return Err(ConfigError::io("write", path)(owner::is_link())),
        Err(error) => return Err(ConfigError::io("look at the folder of", path)(error)),
    }
    fs::canonicalize(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            dangling(path).unwrap_or_else(|| ConfigError::io("write", path)(error))
        }
        _ => ConfigError::io("follow the link", path)(error),
    })
}

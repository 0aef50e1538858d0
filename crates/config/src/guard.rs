//! Who else may read or change the configuration (server.md 1.0): the directory is for its owner alone, and secrets are not for everybody.
//!
//! What is too open is closed, and told: the caller warns, since whoever read a key in the meantime still has it. What belongs to somebody else
//! cannot be trusted and is refused.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::dir::{ConfigDir, FileSpec};
use crate::error::ConfigError;

/// Mode of the directory.
const DIR_MODE: u32 = 0o700;
/// Files that hold secrets.
const SECRETS: &[FileSpec] = &[
    FileSpec::SHADOW,
    FileSpec::TOKEN_SHADOW,
    FileSpec::TFA,
    FileSpec::LDAP_PASSWORDS,
    FileSpec::CERTIFICATE_KEY,
    FileSpec::AUTH_KEY,
    FileSpec::CSRF_KEY,
    FileSpec::NOTIFICATIONS_PRIV,
    // Passwords and keys for other machines.
    FileSpec::REMOTE,
    FileSpec::METRIC_SERVER,
    FileSpec::S3,
    FileSpec::ACME_PLUGINS,
];

/// Something that was open to others and is not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub path: PathBuf,
    /// The mode that it had.
    pub mode_before: u32,
    pub mode: u32,
}

impl ConfigDir {
    /// Closes the directory and the files with secrets to others. `user` is who runs this, by effective id; root may use anybody's directory.
    pub fn close_to_others(&self, user: u32) -> Result<Vec<Closed>, ConfigError> {
        let root = self.path();
        let of_dir =
            fs::metadata(root).map_err(ConfigError::io("look at the configuration in", root))?;
        if user != 0 {
            check_owner(root, &of_dir, &[user, 0], user)?;
        }
        let mut closed = Vec::new();
        close(root, &of_dir, DIR_MODE, &mut closed)?;
        for &spec in SECRETS {
            let path = self.path_of(spec);
            match fs::symlink_metadata(&path) {
                // It leads where the administrator wants it; what is there is his to close.
                Ok(metadata) if metadata.is_symlink() => {}
                Ok(metadata) => {
                    check_owner(&path, &metadata, &[user, 0, of_dir.uid()], user)?;
                    close(&path, &metadata, spec.mode, &mut closed)?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(ConfigError::io("look at", path)(error)),
            }
        }
        Ok(closed)
    }
}

fn check_owner(
    path: &Path,
    metadata: &Metadata,
    owners: &[u32],
    user: u32,
) -> Result<(), ConfigError> {
    if owners.contains(&metadata.uid()) {
        return Ok(());
    }
    Err(ConfigError::Owner {
        path: path.to_owned(),
        owner: metadata.uid(),
        user,
    })
}

/// Takes away what `allowed` does not have. Fewer rights than that are fine.
fn close(
    path: &Path,
    metadata: &Metadata,
    allowed: u32,
    closed: &mut Vec<Closed>,
) -> Result<(), ConfigError> {
    let mode_before = metadata.permissions().mode() & 0o7777;
    // What the owner may do is his affair.
    let mode = mode_before & (allowed | 0o700);
    if mode == mode_before {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(ConfigError::io("close to others", path))?;
    closed.push(Closed {
        path: path.to_owned(),
        mode_before,
        mode,
    });
    Ok(())
}

//! Files that are there and whose bytes the system does not give. They are not known to be damaged, so nobody should mend what is in them; what to do
//! instead depends on whose they are and who runs this.

use std::error::Error as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::dir::{ConfigDir, FileSpec};
use crate::error::ConfigError;
use crate::owner::user_name;

/// They decide who may come in, what he may do, and what is served. Without one of these a server would refuse everybody, or not know what was
/// forbidden to whom.
const DECISIVE: [FileSpec; 13] = [
    FileSpec::USER,
    FileSpec::ACL,
    FileSpec::SHADOW,
    FileSpec::TOKEN_SHADOW,
    FileSpec::TFA,
    FileSpec::TICKET_LIMITS,
    FileSpec::DOMAINS,
    FileSpec::DATASTORE,
    FileSpec::CERTIFICATE,
    FileSpec::CERTIFICATE_KEY,
    FileSpec::AUTH_KEY,
    FileSpec::AUTH_PUBLIC_KEY,
    FileSpec::CSRF_KEY,
];

/// A file that is there, and the system's reason not to read it.
#[derive(Debug, thiserror::Error)]
#[error("{} is there but cannot be read", path.display())]
pub struct Unreadable {
    pub path: PathBuf,
    /// What the administrator can do.
    pub step: String,
    pub source: io::Error,
}

impl Unreadable {
    /// The same in one line.
    pub fn whole(&self) -> String {
        let cause = self.source().map(ToString::to_string).unwrap_or_default();
        format!("{self}: {cause}; {}", self.step)
    }

    /// What an error of reading a file says about it; the error itself if it was read and there is something wrong in it.
    pub fn of(path: &Path, error: ConfigError) -> Result<Unreadable, ConfigError> {
        let source = match error {
            ConfigError::Io { source, .. } => source,
            ConfigError::NotAFile(_) if path.is_dir() => ErrorKind::IsADirectory.into(),
            ConfigError::NotAFile(_) => io::Error::other("it is no ordinary file"),
            other => return Err(other),
        };
        Ok(Unreadable {
            path: path.to_owned(),
            step: next_step(path, &source, rustix::process::geteuid().as_raw()),
            source,
        })
    }
}

/// Looks whether the files without which a server does not start can be read, where they are there.
pub fn check(dir: &ConfigDir) -> Result<(), Unreadable> {
    for file in DECISIVE {
        if let Err(error) = dir.read_bytes(file)
            && let Ok(unreadable) = Unreadable::of(&dir.path_of(file), error)
        {
            return Err(unreadable);
        }
    }
    Ok(())
}

/// What user `user` can do, or root for him.
fn next_step(path: &Path, cause: &io::Error, user: u32) -> String {
    let place = path.display();
    match cause.kind() {
        ErrorKind::PermissionDenied if user == 0 => {
            "not even root may: look at the options of the mount, and at attributes (`lsattr`)"
                .to_owned()
        }
        ErrorKind::PermissionDenied => match fs::metadata(path).map(|found| found.uid()) {
            Ok(owner) if owner == user => format!("its owner may not read it: `chmod u+r {place}`"),
            Ok(owner) => format!(
                "it belongs to user '{}' and the server runs as user '{name}': `chown {name} {place}` as root",
                user_name(owner),
                name = user_name(user),
            ),
            Err(_) => format!(
                "the server runs as user '{}', who may not enter a folder on the way: `namei -l {place}` shows which",
                user_name(user),
            ),
        },
        ErrorKind::IsADirectory | ErrorKind::Other => {
            "move it away, and put the file back from a copy".to_owned()
        }
        _ => "`dmesg` tells whether the disk fails; the file may have to come back from a copy"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_fits_the_reason() {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("user.cfg");
        fs::write(&path, "").expect("file");
        let ours = fs::metadata(&path).expect("there").uid();
        let gone = folder.path().join("gone");
        let at = path.display();
        for (number, path, user, expected) in [
            (13, &path, 0, "not even root may".to_owned()),
            (
                13,
                &path,
                ours + 7,
                format!(
                    "it belongs to user '{}' and the server runs as user '{}': `chown ",
                    user_name(ours),
                    user_name(ours + 7)
                ),
            ),
            (
                13,
                &gone,
                4_000_000_000,
                "the server runs as user '4000000000', who".to_owned(),
            ),
            (21, &path, ours, "move it away".to_owned()),
            (5, &path, ours, "`dmesg` tells".to_owned()),
        ] {
            let step = next_step(path, &io::Error::from_raw_os_error(number), user);
            assert!(step.starts_with(&expected), "{number} {user}: {step}");
        }
        // Root never sees this of a file of his own.
        if ours != 0 {
            let step = next_step(&path, &io::Error::from_raw_os_error(13), ours);
            assert_eq!(step, format!("its owner may not read it: `chmod u+r {at}`"));
        }
    }

    #[test]
    fn what_is_missing_or_damaged_is_readable() {
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = ConfigDir::open(folder.path()).expect("dir");
        check(&dir).expect("nothing there");
        for file in DECISIVE {
            let path = dir.path_of(file);
            fs::write(&path, b"\xff{").expect("file");
            check(&dir).expect("that is for others to say");
            fs::remove_file(&path).expect("removed");
            fs::create_dir(&path).expect("folder");
            let told = check(&dir).expect_err("a folder").whole();
            let expected = format!(
                "{} is there but cannot be read: is a directory; ",
                path.display()
            );
            assert!(told.starts_with(&expected), "{told}");
            fs::remove_dir(&path).expect("removed");
        }
    }
}

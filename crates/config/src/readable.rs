//! Files that are there and whose bytes the system does not give. They are not known to be damaged, so nobody should mend what is in them; what to do
//! instead depends on whose they are and who runs this.

mod step;

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::dir::{ConfigDir, FileSpec};
use crate::error::ConfigError;
use step::Step;

/// They decide who may come in, what he may do, and what is served. Without one of these a server refuses users who are right, all of them or those
/// who log in in some way, or does not know what is served; that is better met by whoever starts it than by them.
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
    step: Step,
    pub source: io::Error,
}

impl Unreadable {
    /// The same in one line, with what the administrator can do.
    pub fn whole(&self) -> String {
        let step = self.step.text(&[&self.path]);
        format!("{self}: {}; {step}", self.source)
    }

    /// What an error of reading a file says about it; the error itself if it was read and there is something wrong in it.
    pub fn of(path: &Path, error: ConfigError) -> Result<Unreadable, ConfigError> {
        let source = match error {
            ConfigError::Io { source, .. } => source,
            ConfigError::NotAFile(_) if path.is_dir() => ErrorKind::IsADirectory.into(),
            ConfigError::Dangling { target, .. } => {
                let why = format!("it is a link to {}, which is not there", target.display());
                io::Error::new(ErrorKind::NotFound, why)
            }
            ConfigError::NotAFile(_) => io::Error::other("it is no ordinary file"),
            other => return Err(other),
        };
        Ok(Unreadable {
            path: path.to_owned(),
            step: Step::of(path, &source, rustix::process::geteuid().as_raw()),
            source,
        })
    }
}

/// All files that keep a server from starting, so that it does not take a start to learn of each.
#[derive(Debug)]
pub struct AllUnreadable(Vec<Unreadable>);

impl fmt::Display for AllUnreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [file] = &self.0[..] {
            return write!(out, "{file}");
        }
        write!(out, "{} files are there but cannot be read", self.0.len())?;
        for (number, file) in self.0.iter().enumerate() {
            let between = if number == 0 { ": " } else { ", " };
            write!(out, "{between}{} ({})", file.path.display(), file.source)?;
        }
        Ok(())
    }
}

impl Error for AllUnreadable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0[..] {
            [file] => file.source(),
            _ => None,
        }
    }
}

impl AllUnreadable {
    /// What the administrator can do: one step for all files that need the same.
    pub fn steps(&self) -> Vec<String> {
        let mut groups: Vec<(&Step, Vec<&Path>)> = Vec::new();
        for file in &self.0 {
            match groups.iter_mut().find(|(step, _)| **step == file.step) {
                Some((_, files)) => files.push(&file.path),
                None => groups.push((&file.step, vec![&file.path])),
            }
        }
        groups
            .iter()
            .map(|(step, files)| step.text(files))
            .collect()
    }
}

/// Looks whether the files without which a server does not start can be read, where they are there.
pub fn check(dir: &ConfigDir) -> Result<(), AllUnreadable> {
    let unreadable = |file| {
        let error = dir.read_bytes(file).err()?;
        Unreadable::of(&dir.path_of(file), error).ok()
    };
    let found: Vec<Unreadable> = DECISIVE.into_iter().filter_map(unreadable).collect();
    match found.is_empty() {
        true => Ok(()),
        false => Err(AllUnreadable(found)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// One line each, as a log has them.
    fn lines(found: &AllUnreadable) -> Vec<String> {
        found.0.iter().map(Unreadable::whole).collect()
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
            let told = lines(&check(&dir).expect_err("a folder")).concat();
            let expected = format!(
                "{} is there but cannot be read: is a directory; ",
                path.display()
            );
            assert!(told.starts_with(&expected), "{told}");
            fs::remove_dir(&path).expect("removed");
        }
    }

    /// Each start told one of them.
    #[test]
    fn all_are_told_at_once() {
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = ConfigDir::open(folder.path()).expect("dir");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("acl.cfg")).expect("folder");
        fs::create_dir(at("csrf.key")).expect("folder");
        std::os::unix::fs::symlink("tfa.json", at("tfa.json")).expect("link");
        std::os::unix::fs::symlink("/nowhere/x", at("shadow.json")).expect("link");
        let found = check(&dir).expect_err("four");
        let told = found.to_string();
        assert!(
            told.starts_with("4 files are there but cannot be read: "),
            "{told}"
        );
        for name in [
            "acl.cfg (is a directory)",
            "csrf.key (is a directory)",
            "tfa.json (Too many",
            "shadow.json (it is a link to /nowhere/x, which is not there)",
        ] {
            assert!(told.contains(&at(name).display().to_string()), "{told}");
        }
        let steps = found.steps();
        let circle = format!(
            "links lead in a circle: `namei -l {}` shows them",
            at("tfa.json").display()
        );
        // In the order in which they were found.
        let away = "move them away, and put the files back from a copy".to_owned();
        let link = "put back what the link leads to (its file system may not be mounted), or remove the link if the file shall be new".to_owned();
        assert_eq!(steps, [away, link, circle]);
    }
}

//! Whether the files of the configuration can be read, told once for each version of a file: a damaged one makes every request fail that needs it,
//! and only whoever looks at the server's log can mend it.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;

use crate::dir::{ConfigDir, FileSpec, Stamp};
use crate::error::ConfigError;
use crate::readable::Unreadable;
use crate::takeover;

/// All but keys and certificate, without which a server does not start.
const FILES: [FileSpec; 21] = [
    FileSpec::USER,
    FileSpec::SHADOW,
    FileSpec::TOKEN_SHADOW,
    FileSpec::TFA,
    FileSpec::TICKET_LIMITS,
    FileSpec::ACL,
    FileSpec::DOMAINS,
    FileSpec::LDAP_PASSWORDS,
    FileSpec::DATASTORE,
    FileSpec::NODE,
    FileSpec::PRUNE,
    FileSpec::SYNC,
    FileSpec::VERIFICATION,
    FileSpec::REMOTE,
    FileSpec::TRAFFIC_CONTROL,
    FileSpec::NOTIFICATIONS,
    FileSpec::NOTIFICATIONS_PRIV,
    FileSpec::METRIC_SERVER,
    FileSpec::S3,
    FileSpec::ENCRYPTION_KEYS,
    FileSpec::ACME_PLUGINS,
];

/// What was seen of each file.
#[derive(Debug, Default)]
pub struct Health(BTreeMap<&'static str, Seen>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    stamp: Stamp,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sound,
    Damaged,
    Unreadable,
}

/// What is new.
#[derive(Debug)]
pub enum Finding {
    /// What is in the file cannot be used, and why.
    Damaged(PathBuf, ConfigError),
    /// The file is there, and the system does not give it.
    Unreadable(Unreadable),
    /// It could not be, and can again.
    Mended(PathBuf),
}

/// The line of a log.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Damaged(path, error) => {
                let path = path.display();
                write!(
                    out,
                    "{path} is damaged, and whatever needs it fails until it is mended: {error}"
                )?;
                match error.source() {
                    Some(cause) => write!(out, ": {cause}"),
                    None => Ok(()),
                }
            }
            Finding::Unreadable(file) => {
                write!(out, "{}; until then whatever needs it fails", file.whole())
            }
            Finding::Mended(path) => write!(out, "{} is in order again", path.display()),
        }
    }
}

impl Health {
    /// Looks at the files that are not what they were at the last look.
    pub fn look(&mut self, dir: &ConfigDir) -> Vec<Finding> {
        let mut findings = Vec::new();
        for file in FILES {
            // The stamp first: what is replaced in between is seen by the next look. What cannot be looked at cannot be read either.
            let stamp = dir.stamp(file).unwrap_or_default();
            let before = self.0.get(file.name).copied();
            // What could not be read may be readable without any change of it: another mount, a disk that answers again.
            let is_known = |seen: Seen| seen.stamp == stamp && seen.state != State::Unreadable;
            if before.is_some_and(is_known) {
                continue;
            }
            let finding = match check(dir, file) {
                Ok(()) => None,
                Err(error) => Some(match Unreadable::of(&dir.path_of(file), error) {
                    Ok(unreadable) => Finding::Unreadable(unreadable),
                    Err(error) => Finding::Damaged(dir.path_of(file), error),
                }),
            };
            let state = match finding {
                None => State::Sound,
                Some(Finding::Unreadable(_)) => State::Unreadable,
                Some(_) => State::Damaged,
            };
            let now = Seen { stamp, state };
            match (before, finding) {
                (Some(seen), Some(_)) if seen == now => {}
                (_, Some(finding)) => findings.push(finding),
                (Some(seen), None) if seen.state != State::Sound => {
                    findings.push(Finding::Mended(dir.path_of(file)));
                }
                (_, None) => {}
            }
            self.0.insert(file.name, now);
        }
        findings
    }
}

fn check(dir: &ConfigDir, file: FileSpec) -> Result<(), ConfigError> {
    let Some(bytes) = dir.read_bytes(file)? else {
        return Ok(());
    };
    takeover::check(file.name, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_version_of_a_file_is_told_once() {
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = ConfigDir::open(folder.path()).expect("dir");
        let at = |name: &str| folder.path().join(name);
        let mut health = Health::default();
        assert_eq!(texts(&health.look(&dir)), [""; 0]);
        std::fs::write(at("user.cfg"), "user: a@pbs\n\tcomment\n").expect("file");
        std::fs::write(at("remote.cfg"), "# x\n").expect("file");
        std::fs::write(
            at("tfa.json"),
            "{\"users\":{\"a@pbs\":{\"secret-of-a\":1}}}",
        )
        .expect("file");
        let told = texts(&health.look(&dir));
        assert_eq!(told.len(), 3, "{told:#?}");
        let user = format!("{} is damaged, and ", at("user.cfg").display());
        assert!(told[0].starts_with(&user), "{told:#?}");
        assert!(told[0].contains("line 2 - "), "{told:#?}");
        assert!(
            told[1].contains("tfa.json") && !told[1].contains("secret-of-a"),
            "{told:#?}"
        );
        assert!(told[2].contains("remote.cfg"), "{told:#?}");
        assert_eq!(texts(&health.look(&dir)), [""; 0], "once");
        std::fs::write(at("user.cfg"), "user: ann@pbs\n").expect("file");
        std::fs::remove_file(at("remote.cfg")).expect("file");
        let mended = |name: &str| format!("{} is in order again", at(name).display());
        assert_eq!(
            texts(&health.look(&dir)),
            [mended("user.cfg"), mended("remote.cfg")]
        );
    }

    /// A file that may not be read was called damaged: whoever believed it would have written it anew.
    #[test]
    fn what_cannot_be_read_is_not_called_damaged() {
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = ConfigDir::open(folder.path()).expect("dir");
        let path = folder.path().join("remote.cfg");
        let mut health = Health::default();
        std::fs::create_dir(&path).expect("folder");
        let told = texts(&health.look(&dir));
        assert_eq!(told.len(), 1, "{told:#?}");
        for part in [
            &format!(
                "{} is there but cannot be read: is a directory; ",
                path.display()
            ),
            "move it away",
        ] {
            assert!(told[0].contains(part), "{told:#?}");
        }
        assert!(!told[0].contains("damaged"), "{told:#?}");
        assert_eq!(texts(&health.look(&dir)), [""; 0], "once");
        std::fs::remove_dir(&path).expect("removed");
        std::fs::write(&path, "# x\n").expect("file");
        let told = texts(&health.look(&dir));
        assert!(told[0].contains("remote.cfg is damaged, and "), "{told:#?}");
        std::fs::write(&path, "").expect("file");
        let told = texts(&health.look(&dir));
        assert!(told[0].ends_with("is in order again"), "{told:#?}");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let folder = tempfile::tempdir().expect("tempdir");
        let dir = ConfigDir::open(folder.path()).expect("dir");
        let path = folder.path().join("sync.cfg");
        let mut health = Health::default();
        // What was no file and is such a link has changed.
        assert_eq!(texts(&health.look(&dir)), [""; 0]);
        std::os::unix::fs::symlink("/nowhere/x", &path).expect("link");
        let told = texts(&health.look(&dir)).concat();
        let expected = format!(
            "{} is there but cannot be read: it is a link to /nowhere/x, which is not there; put back ",
            path.display()
        );
        assert!(told.starts_with(&expected), "{told}");
        assert_eq!(texts(&health.look(&dir)), [""; 0], "once");
    }

    /// A file that is checked by nobody would be called sound whatever is in it.
    #[test]
    fn every_file_is_known() {
        for file in FILES {
            assert!(
                takeover::check(file.name, b"\xff{").is_err(),
                "{}",
                file.name
            );
        }
    }
}

//! What to do about files that cannot be read: it depends on the reason, on whose they are and on who runs this. Files that need the same are named
//! together, so that one command mends them all.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::io::Errno;

use crate::owner::user_name;

/// Read permission of the owner; shifted, of the group and of all others.
const READ: u32 = 0o400;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// It belongs to another user.
    Give {
        owner: String,
        name: String,
    },
    /// Its owner runs this, and its mode does not let him.
    Open,
    /// Its mode would let whoever runs this.
    Guard,
    /// The user may not enter a folder on the way.
    Way {
        name: String,
    },
    NotEvenRoot,
    /// Something else stands in its place.
    Replace,
    /// A link leads nowhere.
    Link,
    NoFolder,
    Circle,
    TooManyOpen,
    NoMemory,
    Stale,
    Disk,
    Unknown,
}

impl Step {
    /// What user `user` can do, or root for him.
    pub fn of(path: &Path, cause: &io::Error, user: u32) -> Step {
        if cause.kind() == io::ErrorKind::IsADirectory || cause.kind() == io::ErrorKind::Other {
            return Step::Replace;
        }
        if cause.kind() == io::ErrorKind::NotFound {
            return Step::Link;
        }
        match Errno::from_io_error(cause) {
            Some(Errno::ACCESS | Errno::PERM) => Step::of_refusal(fs::metadata(path), user),
            // What a socket answers.
            Some(Errno::NXIO) => Step::Replace,
            Some(Errno::NOTDIR) => Step::NoFolder,
            Some(Errno::LOOP) => Step::Circle,
            Some(Errno::MFILE | Errno::NFILE) => Step::TooManyOpen,
            Some(Errno::NOMEM) => Step::NoMemory,
            Some(Errno::STALE) => Step::Stale,
            Some(Errno::IO | Errno::UCLEAN | Errno::BADMSG | Errno::REMOTEIO | Errno::NODEV) => {
                Step::Disk
            }
            _ => Step::Unknown,
        }
    }

    fn of_refusal(found: io::Result<Metadata>, user: u32) -> Step {
        if user == 0 {
            return Step::NotEvenRoot;
        }
        let name = user_name(user);
        match found {
            Err(_) => Step::Way { name },
            Ok(found) if lets(&found, user) => Step::Guard,
            Ok(found) if found.uid() == user => Step::Open,
            Ok(found) => Step::Give {
                owner: user_name(found.uid()),
                name,
            },
        }
    }

    /// The same for all of these files.
    pub fn text(&self, files: &[&Path]) -> String {
        let words: Vec<String> = files.iter().map(|path| word(path)).collect();
        let words = words.join(" ");
        let (it, belongs, its) = match files {
            [_] => ("it", "it belongs", "its"),
            _ => ("them", "they belong", "their"),
        };
        match self {
            Step::Give { owner, name } => format!(
                "{belongs} to user '{owner}' and the server runs as user '{name}': `chown {name} {words}` as root"
            ),
            Step::Open => format!("{its} owner may not read {it}: `chmod u+r {words}`"),
            Step::Guard => format!(
                "{its} mode lets the server read {it}, so something else does not, such as AppArmor, SELinux or an access list: `journalctl -k` and `getfacl {words}` \
                 tell more"
            ),
            Step::Way { name } => format!(
                "the server runs as user '{name}', who may not enter a folder on the way: `namei -l {words}` shows which"
            ),
            Step::NotEvenRoot => {
                "not even root may: look at the options of the mount, and at attributes (`lsattr`)"
                    .to_owned()
            }
            Step::Replace => {
                let files = if files.len() == 1 { "file" } else { "files" };
                format!("move {it} away, and put the {files} back from a copy")
            }
            Step::Link => match files {
                [_] => "put back what the link leads to (its file system may not be mounted), or remove the link if the file shall be new",
                _ => "put back what the links lead to (their file system may not be mounted), or remove the links if the files shall be new",
            }
            .to_owned(),
            Step::NoFolder => {
                format!(
                    "a file stands in place of a folder on the way: `namei -l {words}` shows it"
                )
            }
            Step::Circle => format!("links lead in a circle: `namei -l {words}` shows them"),
            Step::TooManyOpen => format!(
                "nothing is wrong with {it}, too many files are open: more are allowed by `LimitNOFILE` of the service, or `fs.file-max` of the system"
            ),
            Step::NoMemory => {
                format!("nothing is wrong with {it}, the system gives the server no more memory")
            }
            Step::Stale => "the network file system has lost it: mount it anew".to_owned(),
            Step::Disk => {
                "`dmesg` tells whether the disk fails; what is lost must come back from a copy"
                    .to_owned()
            }
            Step::Unknown => format!("`stat {words}` and `dmesg` may tell more"),
        }
    }
}

/// Whether the mode alone lets a user read it: this process's, if it is about groups.
fn lets(found: &Metadata, user: u32) -> bool {
    let group = || {
        let own = rustix::process::getegid().as_raw();
        let others = rustix::process::getgroups().unwrap_or_default();
        own == found.gid() || others.iter().any(|group| group.as_raw() == found.gid())
    };
    let needed = match found.uid() == user {
        true => READ,
        false if group() => READ >> 3,
        false => READ >> 6,
    };
    found.mode() & needed != 0
}

/// A path as a shell takes it.
fn word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,=".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_step_fits_the_reason() {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("user.cfg");
        fs::write(&path, "").expect("file");
        let close =
            |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
        let ours = fs::metadata(&path).expect("there").uid();
        let other = 4_000_000_000;
        let at = path.display();
        let gone = folder.path().join("gone");
        let give = format!(
            "it belongs to user '{}' and the server runs as user '{other}': `chown {other} {at}` as root",
            user_name(ours)
        );
        close(0o200);
        for (number, path, user, expected) in [
            (13, &path, 0, "not even root may"),
            (13, &path, other, give.as_str()),
            (
                13,
                &gone,
                other,
                "the server runs as user '4000000000', who",
            ),
            (21, &path, ours, "move it away, and put the file back"),
            (6, &path, ours, "move it away, and put the file back"),
            // None of these is a disk that fails.
            (20, &path, ours, "a file stands in place of a folder"),
            (40, &path, ours, "links lead in a circle: `namei -l "),
            (24, &path, ours, "nothing is wrong with it, too many files"),
            (23, &path, ours, "nothing is wrong with it, too many files"),
            (12, &path, ours, "nothing is wrong with it, the system"),
            (116, &path, ours, "the network file system"),
            (5, &path, ours, "`dmesg` tells"),
            (117, &path, ours, "`dmesg` tells"),
            (38, &path, ours, "`stat "),
        ] {
            let step = Step::of(path, &io::Error::from_raw_os_error(number), user);
            let text = step.text(&[path]);
            assert!(text.starts_with(expected), "{number} {user}: {text}");
        }
        // Root never sees these two of a file of his own.
        if ours != 0 {
            let refused = || Step::of(&path, &io::Error::from_raw_os_error(13), ours);
            let open = format!("its owner may not read it: `chmod u+r {at}`");
            assert_eq!(refused().text(&[&path]), open);
            close(0o400);
            assert_eq!(refused(), Step::Guard);
        }
        close(0o204);
        let others = Step::of(&path, &io::Error::from_raw_os_error(13), other);
        let may = !lets(&fs::metadata(&path).expect("there"), other);
        // In our group the others' permission counts for nothing.
        assert_eq!(others == Step::Guard, !may, "{others:?}");
    }

    #[test]
    fn files_that_need_the_same_stand_in_one_command() {
        let step = Step::Give {
            owner: "root".to_owned(),
            name: "backup".to_owned(),
        };
        let files = ["/e/user.cfg", "/my e/acl.cfg", "/it's/x"].map(Path::new);
        assert_eq!(
            step.text(&files),
            r"they belong to user 'root' and the server runs as user 'backup': `chown backup /e/user.cfg '/my e/acl.cfg' '/it'\''s/x'` as root"
        );
        assert!(
            Step::Open
                .text(&files)
                .starts_with("their owner may not read them: `chmod u+r /e")
        );
    }
}

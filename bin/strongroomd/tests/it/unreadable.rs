//! A start where files of the configuration are there and cannot be read. They were called damaged, and the server listened all the same and refused
//! everybody; a file in place of a folder was said to be a matter of rights.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use rustix::process::Signal;
use testkit::ordinary::{give, is_root};

use super::unwritable::{close, ordinary, told, used};
use super::{daemon, send, start};

#[test]
fn what_decides_about_access_must_be_readable() {
    let folder = used();
    let at = |name: &str| folder.path().join("etc").join(name);
    for name in ["user.cfg", "shadow.json", "datastore.cfg", "authkey.key"] {
        let path = at(name);
        let was = fs::read(&path).ok();
        if was.is_none() {
            fs::write(&path, "").expect("file");
        }
        if is_root() {
            give(folder.path());
        }
        close(&path, 0o000);
        let err = ordinary(folder.path()).map(told);
        let Some(err) = err else { return };
        let path = path.to_str().expect("text");
        for part in [
            &format!("cause: {path} is there but cannot be read\n"),
            "cause: Permission denied (os error 13)\n",
            &format!("hint: its owner may not read it: `chmod u+r {path}`\n"),
        ] {
            assert!(err.contains(part), "{part:?} in\n{err}");
        }
        assert!(
            !err.contains("damaged") && !err.contains("other folders"),
            "{err}"
        );
        if is_root() {
            // As an editor of root leaves it.
            chown(path, Some(0), Some(0)).expect("taken");
            let err = ordinary(folder.path()).map(told).expect("as before");
            let part = format!(
                "hint: it belongs to user '{}' and the server runs as user '",
                root()
            );
            assert!(err.contains(&part), "{part:?} in\n{err}");
            assert!(err.contains(&format!(" {path}` as root")), "{err}");
        }
        match was {
            Some(_) => close(&at(name), 0o600),
            None => fs::remove_file(at(name)).expect("removed"),
        }
        if is_root() {
            give(folder.path());
        }
    }
}

/// One start told one file, so that it took as many starts as there were files.
#[test]
fn all_files_are_named_in_one_command() {
    if !is_root() {
        return eprintln!("SKIPPED: files are given to others by root alone");
    }
    let folder = used();
    give(folder.path());
    let paths =
        ["user.cfg", "authkey.key", "csrf.key"].map(|name| folder.path().join("etc").join(name));
    for path in &paths {
        if !path.exists() {
            fs::write(path, "").expect("file");
        }
        close(path, 0o600);
        chown(path, Some(0), Some(0)).expect("taken");
    }
    let Some(err) = ordinary(folder.path()).map(told) else {
        return;
    };
    assert!(
        err.contains("cause: 3 files are there but cannot be read: "),
        "{err}"
    );
    let words = paths.map(|path| path.display().to_string()).join(" ");
    assert!(err.contains(&format!(" {words}` as root\n")), "{err}");
    assert_eq!(err.matches("hint: ").count(), 1, "{err}");
}

fn root() -> String {
    config::owner::user_name(0)
}

/// Not only rights keep a file from being read; root sees this too.
#[test]
fn a_folder_in_place_of_a_file_is_told() {
    let folder = used();
    for name in ["acl.cfg", "token.shadow", "domains.cfg"] {
        let path = folder.path().join("etc").join(name);
        fs::create_dir(&path).expect("folder");
        let err = told(daemon(folder.path(), &["--listen", "127.0.0.1:0"]));
        let line = format!(
            "cause: {} is there but cannot be read\ncause: is a directory\nhint: move it away",
            path.display()
        );
        assert!(err.contains(&line), "{line:?} in\n{err}");
        fs::remove_dir(&path).expect("removed");
    }
    // What does not decide about access keeps nobody from starting.
    fs::create_dir(folder.path().join("etc/remote.cfg")).expect("folder");
    let (mut child, _) = start(folder.path());
    send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

#[test]
fn a_file_in_place_of_a_folder_is_told() {
    let folder = used();
    for name in ["etc", "state"] {
        let path = folder.path().join(name);
        let aside = folder.path().join("aside");
        fs::rename(&path, &aside).expect("aside");
        fs::write(&path, "").expect("file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("mode");
        let option = if name == "etc" {
            "--config-dir"
        } else {
            "--state-dir"
        };
        let err = told(daemon(folder.path(), &["--listen", "127.0.0.1:0"]));
        let expected = format!(
            "error: the server does not start\ncause: {} is not a directory\nhint: give a folder with {option}, or move away what stands there\n",
            path.display()
        );
        assert_eq!(err, expected);
        fs::remove_file(&path).expect("removed");
        fs::rename(&aside, &path).expect("back");
    }
}

//! Root administers a server that runs as another user: whatever a command makes must be that user's. One `user create` by root took `user.cfg`
//! from the server's user once, and the server answered 401 to everybody.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{House, program_for, text_of};

/// Some user who is not root.
const OTHER: u32 = 54321;

/// A house whose folders are the other user's; none, said aloud, where this is not root.
fn his_house() -> Option<House> {
    let house = House::new();
    for name in ["etc", "state"] {
        fs::create_dir(house.path(name)).expect("folder");
        if chown(house.path(name), Some(OTHER), Some(OTHER)).is_err() {
            eprintln!("skipped: only root can give a folder to another user");
            return None;
        }
    }
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(house.0.path(), mode).expect("mode");
    Some(house)
}

/// What of a tree is not his.
fn not_his(path: &Path, found: &mut Vec<PathBuf>) {
    let metadata = fs::symlink_metadata(path).expect("there");
    if (metadata.uid(), metadata.gid()) != (OTHER, OTHER) {
        found.push(path.to_owned());
    }
    if metadata.is_dir() {
        for entry in fs::read_dir(path).expect("folder") {
            not_his(&entry.expect("entry").path(), found);
        }
    }
}

#[track_caller]
fn all_his(house: &House, names: &[&str]) {
    let mut found = Vec::new();
    for name in names {
        not_his(&house.path(name), &mut found);
    }
    found.truncate(20);
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn what_root_makes_is_the_servers() {
    let Some(house) = his_house() else { return };
    let store = text_of(&house.path("tank"));
    house.ok(&["user", "create", "anna@pbs"]);
    house.ok(&["user", "generate-token", "anna@pbs", "t1"]);
    house.ok(&["acl", "update", "/", "Audit", "--auth-id", "anna@pbs"]);
    house.ok(&["datastore", "create", "tank", &store]);
    house.ok(&[
        "prune-job",
        "create",
        "p-one",
        "--store",
        "tank",
        "--schedule",
        "daily",
        "--keep-last",
        "1",
    ]);
    house.ok(&["prune-job", "run", "p-one"]);
    house.ok(&["garbage-collection", "start", "tank"]);
    house.ok(&["verify", "tank"]);
    all_his(&house, &["etc", "state", "tank"]);
    assert!(house.path("state/locks").is_dir() || house.path("state/log/tasks").is_dir());
    let mode = |name: &str| fs::metadata(house.path(name)).expect(name).mode() & 0o777;
    assert_eq!((mode("etc/user.cfg"), mode("tank")), (0o640, 0o755));

    // And he can go on with it himself.
    let Some(program) = program_for(OTHER) else {
        return;
    };
    let mut his = Command::new(program);
    his.env_clear().uid(OTHER).gid(OTHER).current_dir("/");
    his.args(["user", "create", "bob@pbs", "--config-dir"])
        .arg(house.path("etc"));
    his.arg("--state-dir").arg(house.path("state"));
    let said = crate::said(his.output().expect("the other user can run the program"));
    assert_eq!((said.err.as_str(), said.code), ("", Some(0)));
}

#[test]
fn a_new_stores_old_folder_becomes_the_servers_unless_it_is_somebodys() {
    let Some(house) = his_house() else { return };
    for (name, before, after) in [("roots", 0, OTHER), ("somebodys", 54322, 54322)] {
        let path = house.path(name);
        fs::create_dir(&path).expect("folder");
        chown(&path, Some(before), Some(before)).expect("owner");
        house.ok(&["datastore", "create", name, &text_of(&path)]);
        for below in ["", ".chunks", ".chunks/0000", ".chunks/ffff", ".lock"] {
            let found = fs::metadata(path.join(below)).expect("there");
            assert_eq!((found.uid(), found.gid()), (after, after), "{name} {below}");
        }
    }
}

#[test]
fn what_is_imported_is_the_servers() {
    let Some(house) = his_house() else { return };
    let old = house.path("old");
    for (name, text) in [
        ("user.cfg", "user: ann@pbs\n"),
        (
            "acme/accounts/default",
            "{\"location\": \"https://192.0.2.1/1\"}",
        ),
        ("jobstates/prunejob-nightly.json", "{}"),
    ] {
        let path = old.join(name);
        fs::create_dir_all(path.parent().expect("below")).expect("folder");
        fs::write(path, text).expect("file");
    }
    let state = house.path("old-state");
    fs::create_dir(&state).expect("folder");
    fs::rename(old.join("jobstates"), state.join("jobstates")).expect("moved");
    // Into an empty folder, over another one, and where there is only the state folder to tell whose it is.
    for overwrite in [false, true, false] {
        let mut words = vec!["import".to_owned(), text_of(&old)];
        words.extend(["--state".to_owned(), text_of(&state)]);
        words.extend(overwrite.then(|| "--overwrite".to_owned()));
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        house.ok(&words);
        all_his(&house, &["etc", "state"]);
        if overwrite {
            fs::remove_dir_all(house.path("etc")).expect("gone");
        }
    }
}

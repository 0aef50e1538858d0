//! Folders of a server that this user may not write, or not even read: what can be done is done, and a refusal says what to do. `user list` was
//! refused where the configuration may only be read, and no refusal said a next step.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use config::{ConfigDir, identity};
use testkit::ordinary::{ORDINARY, give, is_root};

use super::{House, Said, program_for, said};

/// None, said aloud, where an ordinary user cannot run the program.
fn ordinary(house: &House, words: &[&str]) -> Option<Command> {
    if !is_root() {
        return Some(house.command(words));
    }
    let mut command = house.command_of(program_for(ORDINARY)?, words);
    command.uid(ORDINARY).gid(ORDINARY).current_dir("/");
    Some(command)
}

fn run(mut command: Command) -> Said {
    said(command.output().expect("program runs"))
}

#[test]
fn refusals_name_the_place_and_the_next_step() {
    let house = House::new();
    house.ok(&["user", "create", "ann@pbs", "--password", "long enough"]);
    let dir = ConfigDir::open(&house.path("etc")).expect("dir");
    identity::load_or_create(&dir, "vault", 1_800_000_000).expect("identity");
    let store = house.path("store");
    let store = store.to_str().expect("text");
    house.ok(&["datastore", "create", "vault", store]);
    if is_root() {
        give(house.0.path());
    }
    let (etc, state) = (house.path("etc"), house.path("state"));
    let user = &["user", "create", "bob@pbs", "--password", "long enough"][..];
    let collect = &["garbage-collection", "start", "vault"][..];
    let rights = &["acl", "update", "/", "Audit", "--auth-id", "ann@pbs"][..];
    let list = &["user", "list"][..];
    for (closed, mode, words, refused) in [
        (&etc, 0o500, list, None),
        (&etc, 0o500, &["datastore", "list"], None),
        (&etc, 0o500, &["acl", "list"], None),
        (
            &etc,
            0o500,
            user,
            Some("cannot create a temporary file for "),
        ),
        (&etc, 0o500, rights, Some("cannot open the lock ")),
        (&etc, 0o000, list, Some("cannot look at ")),
        (&etc, 0o000, user, Some("cannot open ")),
        (&state, 0o500, list, None),
        (&state, 0o500, rights, None),
        (&state, 0o000, list, None),
        (&state, 0o000, collect, Some("cannot ")),
        (&state, 0o000, &["task", "list"], Some("cannot read ")),
        (
            &house.path("store"),
            0o000,
            collect,
            Some("cannot look at "),
        ),
    ] {
        let before = closed.metadata().expect("there").mode();
        fs::set_permissions(closed, Permissions::from_mode(mode)).expect("mode");
        let said = ordinary(&house, words).map(run);
        fs::set_permissions(closed, Permissions::from_mode(before)).expect("mode");
        let Some(said) = said else { return };
        let what = format!(
            "{} {mode:o} {words:?}\n{}{}",
            closed.display(),
            said.out,
            said.err
        );
        assert!(!said.err.contains("panicked"), "{what}");
        let Some(refused) = refused else {
            assert_eq!(said.code, Some(0), "{what}");
            continue;
        };
        assert_eq!(said.code, Some(255), "{what}");
        for part in [
            refused,
            closed.to_str().expect("text"),
            "Permission denied",
            "hint: run this as the user whom it belongs to or as root",
        ] {
            assert!(said.err.contains(part), "{part:?} in {what}");
        }
    }
}

/// The path of a file was created as a folder, or not looked at.
#[test]
fn a_file_is_no_folder() {
    let house = House::new();
    for (name, option) in [("etc", "--config-dir"), ("state", "--state-dir")] {
        let path = house.path(name);
        fs::write(&path, "").expect("file");
        let said = house.run(&["user", "list"]);
        let path = path.to_str().expect("text");
        assert_eq!(said.code, Some(255), "{}", said.err);
        for part in [
            &format!("Error: {path} is not a directory\n"),
            &format!("hint: give a folder with {option}, or "),
        ] {
            assert!(said.err.contains(part), "{part:?} in {}", said.err);
        }
        fs::remove_file(path).expect("removed");
    }
}

/// What is there and cannot be read is not damaged, and how to mend that is said.
#[test]
fn files_that_cannot_be_read_are_told() {
    let house = House::new();
    house.ok(&["user", "create", "ann@pbs", "--password", "long enough"]);
    let path = house.path("etc").join("user.cfg");
    let place = path.to_str().expect("text");
    if is_root() {
        give(house.0.path());
    }
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("mode");
    if let Some(said) = ordinary(&house, &["user", "list"]).map(run) {
        for part in [
            &format!("Error: cannot open {place}\n"),
            "Permission denied",
            "hint: run this as the user whom it belongs to or as root",
        ] {
            assert!(said.err.contains(part), "{part:?} in {}", said.err);
        }
    }
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("folder");
    let said = house.run(&["user", "list"]);
    let told = format!("Error: {place} is not a regular file; remove it, or put the file back");
    assert!(said.err.contains(&told), "{}", said.err);
}

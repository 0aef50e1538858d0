//! Folders of a server that this user may not write, or not even read: what can be done is done, and a refusal says what to do. `user list` was
//! refused where the configuration may only be read, and no refusal said a next step.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use config::{ConfigDir, identity};

use super::{House, Said, program_for, said};

/// Root writes everywhere, so he runs the program as this user.
const ORDINARY: u32 = 65534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn give(path: &Path) {
    chown(path, Some(ORDINARY), Some(ORDINARY)).expect("given away");
    if path.symlink_metadata().expect("there").is_dir() {
        for entry in fs::read_dir(path).expect("list") {
            give(&entry.expect("entry").path());
        }
    }
}

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

//! What shells and manuals get: completion, scripts, pages, and the whole synopsis.

use std::process::{Command, Stdio};

use crate::House;

fn candidates(house: &House, line: &str) -> String {
    let etc = house.path("etc");
    // The folders stand in the line, so that names are looked up in them.
    let line = line.replace("ETC", etc.to_str().expect("text"));
    let line = line.replace("STATE", house.path("state").to_str().expect("text"));
    let output = Command::new(env!("CARGO_BIN_EXE_strongroom-manager"))
        .env_clear()
        .env("COMP_LINE", &line)
        .env("HOME", house.path("home"))
        .args(["bashcomplete", "strongroom-manager", "x", "y"])
        .stdin(Stdio::null())
        .output()
        .expect("program runs");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..]),
        "{line}"
    );
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().collect::<Vec<_>>().join(" ")
}

#[test]
fn candidates_of_words_and_names() {
    let house = House::new();
    for user in ["ann@pbs", "bob@pbs"] {
        house.ok(&["user", "create", user]);
    }
    for (line, expected) in [
        ("strongroom-manager garb", "garbage-collection"),
        ("strongroom-manager prune-job r", "remove run"),
        (
            "strongroom-manager user list --output-format ",
            "text json json-pretty",
        ),
        (
            "strongroom-manager user update --config-dir ETC --state-dir STATE a",
            "ann@pbs",
        ),
        (
            "strongroom-manager user remove --config-dir ETC --state-dir STATE ",
            "ann@pbs bob@pbs root@pam",
        ),
        (
            "strongroom-manager acl update --config-dir ETC --state-dir STATE / Audit --auth-id b",
            "bob@pbs",
        ),
        (
            "strongroom-manager acl update / Data",
            "DatastoreAdmin DatastoreReader DatastoreBackup DatastorePowerUser DatastoreAudit",
        ),
        ("strongroom-manager completion f", "fish"),
        ("strongroom-manager nosuch ", ""),
    ] {
        let mut found: Vec<String> = candidates(&house, line)
            .split(' ')
            .map(str::to_owned)
            .collect();
        let mut expected: Vec<&str> = expected.split(' ').collect();
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn pages_scripts_and_synopsis() {
    let house = House::new();
    let pages = house.path("pages");
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_strongroom-manager"))
            .args(words)
            .output()
            .expect("program runs");
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    std::fs::create_dir(&pages).expect("folder");
    run(&["man", pages.to_str().expect("text")]);
    let page =
        std::fs::read_to_string(pages.join("strongroom-manager-prune-job-create.1")).expect("page");
    assert!(page.contains("keep\\-last"), "{page}");
    assert!(
        run(&["completion", "bash"])
            .contains("complete -C 'strongroom-manager bashcomplete' strongroom-manager")
    );
    let synopsis = run(&["printdoc"]);
    assert!(
        synopsis.contains("strongroom-manager user tfa")
            || synopsis.contains("strongroom-manager user create\n"),
        "{synopsis}"
    );
}

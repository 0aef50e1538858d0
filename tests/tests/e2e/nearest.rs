//! What is named and is not there: the error says what is near, and which command lists what there is.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::house::{House, Said, USER};

/// Names that are not there: which are near, and what lists them.
#[test]
fn names_that_are_not_there() {
    let house = House::new();
    fs::write(house.path("a.conf"), "a").expect("file");
    let backup = |id: &str, time: &str, more: &[&str]| {
        let mut words = vec!["backup", "a.conf:a.conf", "--backup-id", id];
        words.extend(["--backup-time", time]);
        words.extend(more);
        house.client(&words).ok();
    };
    for time in ["1767578400", "1767664800", "1767751200", "1767837600"] {
        backup("alpha", time, &[]);
    }
    backup("beta", "1767578400", &[]);
    house.client(&["namespace", "create", "offsite"]).ok();
    backup("gamma", "1767578400", &["--ns", "offsite"]);

    let missing = "host/alpha/2026-01-06T03:00:00Z";
    let text = format!("Error: snapshot {missing} does not exist.");
    let near = "hint: the nearest of 4 there: host/alpha/2026-01-05T02:00:00Z, host/alpha/2026-01-06T02:00:00Z, \
                host/alpha/2026-01-07T02:00:00Z; `strongroom snapshot list host/alpha` lists all";
    for words in [
        &["restore", missing, "a.conf", "-"][..],
        &["mount", missing, "a.pxar", "point"],
        &["map", missing, "a.img"],
        &["nbd", missing, "a.img"],
        &["catalog", "dump", missing],
        &["catalog", "shell", missing, "a.pxar"],
        &["files", missing],
        &["forget", missing],
        &["upload-log", missing, "a.conf"],
        &["snapshot", "notes", "show", missing],
        &["snapshot", "notes", "update", missing, "text"],
        &["snapshot", "protected", "show", missing],
        &["snapshot", "protected", "update", missing, "true"],
        &["file-restore", "list", missing, "/"],
        &["debug", "diff", "archive", missing, missing, "a.pxar"],
    ] {
        if words[0] == "mount" {
            fs::create_dir_all(house.path("point")).expect("folder");
        }
        house.client(words).refused(&[&text, near]);
    }
    // Callers that read data get no hint among it.
    let words = [
        "file-restore",
        "list",
        missing,
        "/",
        "--output-format",
        "json",
    ];
    let said = house.client(&words).ok();
    assert_eq!(
        said.out,
        format!("{{\"code\":400,\"message\":\"snapshot {missing} does not exist.\"}}\n")
    );

    let no_group = "hint: did you mean host/alpha? `strongroom snapshot list`";
    let other =
        "`strongroom snapshot list` shows what there is; is it in another namespace (--ns)?";
    let no_place = "hint: did you mean offsite? `strongroom namespace list`";
    let short = "Error: manifest does not contain file 'b.conf.blob'";
    let archives = "hint: the snapshot has: a.conf; `strongroom snapshot files` lists them";
    for (words, first, hint) in [
        (
            &["restore", "host/alhpa", "a.conf", "-"][..],
            "Error: backup group host/alhpa does not contain any snapshots.",
            no_group,
        ),
        (
            &["restore", "host/gamma", "a.conf", "-"],
            "host/gamma",
            other,
        ),
        (
            &["prune", "host/alhpa"],
            "Error: group host/alhpa does not exist.",
            no_group,
        ),
        (
            &["change-owner", "host/alhpa", USER],
            "host/alhpa",
            no_group,
        ),
        (
            &["group", "move", "host/alhpa", "--target-ns", "offsite"],
            "host/alhpa",
            no_group,
        ),
        (
            &["list", "--ns", "ofsite"],
            "Error: namespace not found",
            no_place,
        ),
        (
            &["snapshots", "--ns", "ofsite"],
            "Error: namespace not found",
            no_place,
        ),
        (
            &["restore", "host/gamma", "a.conf", "-", "--ns", "ofsite"],
            "Error: namespace not found",
            no_place,
        ),
        (
            &["files", missing, "--ns", "nothing"],
            "does not exist.",
            "`strongroom namespace list`",
        ),
        (&["restore", "host/alpha", "b.conf", "-"], short, archives),
        (&["map", "host/alpha", "b.img"], "b.img", archives),
        (
            &[
                "file-restore",
                "list",
                "host/beta/2026-01-05T02:00:00Z",
                "/b.pxar.didx",
            ],
            "Error: manifest does not contain file 'b.pxar.didx'",
            archives,
        ),
    ] {
        house.client(words).refused(&[first, hint]);
    }

    let mut command = house.client_command(&["group", "forget", "host/alhpa"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"y\n").expect("an answer");
    drop(input);
    Said::from(child.wait_with_output().expect("ends"))
        .refused(&["Error: Unable to find backup group!", no_group]);
    // One that is not there needs no removal.
    house.client(&["namespace", "delete", "nothing"]).ok();
}

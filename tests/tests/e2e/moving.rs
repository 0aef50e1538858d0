//! `group move` and `namespace move` of the client: what is told, what is refused, and that what was moved is restored from its new place.

use std::fs;

use crate::house::House;

const FIRST: &str = "host/box/2026-01-05T02:00:00Z";

fn backed_up(house: &House, id: &str, time: &str, content: &str) {
    fs::write(house.path("app.conf"), content).expect("file");
    let words = ["backup", "app.conf:app.conf", "--backup-id", id];
    let words = [&words[..], &["--backup-time", time]].concat();
    house.client(&words).ok();
}

fn restored(house: &House, snapshot: &str, ns: &str) -> String {
    let words = ["restore", snapshot, "app.conf", "-", "--ns", ns];
    house.client(&words).ok().out
}

#[test]
fn groups_and_namespaces_move() {
    let house = House::new();
    backed_up(&house, "box", "1767578400", "one");
    backed_up(&house, "other", "1767578400", "other");
    house.client(&["namespace", "create", "a"]).ok();
    house.client(&["namespace", "create", "a/b"]).ok();

    let said = house
        .client(&["group", "move", "host/box", "--target-ns", "a"])
        .ok();
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(lines[0], "moving group 'host/box' from '' to 'a'");
    assert_eq!(lines.last(), Some(&"TASK OK"));
    assert_eq!(restored(&house, FIRST, "a"), "one");
    house
        .client(&["restore", FIRST, "app.conf", "-"])
        .refused(&["host/box"]);

    // A newer snapshot joins the group that is there, unless that is not wanted.
    backed_up(&house, "box", "1767664800", "two");
    let again = ["gr", "mo", "--target-ns=a", "host/box"];
    house
        .client(&[&again[..], &["--merge-group", "no"]].concat())
        .refused(&["task failed (status group host/box exists in namespace 'a'"]);
    house.client(&again).ok();
    assert_eq!(restored(&house, "host/box", "a"), "two");
    assert_eq!(restored(&house, FIRST, "a"), "one");

    for (words, said) in [
        (vec!["host/none", "--target-ns", "a"], "does not exist"),
        (vec!["host/other", "--target-ns", "nowhere"], "'nowhere'"),
        (vec!["host/other", "--target-ns", ""], "already"),
        (vec!["host/other"], "parameter is missing"),
    ] {
        house
            .client(&[&["group", "move"][..], &words].concat())
            .refused(&[said]);
    }

    // The text form waits for the task, JSON is its id alone.
    let words = ["group", "move", "host/other", "--target-ns", "a/b"];
    let said = house.client(&[&words[..], &["--output-format", "json"]].concat());
    let upid = said.ok().json();
    let upid = upid.as_str().expect("an id");
    assert!(
        upid.starts_with("UPID:") && upid.contains(":move-group:"),
        "{upid}"
    );
    house.client(&["task", "log", upid]).ok();

    house
        .client(&["namespace", "move", "a", "--target-ns", "a/b"])
        .refused(&["cannot be moved into itself"]);
    let said = house
        .client(&["namespace", "move", "a", "--target-ns", "archive"])
        .ok();
    assert!(
        said.out.starts_with("move namespace 'a' to 'archive'\n"),
        "{}",
        said.out
    );
    assert!(said.out.ends_with("TASK OK\n"), "{}", said.out);
    let list = house.client(&["namespace", "list"]).ok();
    assert_eq!(list.out, "archive\narchive/b\n");
    assert_eq!(restored(&house, FIRST, "archive"), "one");
    assert_eq!(restored(&house, "host/other", "archive/b"), "other");
}

//! What the client prints on the original's datastore, compared with what the original's client printed, to the byte.
//!
//! A capture is `$ command`, both streams, `rc N`. Left out are those that hold times, speeds or free space.

use std::fs;

use crate::house::{House, fixtures};
use crate::takeover::installation;

/// File in `cli/`, and the words behind the program's name where they differ from the capture's (key files lie elsewhere).
const SAME: [&str; 22] = [
    "list.txt",
    "snapshot-list.txt",
    "snapshot-list-group.txt",
    "snapshot-files.txt",
    "namespace-list.txt",
    "namespace-list-json.txt",
    "namespace-create-a.txt",
    "namespace-create-b.txt",
    "catalog-dump-plain.txt",
    "catalog-dump-enc.txt",
    "catalog-dump-enc-nokey.txt",
    "notes-update.txt",
    "notes-show.txt",
    "protected-update.txt",
    "protected-show.txt",
    "protected-off.txt",
    "restore-conf.txt",
    "restore-enc-nokey.txt",
    "restore-index.txt",
    "restore-index-enc.txt",
    "restore-index-signed-nokey.txt",
    "restore-missing.txt",
];

#[test]
fn output_is_the_originals() {
    let Some(fixtures) = fixtures() else { return };
    let Some((house, repository)) = installation() else {
        return;
    };
    fs::copy(fixtures.join("keys/none.json"), house.path("none.json")).expect("key");
    // The release that the captures are of hid groups without snapshots; later ones and we show them.
    fs::remove_dir_all(house.path("peer/host/fail")).expect("the empty group");
    let json = |words: &[&str]| {
        let mut words = words.to_vec();
        words.extend(["--repository", &repository]);
        house.client(&words).ok().json()
    };
    for (id, name) in [
        ("plain/2023-11-14T22:13:20Z", "plain"),
        ("enc/2023-11-14T22:15:00Z", "enc"),
        ("signed/2023-11-14T22:16:40Z", "signed"),
        ("small/2023-11-14T22:21:40Z", "small"),
    ] {
        let text = fs::read_to_string(fixtures.join(format!("cli/snapshot-files-{name}.json")));
        let mut expected: serde_json::Value =
            serde_json::from_str(&text.expect("capture")).expect("JSON");
        let mut found = json(&[
            "files",
            &format!("host/{id}"),
            "--output-format",
            "json-pretty",
        ]);
        // The order is that of a folder on the original's disk.
        for list in [&mut expected, &mut found] {
            let list = list.as_array_mut().expect("a list");
            list.sort_by_key(|file| file["filename"].as_str().map(str::to_string));
        }
        assert_eq!(found, expected, "{name}");
    }

    let mut differ = Vec::new();
    for name in SAME {
        let text = fs::read_to_string(fixtures.join("cli").join(name)).expect("capture");
        let (command, expected) = text.split_once('\n').expect("a command line");
        let words = words(command);
        let found = run(&house, &repository, &words);
        // Our hints are ours; the original has none.
        let found: String = found
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("hint: "))
            .collect();
        if found != expected {
            differ.push(format!("=== {name}\n{found}=== expected\n{expected}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// The words behind the program's name; the notes are two words and one argument.
fn words(command: &str) -> Vec<String> {
    let command = command
        .strip_prefix("$ proxmox-backup-client ")
        .expect("a client's command");
    match command.strip_suffix(" a note") {
        Some(rest) => rest
            .split(' ')
            .map(str::to_string)
            .chain(["a note".to_string()])
            .collect(),
        None => command.split(' ').map(str::to_string).collect(),
    }
}

/// Standard output, then standard error, then `rc N`: no capture above has both.
fn run(house: &House, repository: &str, words: &[String]) -> String {
    let mut all: Vec<&str> = words.iter().map(String::as_str).collect();
    all.extend(["--repository", repository]);
    let said = house.client(&all);
    let streams = match words[0].as_str() {
        // Where the key comes from is said before the data.
        "restore" => format!("{}{}", said.err, said.out),
        _ => format!("{}{}", said.out, said.err),
    };
    format!("{streams}rc {}\n", said.code.unwrap_or(-1))
}

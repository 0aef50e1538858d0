//! The command tree against the specification's table (`tests/commands.txt`), both ways.

use clap::CommandFactory;
use console::describe::table::{Says, differences};
use console::describe::{Leaf, leaves};

use super::Command;

#[test]
fn every_command_takes_what_the_specification_says() {
    let expected = include_str!("../../tests/commands.txt");
    let differ = differences(
        Says::Everything,
        expected,
        &leaves(&Command::command()),
        |_| false,
    );
    assert!(differ.is_empty(), "\n{differ}");
}

/// Commands without `--output-format`, and what they give instead of data.
const WITHOUT_JSON: [(&str, &str); 28] = [
    ("backup", "tells by --progress json"),
    ("restore", "tells by --progress json"),
    ("catalog shell", "is for people, its data are files"),
    ("change-owner", ""),
    ("completion", "a script"),
    (
        "debug api usage",
        "help for people; the description of the API is JSON",
    ),
    ("debug recover index", "a file"),
    ("file-restore extract", "files"),
    ("file-restore stop", ""),
    ("group forget", "asks, then one word"),
    ("key change-passphrase", ""),
    ("key create", ""),
    ("key create-master-key", "files"),
    ("key import-master-pubkey", ""),
    ("key import-with-master-key", ""),
    ("login", ""),
    ("logout", ""),
    ("man", "pages"),
    ("map", "a device"),
    ("mount", "a mount"),
    ("namespace create", ""),
    ("namespace delete", ""),
    ("nbd", "its address, alone in a line"),
    ("snapshot forget", ""),
    ("snapshot notes update", ""),
    ("snapshot protected update", ""),
    ("snapshot upload-log", "is JSON as it is"),
    ("task stop", ""),
];

/// Whoever prints data prints it as JSON too, and long work tells its progress.
#[test]
fn every_command_with_data_has_json() {
    let has = |leaf: &Leaf, name: &str| leaf.parameters.iter().any(|each| each.name == name);
    for leaf in leaves(&Command::command()) {
        let words = leaf.path.join(" ");
        let reason = WITHOUT_JSON.iter().find(|(name, _)| *name == words);
        match reason {
            None => assert!(has(&leaf, "output-format"), "{words}"),
            Some((_, reason)) => {
                assert!(!has(&leaf, "output-format"), "{words} is in the list");
                let progress = reason.contains("--progress");
                assert_eq!(has(&leaf, "progress"), progress, "{words}");
            }
        }
    }
}

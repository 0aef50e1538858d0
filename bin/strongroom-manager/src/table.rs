//! The commands against the specification's table (`tests/commands.txt`) and the rows against the API, both ways.

use std::path::PathBuf;

use console::describe::leaves;
use console::describe::table::{Says, differences};

use crate::{rows, tree};

/// Commands whose routes this build does not have yet, by their first words.
fn pending(words: &str) -> bool {
    let of_rows = rows::all().any(|row| row.words == words);
    of_rows && rows::find(words).is_none()
}

#[test]
fn every_command_takes_what_the_specification_says() {
    let missing: Vec<&str> = rows::all()
        .map(|row| row.words)
        .filter(|words| pending(words))
        .collect();
    println!(
        "{} commands wait for their routes: {}",
        missing.len(),
        missing.join(", ")
    );
    let expected = include_str!("../tests/commands.txt");
    let differ = differences(Says::WhatMatters, expected, &leaves(&tree::tree()), pending);
    assert!(differ.is_empty(), "\n{differ}");
}

/// What the original does not have.
const OURS: [&str; 2] = ["datastore usage", "datastore count-usage"];

/// A row whose path is misspelt would wait for ever.
#[test]
fn every_row_is_one_of_the_api() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let fixtures = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    let path = fixtures.join("../spec/api-4.2.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no description of the API at {}", path.display());
        return;
    };
    let known: Vec<(String, String)> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a row is JSON"))
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            (text("method"), text("path"))
        })
        .collect();
    for row in rows::all() {
        let wanted = (row.verb.to_string(), format!("/{}", row.path));
        let ours = OURS.contains(&row.words);
        assert!(known.contains(&wanted) != ours, "{}: {wanted:?}", row.words);
    }
}

/// Words of a row stand once.
#[test]
fn no_command_stands_twice() {
    let mut words: Vec<&str> = rows::all().map(|row| row.words).collect();
    words.sort_unstable();
    let before = words.len();
    words.dedup();
    assert_eq!(words.len(), before);
}

/// Help once told of every command what its shared options are, and not what it does.
#[test]
fn every_row_says_in_help_what_it_does() {
    let root = tree::tree();
    for row in rows::present().filter(|row| !tree::is_by_hand(row.words)) {
        let mut words = row.words.split(' ');
        let leaf = words.try_fold(&root, |at, word| at.find_subcommand(word));
        let about = leaf
            .and_then(clap::Command::get_about)
            .map(ToString::to_string);
        assert_eq!(about.as_deref(), Some(row.about), "{}", row.words);
        assert!(!row.about.is_empty(), "{}", row.words);
    }
}

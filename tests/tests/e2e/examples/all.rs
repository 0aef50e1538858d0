//! No example of the client's programs is forgotten: the specification's list against ours.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::house::{fixtures, workspace};

/// Programs whose examples belong to the client.
const PROGRAMS: [&str; 4] = [
    "proxmox-backup-client ",
    "`pxar ",
    "proxmox-backup-debug ",
    "proxmox-file-restore ",
];

/// First and last number, file of the tests, and the function that runs them.
const RUN_BY: [(u32, u32, &str, &str); 13] = [
    (
        1,
        12,
        "examples/snapshots.rs",
        "backups_and_what_is_told_about_them",
    ),
    (10, 14, "examples/snapshots.rs", "restores"),
    (15, 17, "examples/snapshots.rs", "records"),
    (18, 18, "examples.rs", "namespaces_groups_and_owners"),
    (19, 23, "examples/snapshots.rs", "records"),
    (24, 25, "examples.rs", "keys"),
    (26, 26, "examples/tools.rs", "change_detection"),
    (
        27,
        29,
        "examples.rs",
        "wrong_lines_and_other_ways_to_name_the_place",
    ),
    (30, 30, "examples.rs", "namespaces_groups_and_owners"),
    (31, 31, "examples/tools.rs", "single_files"),
    (32, 34, "examples/tools.rs", "archives_and_inspections"),
    (45, 45, "examples/tools.rs", "a_rate_is_held"),
    (46, 46, "examples/ways.rs", "named_pipes_are_image_sources"),
];

/// The programs that each example of the list calls.
fn examples(text: &str) -> BTreeMap<u32, String> {
    let mut examples: BTreeMap<u32, String> = BTreeMap::new();
    let mut current = None;
    let section = text
        .split("\n## ")
        .find(|part| part.starts_with("6. Example"));
    for line in section.expect("section 6").lines() {
        if let Some(number) = line
            .strip_prefix("**E")
            .and_then(|rest| rest.split_once("**"))
        {
            current = Some(number.0.parse().expect("a number"));
        }
        if let Some(number) = current {
            *examples.entry(number).or_default() += line;
        }
    }
    examples
}

#[test]
fn every_example_of_the_client_is_run() {
    let Some(fixtures) = fixtures() else { return };
    let list = fixtures.with_file_name("spec").join("cli.md");
    let Ok(text) = fs::read_to_string(&list) else {
        return eprintln!("skipped: no specification at {}", list.display());
    };
    let examples = examples(&text);
    assert_eq!(
        examples.keys().copied().collect::<Vec<_>>(),
        (1..=46).collect::<Vec<_>>()
    );
    for (number, text) in &examples {
        // Some leave the program's name out.
        let is_managers = text.contains("proxmox-backup-manager ");
        let ours = !is_managers || PROGRAMS.iter().any(|name| text.contains(*name));
        let is_run = RUN_BY
            .iter()
            .any(|(first, last, ..)| (first..=last).contains(&number));
        assert!(is_run || !ours, "E{number} is run by no test: {text}");
    }
    for (_, _, file, function) in RUN_BY {
        let path: PathBuf = workspace().join("tests/tests/e2e").join(file);
        let source = fs::read_to_string(path).expect(file);
        assert!(
            source.contains(&format!("fn {function}(")),
            "{file}: {function}"
        );
    }
}

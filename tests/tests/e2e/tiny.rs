//! Very many tiny files and few open ones allowed: the second backup in metadata mode reads none of them.

use std::fs;
use std::process::Command;

use crate::house::{House, Said};
use crate::likeness::differences;

/// With room for 20,000 open files, 57,867 of 78,000 unchanged ones were read again. Here it is the same with less of both.
#[test]
fn tiny_files_with_few_open_ones() {
    const OPEN_MAX: u64 = 64;
    const FILES: u64 = 4000;
    let house = House::new();
    for number in 0..FILES {
        let folder = house.path(&format!("tree/{:02}", number / 100));
        fs::create_dir_all(&folder).expect("folder");
        let text = format!("{number:070}");
        fs::write(folder.join(format!("{number:04}")), text).expect("file");
    }
    let backup = |time: &str| {
        let words = [
            ["backup", "root.pxar:tree"],
            ["--change-detection-mode", "metadata"],
            ["--backup-id", "box"],
            ["--backup-time", time],
        ];
        Said::of(
            limited(&house.client_command(words.as_flattened()), OPEN_MAX)
                .output()
                .expect("sh runs"),
        )
        .ok()
    };
    backup("1700000000");
    let said = backup("1700000100").err;
    for line in [
        format!(" - {FILES} unchanged, reusable files with "),
        " - 0 changed or non-reusable files with 0 B data".to_owned(),
    ] {
        assert!(said.contains(&line), "`{line}` is not in\n{said}");
    }
    house
        .client(&["restore", "host/box", "root.pxar", "out"])
        .ok();
    assert_eq!(differences(&house.path("tree"), &house.path("out")), "");
}

/// The same command with a hard limit of open files.
fn limited(command: &Command, open_max: u64) -> Command {
    let mut shell = Command::new("/bin/sh");
    // What `house` gave to the command is all that it has.
    shell
        .env_clear()
        .args(["-c", &format!("ulimit -n {open_max} && exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    shell
}

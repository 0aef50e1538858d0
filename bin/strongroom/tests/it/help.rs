//! Help texts are golden: a change of the command line shows in `tests/golden/`.
//!
//! `UPDATE_GOLDEN=1` writes them anew; the difference is for review.

use std::path::PathBuf;

use crate::run::Home;

#[test]
fn help_of_every_command_is_golden() {
    let home = Home::new();
    let all = home.run("help");
    assert_eq!(all.status, Some(0));
    let mut text = all.stdout.clone();
    let lines = all.stdout.lines().skip(2);
    let leaves = lines.take_while(|line| !line.is_empty()).map(|line| {
        let words = line
            .split(' ')
            .take_while(|word| !word.starts_with(['<', '[', '{', '-']));
        words.collect::<Vec<_>>().join(" ")
    });
    for leaf in leaves {
        let page = home.run(&format!("help {leaf}"));
        assert_eq!((page.status, page.stderr.as_str()), (Some(0), ""), "{leaf}");
        // `help` names no program, as the original's.
        let other = home.run(&format!("{leaf} --help")).stdout;
        assert_eq!(other.replacen("strongroom ", "", 1), page.stdout, "{leaf}");
        text += &format!("\n=== {leaf}\n{}", page.stdout);
    }
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/help.txt"
    ));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        text,
        std::fs::read_to_string(&path).expect("golden file"),
        "see the head of this file"
    );
}

#[test]
fn it_answers_to_the_originals_name() {
    let home = Home::new();
    let name = home.path().join("proxmox-backup-client");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_strongroom"), &name).unwrap();
    let output = std::process::Command::new(&name)
        .arg("files")
        .env_clear()
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("\nUsage: proxmox-backup-client snapshot files <snapshot> [OPTIONS]\n"),
        "{stderr}"
    );
}

#[test]
fn every_level_has_examples_that_parse() {
    let home = Home::new();
    let mut seen = 0;
    let all = home.run("help").stdout;
    let commands: std::collections::BTreeSet<String> = all
        .lines()
        .skip(2)
        .take_while(|line| !line.is_empty())
        .flat_map(|line| {
            let words: Vec<&str> = line
                .split(' ')
                .take_while(|word| !word.starts_with(['<', '[', '{', '-']))
                .collect();
            (1..=words.len())
                .map(move |count| words[..count].join(" "))
                .collect::<Vec<_>>()
        })
        .collect();
    for command in commands {
        let page = home.run(&format!("help {command}")).stdout;
        let Some((_, examples)) = page.split_once("\nExamples:\n") else {
            continue;
        };
        for example in examples
            .lines()
            .filter(|line| line.starts_with("  strongroom "))
        {
            seen += 1;
            let line = example.trim_start().trim_start_matches("strongroom ");
            let line = line.split(" > ").next().unwrap_or_default();
            let run = home.run_with(
                &line
                    .replace(['\'', '"'], "")
                    .replace("before the upgrade", "text"),
                &[("PBS_LOG", "off"), ("PBS_PASSWORD", "x")],
            );
            assert!(
                !run.stderr.contains("Usage: ") && !run.stderr.contains("no such command"),
                "{example}: {}",
                run.stderr
            );
        }
    }
    assert!(seen > 40, "{seen} examples");
}

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
    let leaves = all.stdout.lines().skip(2).map(|line| {
        let words = line
            .split(' ')
            .take_while(|word| !word.starts_with(['<', '[', '{', '-']));
        words.collect::<Vec<_>>().join(" ")
    });
    for leaf in leaves {
        let page = home.run(&format!("help {leaf}"));
        assert_eq!((page.status, page.stderr.as_str()), (Some(0), ""), "{leaf}");
        assert_eq!(
            home.run(&format!("{leaf} --help")).stdout,
            page.stdout,
            "{leaf}"
        );
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

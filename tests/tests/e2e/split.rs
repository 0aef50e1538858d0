//! Split archives with the real binaries: a backup in metadata mode, changes, another one, and all of it back; what is printed on
//! the way; and the original's own snapshots listed as it lists them.

use std::fs;
use std::path::Path;

use crate::acceptance::plant;
use crate::house::{House, fixtures, noise};
use crate::likeness::differences;

fn s(path: &Path) -> &str {
    path.to_str().expect("utf-8 path")
}

#[test]
fn twice_in_metadata_mode_with_changes_between() {
    let house = House::new();
    let tree = house.path("tree");
    plant(&tree);
    for i in 0..60 {
        fs::write(tree.join(format!("deep/f{i:02}")), noise(i, 200_000)).expect("file");
    }
    let spec = format!("root.pxar:{}", s(&tree));
    let backup = |time: &str| {
        let mode = ["--change-detection-mode", "metadata", "--chunk-size", "64"];
        let id = ["--backup-id", "box", "--backup-time", time];
        let words = [&["backup", &spec][..], &mode, &id].concat();
        house.client(&words).ok().err
    };
    let restored = |name: &str, words: &[&str]| {
        let target = house.path(name);
        let all = [&["restore", "host/box", "root.pxar", s(&target)], words].concat();
        house.client(&all).ok();
        target
    };

    let first = backup("1700000000");
    assert!(first.contains("as root.mpxar.didx"), "{first}");
    assert!(!first.contains("Change detection summary"), "{first}");
    assert_eq!(differences(&tree, &restored("out1", &[])), "");

    fs::write(tree.join("deep/f07"), noise(777, 123_456)).expect("file");
    fs::write(tree.join("deep/new"), "new").expect("file");
    fs::remove_file(tree.join("deep/f31")).expect("own file");
    fs::rename(tree.join("deep/f40"), tree.join("deep/er/f40")).expect("own file");
    let second = backup("1700000100");
    for line in [
        "Using previous index as metadata reference for 'root.mpxar.didx'",
        "Change detection summary:",
        " unchanged, reusable files with ",
        "root.ppxar: reused ",
        "root.ppxar: backup was done incrementally, reused ",
    ] {
        assert!(second.contains(line), "`{line}` is not in\n{second}");
    }
    assert_eq!(differences(&tree, &restored("out2", &[])), "");

    let third = backup("1700000200");
    assert!(
        third.contains(" - 0 changed or non-reusable files with 0 B data"),
        "{third}"
    );
    assert_eq!(differences(&tree, &restored("out3", &[])), "");

    let part = restored("part", &["--pattern", "deep/f1?", "--pattern", "link"]);
    let names = fs::read_dir(part.join("deep")).expect("restored");
    assert_eq!(names.count(), 10);
    let pattern = ["--exclude", "f1*"];
    let words = [
        &[
            "backup",
            &spec,
            "--backup-id",
            "other",
            "--change-detection-mode",
            "data",
        ][..],
        &pattern,
    ];
    house.client(&words.concat()).ok();
    let (target, prelude) = (house.path("without"), house.path("prelude"));
    let words = [
        "restore",
        "host/other",
        "root.mpxar",
        s(&target),
        "--prelude-target",
        s(&prelude),
    ];
    house.client(&words).ok();
    let prelude = fs::read_to_string(prelude).expect("written");
    assert_eq!(prelude, r#"{"exclude-patterns":"f1*\n"}"#);
    assert!(!target.join("deep/f11").exists() && target.join("deep/f20").exists());

    house
        .client(&["restore", "host/box", "root.pxar", "-"])
        .refused(&["unable to pipe split archive"]);
    let dump = house.client(&["catalog", "dump", "host/box"]).ok().err;
    assert!(
        dump.contains("f \"./root.mpxar.didx/deep/f07\" 123456 "),
        "{dump}"
    );
    house.manager(&["verify", "main"]).ok();
}

#[test]
fn the_originals_snapshots_are_listed_as_it_lists_them() {
    let Some(fixtures) = fixtures() else { return };
    let house = House::new();
    let from = fixtures.join("split/datastore");
    let copied = std::process::Command::new("cp")
        .args(["-r", "--no-preserve=mode", s(&from.join("."))])
        .arg(house.path("main"))
        .status();
    assert!(copied.expect("cp runs").success());
    for (list, snapshot) in [
        ("mid-2", "host/mid/2025-10-10T08:53:20Z"),
        ("split-1", "host/split/2025-10-09T08:53:20Z"),
        ("split-2", "host/split/2025-10-10T08:53:20Z"),
        ("split-3", "host/split/2025-10-11T08:53:20Z"),
    ] {
        let path = fixtures.join(format!("split/cli/catalog-dump-{list}.txt"));
        let recorded = fs::read_to_string(path).expect(list);
        let lines = |text: &str| -> Vec<String> {
            text.lines()
                .filter(|line| line.contains("./root.mpxar.didx"))
                .map(str::to_owned)
                .collect()
        };
        let dump = house.client(&["catalog", "dump", snapshot]).ok();
        assert_eq!(lines(&dump.err), lines(&recorded), "{snapshot}");
    }
}

//! File names that would steer a terminal: there they are only shown, in a pipe they stay what they are. And what single files are put into.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::house::{House, Said, bin_dir};
use crate::terminal::Terminal;

const SNAPSHOT: &str = "host/x/2026-01-05T02:00:00Z";
/// Erases the screen, rings, draws a second line, is no UTF-8.
const HOSTILE: [&[u8]; 3] = [b"a\x1b[2J\x07", b"b\nb", b"c\xff\xc2\x9b2J"];

fn backed_up() -> House {
    let house = House::new();
    fs::create_dir_all(house.path("tree/folder")).expect("folder");
    fs::write(house.path("tree/folder/file"), "content").expect("file");
    for name in HOSTILE {
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        fs::write(house.path("tree").join(name), "x").expect("file");
    }
    let time = ["--backup-id", "x", "--backup-time", "1767578400"];
    house
        .client(&[&["backup", "t.pxar:tree"][..], &time].concat())
        .ok();
    house
}

fn shell(house: &House, script: &str) -> Command {
    let mut command = house.command("/bin/sh");
    let program = bin_dir().join("strongroom");
    command
        .args(["-c", script])
        .env("PBS_REPOSITORY", house.repository())
        .env("S", program);
    command
}

/// `file-restore list` and the catalog shell wrote names as they are: a file's name could erase what was told before it.
#[test]
fn names_do_not_steer_a_terminal() {
    let house = backed_up();
    let walk = format!(
        "printf \"ls\\nfind *\\nfind --select b*\\nlist-selected\\n\" | $S catalog shell {SNAPSHOT} t.pxar"
    );
    let list = format!("$S file-restore list {SNAPSHOT} /t.pxar.didx");
    let search = "$S search a".to_owned();
    house
        .client(&["snapshot", "notes", "update", SNAPSHOT, "n\u{9b}2J"])
        .ok();
    let notes = "$S debug api get /admin/datastore/main/notes --backup-type host --backup-id x --backup-time 1767578400".to_owned();
    // The name that is asked for comes back in the error, which is data.
    let error = format!("{list}/x\u{9b} --output-format json");
    for (script, shown) in [
        (
            &walk,
            &["a\\u{1b}[2J\\u{7}", "/b\\nb", "c\\xFF\\u{9b}2J"][..],
        ),
        (&list, &["a\\u{1b}[2J\\u{7}", "b\\nb", "\\u{9b}2J"]),
        (
            &format!("{list} --output-format json"),
            &["\\u001b[2J", "\\u009b2J"],
        ),
        (&error, &["\\u009b"]),
        (&notes, &["\"n\\u009b2J\""]),
        (&search, &["/a\\u{1b}[2J\\u{7}"]),
    ] {
        let said = Said::from(shell(&house, script).output().expect("sh runs"));
        let Some(terminal) = Terminal::start(&shell(&house, script)) else {
            return;
        };
        let (_, on_terminal) = terminal.end();
        for text in shown {
            assert!(on_terminal.contains(text), "{script}: {on_terminal}");
        }
        let steers = |c: char| c.is_control() && !matches!(c, '\r' | '\n');
        assert!(!on_terminal.contains(steers), "{script}: {on_terminal:?}");
        if script == &walk {
            for name in HOSTILE {
                let found = said.raw.windows(name.len()).any(|at| at == name);
                assert!(found, "{name:?} is not written as it is: {said:?}");
            }
        }
    }
}

/// With `--format zip` a folder called `z.zip` was made, without a word.
#[test]
fn a_directory_as_an_archive_in_a_file() {
    let house = backed_up();
    let extract = |path: &str, more: &[&str]| {
        let path = format!("/t.pxar.didx/{path}");
        house.client(&[&["file-restore", "extract", SNAPSHOT, &path][..], more].concat())
    };
    extract("folder", &["z.zip", "--format", "zip"]).ok();
    extract("folder", &["z.tar.zst", "--format", "tar", "--zstd"]).ok();
    extract("folder/file", &["file.zst", "--zstd"]).ok();
    let streamed = extract("folder", &["-", "--format", "zip"]).ok();
    let written = fs::read(house.path("z.zip")).expect("a file");
    assert!(written.starts_with(b"PK\x03\x04") && written == streamed.raw);
    for name in ["z.tar.zst", "file.zst"] {
        let written = fs::read(house.path(name)).expect("a file");
        assert!(written.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]), "{name}");
    }
    let exists = "unable to create target file \"z.zip\" - File exists (os error 17)";
    extract("folder", &["z.zip", "--format", "zip"]).refused(&[exists, "hint: "]);
    let single = "cannot extract single files as archive";
    extract("folder/file", &["f.zip", "--format", "zip"]).refused(&[single]);
    extract("folder", &["f.pxar", "--format", "pxar"]).refused(&["zip or tar"]);
    assert!(!house.path("f.zip").exists() && !house.path("f.pxar").exists());
    // Folders stay folders.
    let said = extract("folder", &["out/", "--format", "zip"]).ok();
    assert!(said.err.contains("the folder \"out/\""), "{}", said.err);
    assert!(house.path("out/folder/file").exists());
    // By the original's name each target is a folder.
    let theirs = house.path("proxmox-file-restore");
    symlink(bin_dir().join("strongroom"), &theirs).expect("link");
    let mut command = house.command(theirs.to_str().expect("utf-8"));
    command
        .args(["extract", SNAPSHOT, "/t.pxar.didx/folder"])
        .args(["y.zip", "--format", "zip"])
        .args(["--repository", &house.repository()]);
    let said = Said::from(command.output().expect("it runs")).ok();
    assert!(said.err.contains("only for `-`"), "{}", said.err);
    assert!(house.path("y.zip/folder/file").exists());
    // What is there is left alone. What the hint says is done, and replaces it.
    let file = house.path("out/folder/file");
    fs::write(&file, "changed").expect("file");
    let said = extract("folder", &["out"]);
    let said = said.refused(&["EEXIST: File exists", "hint: restore to another directory"]);
    assert_eq!(fs::read_to_string(&file).expect("file"), "changed");
    let hint = said.err.split("`strongroom restore` with").nth(1);
    let words = hint.expect("a command").split([' ', ',']);
    let named: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
    assert_eq!(named[0], "--pattern");
    let restore = ["restore", SNAPSHOT, "t.pxar", "out", "--pattern", "folder"];
    house.client(&[&restore, &named[1..]].concat()).ok();
    assert_eq!(fs::read_to_string(&file).expect("file"), "content");
}

/// Hints named programs that were not called, and commands that the called one does not have.
#[test]
fn hints_name_the_program_that_was_called() {
    let house = backed_up();
    for (name, words, expected) in [
        (
            "proxmox-backup-client",
            &["restore", "host/x", "none.pxar", "out"][..],
            "`proxmox-backup-client snapshot files` lists them",
        ),
        (
            "proxmox-file-restore",
            &["list", SNAPSHOT, "/none.pxar.didx"],
            "`proxmox-backup-client snapshot files` lists them",
        ),
        (
            "proxmox-file-restore",
            &["extract", SNAPSHOT, "/t.pxar.didx/none", "-"],
            "`proxmox-file-restore list` shows what there is",
        ),
        (
            "proxmox-file-restore",
            &["list", SNAPSHOT, "/disk.img.fidx"],
            "`proxmox-backup-client map` makes it a block device, `strongroom nbd` serves it",
        ),
    ] {
        let link = house.path(name);
        if !link.exists() {
            symlink(bin_dir().join("strongroom"), &link).expect("link");
        }
        let mut command = house.command(link.to_str().expect("utf-8"));
        command
            .args(words)
            .args(["--repository", &house.repository()]);
        Said::from(command.output().expect("it runs")).refused(&[expected]);
    }
}

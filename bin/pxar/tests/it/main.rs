//! The program as a user calls it: archives of the original, exit status, what stands on which stream.

mod mount;
mod shells;
mod stop;
mod worst;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn pxar(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pxar"))
        .args(args)
        .current_dir(dir)
        .output()
        .expect("the program starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn fixtures() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let dir = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    let dir = dir.canonicalize().ok();
    if dir.is_none() {
        eprintln!("SKIPPED: no fixtures");
    }
    dir
}

/// A temp folder with a small tree in `tree`.
fn scene() -> tempfile::TempDir {
    let temp = tempfile::tempdir().expect("temp dir");
    let tree = temp.path().join("tree");
    std::fs::create_dir_all(tree.join("dir")).expect("dirs");
    std::fs::write(tree.join("dir/file"), "text").expect("file");
    std::fs::write(tree.join("x.o"), "object").expect("file");
    std::os::unix::fs::symlink("dir", tree.join("link")).expect("link");
    temp
}

#[test]
fn archives_of_the_original_are_listed_as_it_lists_them() {
    let Some(fixtures) = fixtures() else { return };
    for (archive, list) in [
        ("tree.pxar", "tree.pxar.list.txt"),
        ("pxar/exclude-cli.pxar", "pxar/exclude-cli.list.txt"),
        ("pxar/exclude-root.pxar", "pxar/exclude-root.list.txt"),
    ] {
        let output = pxar(&["list", archive], &fixtures);
        assert_eq!(
            out(&output),
            std::fs::read_to_string(fixtures.join(list)).expect(list),
            "{archive}"
        );
        assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    }
}

#[test]
fn a_tree_goes_there_and_back() {
    let temp = scene();
    let dir = temp.path();
    let output = pxar(&["create", "a.pxar", "tree", "--exclude", "*.o"], dir);
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (String::new(), String::new(), Some(0))
    );
    let output = pxar(&["list", "a.pxar"], dir);
    assert_eq!(
        out(&output),
        "\"/\"\n\"/dir\"\n\"/dir/file\"\n\"/link\"\n\"/.pxarexclude-cli\"\n"
    );
    let output = pxar(&["extract", "a.pxar", "new/there"], dir);
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (String::new(), String::new(), Some(0))
    );
    assert_eq!(
        std::fs::read_to_string(dir.join("new/there/dir/file")).expect("restored"),
        "text"
    );
    let stream = std::fs::File::open(dir.join("a.pxar")).expect("archive");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxar"));
    let status = command
        .args(["extract", "-", "again", "--pattern", "/dir"])
        .current_dir(dir)
        .stdin(Stdio::from(stream))
        .status()
        .expect("starts");
    assert_eq!(status.code(), Some(0));
    assert!(dir.join("again/dir/file").exists() && !dir.join("again/link").exists());
}

#[test]
fn a_list_for_programs() {
    let dir = scene();
    assert!(
        pxar(&["create", "a.pxar", "tree"], dir.path())
            .status
            .success()
    );
    let names = out(&pxar(&["list", "a.pxar"], dir.path()));
    let line = out(&pxar(
        &["list", "a.pxar", "--output-format", "json"],
        dir.path(),
    ));
    let pretty = ["list", "a.pxar", "--output-format", "json-pretty"];
    let pretty = out(&pxar(&pretty, dir.path()));
    let list: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&pretty).unwrap(),
        list
    );
    assert_eq!(format!("{list:#}\n"), pretty);
    let list = list.as_array().unwrap();
    let path = |item: &serde_json::Value| format!("{:?}\n", item["path"].as_str().unwrap());
    let paths: Vec<_> = list.iter().map(path).collect();
    assert_eq!(paths.concat(), names);
    assert_eq!(
        (&list[0]["type"], &list[0]["path"]),
        (&"d".into(), &"/".into())
    );
    assert!(
        list.iter()
            .any(|item| item["type"] == "f" && item["size"].is_u64())
    );
}

/// The prelude was written into the old file: a full disk or a signal left half of it, and what a symlink led to was emptied first.
///
/// Then the new one could be read by all, whoever might read the old one.
#[test]
fn a_prelude_is_replaced_whole() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let temp = scene();
    let dir = temp.path();
    let split = ["--payload-output", "a.ppxar", "--exclude", "*.o"];
    let made = pxar(&[&["create", "a.mpxar", "tree"][..], &split].concat(), dir);
    assert_eq!((err(&made).as_str(), made.status.code()), ("", Some(0)));
    let extract = |target: &str| {
        let args = ["extract", "a.mpxar", "new", "--payload-input", "a.ppxar"];
        let more = ["--overwrite", "--allow-existing-dirs", "--prelude-target"];
        let done = pxar(&[&args[..], &more, &[target]].concat(), dir);
        assert_eq!((err(&done).as_str(), done.status.code()), ("", Some(0)));
        out(&done)
    };
    let prelude = "{\"exclude-patterns\":\"*.o\\n\"}";
    let file = dir.join("prelude");
    std::fs::write(&file, "old and longer than what comes, by some letters").expect("file");
    let secret = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&file, secret).expect("mode");
    std::os::unix::fs::symlink("prelude", dir.join("name")).expect("link");
    for target in ["prelude", "name"] {
        let old = std::fs::File::open(&file).expect("there");
        extract(target);
        assert_eq!(std::fs::read_to_string(&file).expect("there"), prelude);
        let (old, new) = (
            old.metadata().expect("open"),
            file.metadata().expect("there"),
        );
        assert_ne!(old.ino(), new.ino(), "{target} was written into");
        assert_eq!((old.nlink(), new.mode() & 0o777), (0, 0o600), "{target}");
    }
    assert!(dir.join("name").is_symlink());
    std::os::unix::fs::symlink("sub/none", dir.join("to-nothing")).expect("link");
    std::os::unix::fs::symlink("to-nothing", dir.join("far")).expect("link");
    std::fs::create_dir(dir.join("sub")).expect("folder");
    extract("far");
    assert!(dir.join("far").is_symlink() && dir.join("to-nothing").is_symlink());
    let made = std::fs::read_to_string(dir.join("sub/none"));
    assert_eq!(made.expect("what the links lead to"), prelude);
    assert_eq!(extract("/dev/stdout"), prelude);
}

/// Scripts look for the original's words.
#[test]
fn an_unknown_level_is_told() {
    let temp = scene();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxar"));
    command
        .args(["create", "a.pxar", "tree"])
        .env("PXAR_LOG", "foo");
    let output = command.current_dir(temp.path()).output().expect("starts");
    assert_eq!(
        (err(&output).as_str(), output.status.code()),
        (
            "env variable PXAR_LOG found, but parsing failed: ParseLevelFilterError(())\n",
            Some(0)
        )
    );
}

#[test]
fn debug_level_tells_more() {
    let temp = scene();
    pxar(&["create", "a.pxar", "tree"], temp.path());
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxar"));
    let command = command
        .args(["list", "a.pxar"])
        .env("PXAR_LOG", "Debug")
        .env("TZ", "UTC")
        .current_dir(temp.path());
    let text = out(&command.output().expect("starts"));
    let line = text
        .lines()
        .find(|line| line.contains("/link"))
        .expect("is listed");
    assert!(line.starts_with("lrwxrwxrwx   "), "{line}");
    assert!(line.ends_with("        0 \"/link\" -> \"dir\""), "{line}");
}

#[test]
fn failures_end_with_255_and_say_why() {
    let temp = scene();
    let dir = temp.path();
    assert_eq!(
        pxar(&["create", "a.pxar", "tree"], dir).status.code(),
        Some(0)
    );
    std::fs::write(dir.join("garbage"), [7; 100]).expect("file");
    let rows: [(&[&str], &str); 8] = [
        (&["create", "a.pxar", "tree"], "File exists"),
        (&["create", "b.pxar", "none"], "none"),
        (&["create", "b.pxar", "tree/link"], "tree/link"),
        (
            &["create", "b.pxar", "tree", "--exclude", "[x"],
            "--exclude",
        ),
        (&["list", "garbage"], "no pxar archive"),
        (&["list", "none.pxar"], "none.pxar"),
        (
            &["list", "half.mpxar"],
            "Payload input required for split pxar archives",
        ),
        (&["extract", "a.pxar", "t", "--pattern", "x\\"], "backslash"),
    ];
    for (args, expected) in rows {
        let output = pxar(args, dir);
        let text = err(&output);
        assert_eq!(output.status.code(), Some(255), "{args:?}");
        assert!(
            text.starts_with("Error: ") && text.contains(expected),
            "{args:?}: {text}"
        );
        assert_eq!(out(&output), "", "{args:?}");
    }
    assert!(
        !dir.join("b.pxar").exists(),
        "nothing is left of an archive that failed"
    );
}

#[test]
fn errors_are_told_and_counted_unless_strict() {
    let temp = scene();
    let dir = temp.path();
    pxar(&["create", "a.pxar", "tree"], dir);
    pxar(&["extract", "a.pxar", "t"], dir);
    let output = pxar(&["extract", "a.pxar", "t"], dir);
    let text = err(&output);
    assert_eq!(output.status.code(), Some(255));
    assert!(
        text.contains("error: error at \"dir\"\n") && text.contains("error: error at \"x.o\"\n"),
        "{text}"
    );
    let next =
        "what is there already was left as it is; --allow-existing-dirs --overwrite replaces it";
    let last = format!("Error: there were errors\nhint: {next}\n");
    assert!(text.ends_with(&last), "{text}");
    let output = pxar(&["extract", "a.pxar", "t", "--strict"], dir);
    assert!(err(&output).contains(next), "{}", err(&output));
    assert_eq!(output.status.code(), Some(255));
    assert!(
        !err(&output).contains("there were errors") && !err(&output).contains("x.o"),
        "{}",
        err(&output)
    );
    let output = pxar(
        &[
            "extract",
            "a.pxar",
            "t",
            "--overwrite",
            "--allow-existing-dirs",
        ],
        dir,
    );
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
}

#[test]
fn patterns_come_from_files_first() {
    let temp = scene();
    let dir = temp.path();
    pxar(&["create", "a.pxar", "tree"], dir);
    std::fs::write(dir.join("list"), "# wanted\n\n  /dir  \n/x.o\n").expect("file");
    let output = pxar(
        &[
            "extract",
            "a.pxar",
            "t",
            "--files-from",
            "list",
            "--pattern",
            "!/x.o",
        ],
        dir,
    );
    assert_eq!((err(&output).as_str(), output.status.code()), ("", Some(0)));
    assert!(
        dir.join("t/dir/file").exists()
            && !dir.join("t/x.o").exists()
            && !dir.join("t/link").exists()
    );
}

#[test]
fn a_split_archive_goes_there_and_back() {
    let temp = scene();
    let dir = temp.path();
    let made = pxar(
        &[
            "create",
            "a.mpxar",
            "tree",
            "--payload-output",
            "a.ppxar",
            "--exclude",
            "*.o",
        ],
        dir,
    );
    assert_eq!((err(&made).as_str(), made.status.code()), ("", Some(0)));
    assert_eq!(
        std::fs::read(dir.join("a.ppxar")).expect("made").len(),
        16 + 20 + 16
    );
    let list = pxar(&["list", "a.mpxar", "--payload-input", "a.ppxar"], dir);
    assert_eq!(out(&list), "\"/\"\n\"/dir\"\n\"/dir/file\"\n\"/link\"\n");
    let alone = pxar(&["list", "a.mpxar"], dir);
    assert_eq!(alone.status.code(), Some(255));
    // It was not told what was looked for, and that a renamed half is not found by itself.
    let required =
        "Error: Payload input required for split pxar archives\nhint: name the payload half";
    let beside = format!("{required}: --payload-input \"a.ppxar\" is beside it\n");
    assert_eq!(err(&alone), beside);
    std::fs::copy(dir.join("a.mpxar"), dir.join("x.mpxar")).expect("copy");
    std::fs::create_dir(dir.join("empty")).expect("dir");
    for verb in [&["list"][..], &["extract"], &["mount"]] {
        let on = if verb == ["mount"] {
            &["empty"][..]
        } else {
            &[]
        };
        let alone = pxar(&[verb, &["x.mpxar"], on].concat(), dir);
        let text = err(&alone);
        assert!(text.starts_with(required), "{verb:?}: {text}");
        for words in [
            "--payload-input FILE.ppxar",
            "there is no \"x.ppxar\"",
            "renamed",
        ] {
            assert!(text.contains(words), "{verb:?}: {text}");
        }
    }

    let args = ["extract", "a.mpxar", "new", "--payload-input", "a.ppxar"];
    let prelude = ["--prelude-target", "prelude"];
    let extracted = pxar(&[&args[..], &prelude].concat(), dir);
    assert_eq!(
        (err(&extracted).as_str(), extracted.status.code()),
        ("", Some(0))
    );
    let file = std::fs::read_to_string(dir.join("new/dir/file"));
    assert_eq!(file.expect("unpacked"), "text");
    let text = std::fs::read_to_string(dir.join("prelude"));
    assert_eq!(text.expect("written"), "{\"exclude-patterns\":\"*.o\\n\"}");
    // The prelude is not written over without being told to.
    let again = pxar(&[&args[..2], &["new2"], &args[3..], &prelude].concat(), dir);
    assert!(
        err(&again).contains("cannot write the prelude"),
        "{}",
        err(&again)
    );

    // Existing halves are not touched, and no half archive stays.
    for (archive, payload) in [("b.mpxar", "a.ppxar"), ("a.mpxar", "b.ppxar")] {
        let made = pxar(
            &["create", archive, "tree", "--payload-output", payload],
            dir,
        );
        assert!(
            err(&made).contains("File exists (os error 17)"),
            "{}",
            err(&made)
        );
        assert_eq!(made.status.code(), Some(255));
        assert!(!dir.join("b.mpxar").exists() && !dir.join("b.ppxar").exists());
    }

    // Halves that do not belong together, or only one of them, by whatever name; the target is not made for them.
    std::fs::copy(dir.join("a.mpxar"), dir.join("renamed.pxar")).expect("copy");
    let rows: [(&[&str], &str); 4] = [
        (
            &["extract", "a.mpxar", "n1"],
            "Payload input required for split pxar archives",
        ),
        (
            &["extract", "renamed.pxar", "n1"],
            "Payload input required for split pxar archives",
        ),
        (
            &["extract", "a.mpxar", "n2", "--payload-input", "a.mpxar"],
            "no payload half",
        ),
        (&["extract", "a.ppxar", "n3"], "unknown item"),
    ];
    for (args, expected) in rows {
        let output = pxar(args, dir);
        assert!(
            err(&output).contains(expected),
            "{args:?}: {}",
            err(&output)
        );
        assert_eq!(output.status.code(), Some(255));
    }
    assert!(!dir.join("n1").exists());
}

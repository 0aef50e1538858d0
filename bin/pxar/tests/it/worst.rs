//! Days on which the system refuses: full, read-only and poor file systems, too few open files, an ordinary user.

use std::path::Path;
use std::process::{Command, Output};

use pxar::{AclEntry, Encoder, Metadata, Xattr};

use crate::{err, pxar};

fn metadata(mode: u64) -> Metadata {
    Metadata {
        mode,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        ..Metadata::default()
    }
}

/// Runs a shell script with `$PXAR` set.
fn shell(script: &str, dir: &Path) -> Output {
    Command::new("sh")
        .args(["-c", script])
        .env("PXAR", env!("CARGO_BIN_EXE_pxar"))
        .current_dir(dir)
        .output()
        .expect("there is a shell")
}

/// Runs a script in a mount namespace of its own, where an empty file system of that type is mounted on `mnt`.
fn mounted(file_system: &str, options: &str, script: &str, dir: &Path) -> Option<Output> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: needs root");
        return None;
    }
    std::fs::create_dir_all(dir.join("mnt")).expect("dir");
    let script = format!(
        "exec unshare --mount sh -c 'mount -t {file_system} -o {options} none mnt || exit 77; {script}'"
    );
    let output = shell(&script, dir);
    if output.status.code() == Some(77) {
        eprintln!("SKIPPED: cannot mount: {}", err(&output));
        return None;
    }
    Some(output)
}

fn write_archive(path: &Path, fill: impl FnOnce(&mut Encoder<Vec<u8>>)) {
    let mut encoder = Encoder::new(Vec::new(), &metadata(0o040_755)).expect("root");
    fill(&mut encoder);
    std::fs::write(path, encoder.finish().expect("balanced")).expect("written");
}

/// What is there after a restore to a file system that filled up must be whole: half a file under its own name would be taken
/// for the file.
/// Lists as JSON said only that no space was left, not of what.
#[test]
fn a_full_standard_output_is_named() {
    let temp = crate::scene();
    let made = pxar(&["create", "a.pxar", "tree"], temp.path());
    assert_eq!(made.status.code(), Some(0));
    for line in ["list a.pxar", "list a.pxar --output-format json", "help"] {
        let said = shell(&format!("exec $PXAR {line} > /dev/full"), temp.path());
        assert_eq!(said.status.code(), Some(255), "{line}");
        let text = err(&said);
        assert!(text.starts_with("Error: cannot write "), "{line}: {text}");
        assert!(text.contains("No space left"), "{line}: {text}");
    }
}

#[test]
fn a_full_target_holds_no_half_files() {
    let temp = tempfile::tempdir().expect("temp dir");
    write_archive(&temp.path().join("a.pxar"), |encoder| {
        for number in 0..40 {
            let name = format!("f{number:02}");
            encoder
                .add_file(name.as_bytes(), &metadata(0o100_644), 20_000, &mut |b| {
                    b.fill(1);
                    Ok(b.len())
                })
                .expect("file");
        }
    });
    for (strict, last) in [("", "there were errors"), ("--strict", "No space left")] {
        let script = format!("$PXAR extract a.pxar mnt/t {strict}; echo $?; stat -c %s mnt/t/*");
        let Some(output) = mounted("tmpfs", "size=300k", &script, temp.path()) else {
            return;
        };
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = out.lines();
        assert_eq!(lines.next(), Some("255"), "{out}");
        let sizes: Vec<_> = lines.collect();
        assert!(sizes.len() > 5 && sizes.len() < 40, "{out}");
        assert!(sizes.iter().all(|size| *size == "20000"), "{out}");
        let text = err(&output);
        assert!(
            text.contains("No space left") && text.contains(last),
            "{text}"
        );
        assert!(text.contains("cannot write to \"f"), "{text}");
    }
}

#[test]
fn a_read_only_target_is_an_error() {
    let temp = tempfile::tempdir().expect("temp dir");
    write_archive(&temp.path().join("a.pxar"), |_| {});
    let script = "$PXAR extract a.pxar mnt/t";
    let Some(output) = mounted("tmpfs", "ro", script, temp.path()) else {
        return;
    };
    assert_eq!(output.status.code(), Some(255));
    let text = err(&output);
    assert!(
        text.contains("cannot use \"mnt/t\" as the target"),
        "{text}"
    );
    assert!(text.contains("Read-only file system"), "{text}");
}

/// ramfs keeps neither attributes nor ACLs nor quota projects. An unsupported one used to take the others with it without a
/// word, and a quota project used to be an error that no option avoided.
#[test]
fn what_a_target_cannot_keep_is_told_once() {
    let temp = tempfile::tempdir().expect("temp dir");
    write_archive(&temp.path().join("a.pxar"), |encoder| {
        let rich = Metadata {
            xattrs: vec![Xattr {
                name: b"user.x".to_vec(),
                value: b"v".to_vec(),
            }],
            fcaps: Some(vec![
                1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ]),
            quota_project_id: Some(7),
            ..metadata(0o100_755)
        };
        for name in [b"a", b"b"] {
            encoder
                .add_file(name, &rich, 1, &mut |b| Ok(b.len()))
                .expect("file");
        }
    });
    let script = "$PXAR extract a.pxar mnt/t --strict";
    let Some(output) = mounted("ramfs", "mode=755", script, temp.path()) else {
        return;
    };
    let text = err(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for step in [
        "an extended attribute",
        "the capabilities",
        "the quota project",
    ] {
        let count = text.lines().filter(|line| line.contains(step)).count();
        assert_eq!(count, 1, "{step}: {text}");
    }
    assert_eq!(text.lines().count(), 3, "{text}");

    // ACLs decide who may read: without them a file is not what it was.
    write_archive(&temp.path().join("b.pxar"), |encoder| {
        let mut guarded = metadata(0o100_640);
        guarded.acl.users.push(AclEntry {
            id: 1000,
            permissions: 4,
        });
        encoder
            .add_file(b"a", &guarded, 0, &mut |_| Ok(0))
            .expect("file");
    });
    let script =
        "$PXAR extract b.pxar mnt/t; echo $?; $PXAR extract b.pxar mnt/u --no-acls; echo $?";
    let Some(output) = mounted("ramfs", "mode=755", script, temp.path()) else {
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "255\n0\n");
}

/// One open directory per level: where that is not possible the error says what to do, and the rest is restored.
#[test]
fn deep_trees_say_which_limit_to_raise() {
    let temp = tempfile::tempdir().expect("temp dir");
    write_archive(&temp.path().join("a.pxar"), |encoder| {
        for _ in 0..60 {
            encoder.create_dir(b"d", &metadata(0o040_755)).expect("dir");
        }
        for _ in 0..60 {
            encoder.finish_dir().expect("open");
        }
        encoder
            .add_file(b"z", &metadata(0o100_644), 0, &mut |_| Ok(0))
            .expect("file");
    });
    let output = shell("ulimit -n 30; exec $PXAR extract a.pxar t", temp.path());
    assert_eq!(output.status.code(), Some(255));
    let text = err(&output);
    assert!(text.contains("ulimit -n"), "{text}");
    assert!(temp.path().join("t/z").exists(), "{text}");
    assert_eq!(
        text.lines().count(),
        3,
        "one error for the whole branch: {text}"
    );

    assert_eq!(
        pxar(&["extract", "a.pxar", "u"], temp.path()).status.code(),
        Some(0)
    );
    let output = shell("ulimit -n 30; exec $PXAR create b.pxar u", temp.path());
    assert_eq!(output.status.code(), Some(255));
    assert!(err(&output).contains("ulimit -n"), "{}", err(&output));
    assert!(!temp.path().join("b.pxar").exists());
}

/// A set-id program of somebody else must not become one of the user who unpacks it, and he is told what he does not get.
#[test]
fn an_ordinary_user_gets_files_without_their_privileges() {
    let temp = tempfile::tempdir().expect("temp dir");
    write_archive(&temp.path().join("a.pxar"), |encoder| {
        let program = Metadata {
            uid: 0,
            gid: 0,
            ..metadata(0o106_755)
        };
        encoder
            .add_file(b"program", &program, 1, &mut |b| Ok(b.len()))
            .expect("file");
        encoder
            .add_device(b"device", &metadata(0o020_666), 1, 3)
            .expect("device");
    });
    let as_nobody = if rustix::process::geteuid().is_root() {
        "setpriv --reuid 65534 --regid 65534 --clear-groups"
    } else {
        "env"
    };
    std::fs::create_dir(temp.path().join("t")).expect("dir");
    let script = format!(
        "chmod 755 . && chmod 777 t; cp $PXAR pxar; cd t; {as_nobody} ../pxar extract ../a.pxar u; echo $?; stat -c %a u/program"
    );
    let output = shell(&script, temp.path());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "255\n755\n",
        "{}",
        err(&output)
    );
    let text = err(&output);
    assert!(
        text.contains("only root may set the owner of every file"),
        "{text}"
    );
    assert!(
        text.contains("cannot create the device node \"device\""),
        "{text}"
    );
}

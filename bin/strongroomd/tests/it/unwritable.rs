//! A start where nothing can be written: which folder, why, what to do; and no half-started server. One whose state folder belonged to another user
//! listened, said so in warnings alone, and refused every backup and restore.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::ordinary::{ORDINARY, give, is_root, program_for};

use super::{daemon, daemon_of, send, start, start_with};

/// The folders of a server that ran once.
pub fn used() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("tempdir");
    let (mut child, _) = start(folder.path());
    send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
    folder
}

pub fn close(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
}

/// A start by a user who is not root; none, said aloud, where that user cannot run the program.
pub fn ordinary(folder: &Path) -> Option<Command> {
    let words = ["--listen", "127.0.0.1:0"];
    if !is_root() {
        return Some(daemon(folder, &words));
    }
    let daemon = Path::new(env!("CARGO_BIN_EXE_strongroomd"));
    let mut command = daemon_of(program_for(daemon, ORDINARY)?, folder, &words);
    command.uid(ORDINARY).gid(ORDINARY).current_dir("/");
    Some(command)
}

/// What it says on its way to the end. One that starts after all would be waited for without end.
#[track_caller]
pub fn told(mut command: Command) -> String {
    let mut child = command.spawn().expect("runs");
    let begin = Instant::now();
    while child.try_wait().expect("waits").is_none() {
        if begin.elapsed() > Duration::from_secs(60) {
            child.kill().expect("kills");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().expect("ended");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(output.stdout.is_empty(), "it said where it listens: {err}");
    assert!(!err.contains("panicked"), "{err}");
    err
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let folder = used();
    // As a user makes them, who then starts the server as another.
    let state = folder.path().join("state");
    let (locks, api) = (state.join("locks"), state.join("log/api"));
    let etc = folder.path().join("etc");
    fs::create_dir_all(&locks).expect("locks");
    if is_root() {
        give(folder.path());
    }
    for (path, mode) in [
        (&state, 0o500),
        (&locks, 0o500),
        (&api, 0o500),
        (&state, 0o000),
        (&etc, 0o500),
        (&etc, 0o000),
    ] {
        let before = path.metadata().expect("there").mode();
        close(path, mode);
        let err = ordinary(folder.path()).map(told);
        close(path, before);
        let Some(err) = err else { return };
        let path = path.to_str().expect("text");
        for part in [
            &format!("cause: cannot write in the directory {path}\n"),
            "cause: Permission denied",
            "hint: run this as the user whom it belongs to",
            "hint: other folders are chosen with --config-dir, --state-dir and --log-dir",
        ] {
            assert!(err.contains(part), "{path} {mode:o}: {part:?} in\n{err}");
        }
        // Nothing else is guessed.
        assert!(!err.contains("import"), "{err}");
    }
}

#[test]
fn what_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("tempdir");
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("folder");
    fs::write(folder.path().join("file"), "").expect("file");
    if is_root() {
        give(folder.path());
    }
    close(&closed, 0o500);
    for (word, says) in [("closed", "Permission denied"), ("file", "not a directory")] {
        let place = folder.path().join(word);
        let Some(err) = ordinary(&place).map(told) else {
            return;
        };
        let state = place.join("state");
        let state = state.to_str().expect("text");
        let line = format!("cause: cannot create the directory {state}\n");
        assert!(err.contains(&line), "{err}");
        assert!(err.to_lowercase().contains(&says.to_lowercase()), "{err}");
        assert!(err.contains("hint: other folders are chosen"), "{err}");
    }
}

const READ_ONLY: &str = r#"mount --bind "$0" "$0" && mount -o remount,ro,bind "$0""#;
const FULL: &str =
    r#"mount -t tmpfs -o size=64k tmpfs "$0" && { cat /dev/zero >"$0/fill" 2>/dev/null; true; }"#;

/// A script in a namespace of its own, with something mounted at `path` (`$0`).
fn mounted(mount: &str, path: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("{mount} && {script}"))
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What makes room must run, so the server starts; it said nothing of what to do, and the same again with each request.
#[test]
fn a_full_disk_is_told_in_one_line() {
    let folder = used();
    let state = folder.path().join("state");
    let tried = mounted(FULL, &state, "true").status();
    if !tried.is_ok_and(|status| status.success()) {
        return eprintln!("SKIPPED: nothing can be mounted here");
    }
    let words = daemon(folder.path(), &["--listen", "127.0.0.1:0"]);
    let mut command = mounted(FULL, &state, r#"exec "$@""#);
    command.arg(words.get_program()).args(words.get_args());
    let (child, _) = start_with(command);
    send(&child, Signal::TERM);
    let output = child.wait_with_output().expect("ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let place = state.to_str().expect("text");
    let about: Vec<&str> = err.lines().filter(|line| line.contains(place)).collect();
    let [line] = about[..] else {
        panic!("{err}");
    };
    for part in ["ERROR", "No space left on device", "make room there"] {
        assert!(line.contains(part), "{part:?} in {line}");
    }
}

/// A disk that the kernel has made read-only; mounted in a namespace of its own.
#[test]
fn a_read_only_disk_is_named() {
    let inside = |path: &Path, script: &str| mounted(READ_ONLY, path, script);
    let folder = used();
    let tried = inside(folder.path(), "true").status();
    if !tried.is_ok_and(|status| status.success()) {
        return eprintln!("SKIPPED: nothing can be mounted here");
    }
    for part in ["state", "etc"] {
        let path = folder.path().join(part);
        let words = daemon(folder.path(), &["--listen", "127.0.0.1:0"]);
        let mut command = inside(&path, r#"exec "$@""#);
        command.arg(words.get_program()).args(words.get_args());
        let err = told(command);
        let path = path.to_str().expect("text");
        for part in [
            &format!("cause: cannot write in the directory {path}\n"),
            "cause: Read-only file system",
            "hint: the disk is mounted read-only",
        ] {
            assert!(err.contains(part), "{part:?} in\n{err}");
        }
    }
}

//! The daemon as an init system sees it: exit codes and signals.

mod embed;
mod init;
mod unreadable;
mod unwritable;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use config::{ConfigDir, identity};
use rustix::process::{Pid, Signal, kill_process};

fn daemon(folder: &Path, words: &[&str]) -> Command {
    daemon_of(Path::new(env!("CARGO_BIN_EXE_strongroomd")), folder, words)
}

fn daemon_of(program: &Path, folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .arg("--config-dir")
        .arg(folder.join("etc"))
        .arg("--state-dir")
        .arg(folder.join("state"))
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running daemon, and what it said first: address and fingerprint.
fn start(folder: &Path) -> (Child, [String; 2]) {
    start_with(daemon(folder, &["--listen", "127.0.0.1:0"]))
}

fn start_with(mut command: Command) -> (Child, [String; 2]) {
    let mut child = command.spawn().expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut last_word = || {
        let line = lines.next().expect("a line").expect("text");
        line.rsplit(' ').next().expect("a word").to_owned()
    };
    let said = [last_word(), last_word()];
    (child, said)
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("signal");
}

#[test]
fn exit_codes() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (mut running, [address, _]) = start(folder.path());
    let taken = address.trim_start_matches("https://");
    let other = tempfile::tempdir().expect("tempdir");
    std::fs::write(other.path().join("file"), "").expect("file");
    let file = other.path().join("file");
    let file = file.to_str().expect("text");
    for (words, expected) in [
        (&["--nonsense"][..], 2),
        (&["--listen", "nowhere"], 2),
        (&["--log-format", "json", "--log-level", "loud=very"], 1),
        (&["--log-level", "nope"], 1),
        (&["--log-format", "xml"], 2),
        (&["--help"], 0),
        (&["--listen", taken], 1),
        (&["--listen", "127.0.0.1:0", "--log-dir", file], 1),
    ] {
        let output = daemon(other.path(), words).output().expect("runs");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{words:?}: {err}");
        assert!(expected == 0 || err.contains("error: "), "{err}");
    }
    send(&running, Signal::TERM);
    assert_eq!(running.wait().expect("ends").code(), Some(0));
}

/// A changed certificate was served only after a restart, which ends all sessions.
#[test]
fn hangup_serves_the_certificate_on_disk() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (mut child, [_, before]) = start(folder.path());
    let dir = ConfigDir::open(&folder.path().join("etc")).expect("dir");
    identity::ensure_certificate(&dir, "vault", 1_800_000_000, true).expect("new certificate");
    let (certificate, _) = identity::certificate_pair(&dir).expect("pair");
    let after = identity::fingerprint(&identity::leaf_der(&certificate).expect("leaf"));
    assert_ne!(before, after);
    send(&child, Signal::HUP);
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let told = lines
        .map(|line| line.expect("text"))
        .find(|line| line.contains("serving a new certificate"));
    assert!(told.expect("a line").ends_with(&after));
    send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

/// A damaged file was told nobody at the start, and whoever logged in was told that his password is wrong.
#[test]
fn damaged_files_are_told_once() {
    let folder = tempfile::tempdir().expect("tempdir");
    let etc = folder.path().join("etc");
    std::fs::create_dir(&etc).expect("folder");
    std::fs::write(etc.join("user.cfg"), "user: ann@pbs\n\tcomment\n").expect("file");
    let (mut child, _) = start(folder.path());
    let mut lines = BufReader::new(child.stderr.take().expect("piped"))
        .lines()
        .map(|line| line.expect("text"));
    let damaged = lines
        .find(|line| line.contains("user.cfg"))
        .expect("a line");
    assert!(damaged.contains("ERROR"), "{damaged}");
    for part in [etc.join("user.cfg").to_str().expect("text"), "line 2 - "] {
        assert!(damaged.contains(part), "{part}: {damaged}");
    }
    // Only what changes is told of, so this line comes next.
    std::fs::write(etc.join("user.cfg"), "user: ann@pbs\n").expect("file");
    let next = lines
        .find(|line| line.contains("user.cfg"))
        .expect("a line");
    assert!(next.ends_with("user.cfg is in order again"), "{next}");
    send(&child, Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

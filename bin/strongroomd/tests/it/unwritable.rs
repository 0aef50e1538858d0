//! A start where nothing can be written: which folder, why, what to do; and no half-started server. One whose state folder belonged to another user
//! listened, said so in warnings alone, and refused every backup and restore.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Place, Restore};
use format::{ArchiveName, BackupTime, Namespace, Snapshot};
use remote::{Connect, Credential, Query, Secret};
use rustix::process::Signal;
use testkit::ordinary::{ORDINARY, give, is_root, program_for};
use tree::ExtractOptions;

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

/// The daemon of a folder with a full disk on one below it; nothing where nothing can be mounted.
fn on_full_disk(folder: &Path, full: &Path) -> Option<(Child, [String; 2])> {
    let tried = mounted(FULL, full, "true").status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: nothing can be mounted here");
        return None;
    }
    let words = daemon(folder, &["--listen", "127.0.0.1:0"]);
    let mut command = mounted(FULL, full, r#"exec "$@""#);
    command.arg(words.get_program()).args(words.get_args());
    Some(start_with(command))
}

/// Its own log to the end; only one line says that `full` is full.
#[track_caller]
fn told_once(child: Child, full: &Path) {
    send(&child, Signal::TERM);
    let output = child.wait_with_output().expect("ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let errors: Vec<&str> = err.lines().filter(|line| line.contains("ERROR")).collect();
    let [line] = errors[..] else {
        panic!("{err}");
    };
    let place = format!("written in {}: ", full.display());
    for part in [&place, "No space left on device", "make room there"] {
        assert!(line.contains(part), "{part:?} in {line}");
    }
    assert!(!err.contains("can be written again"), "{err}");
    let about = err.lines().filter(|line| line.contains("No space left"));
    assert_eq!(about.count(), 1, "{err}");
}

/// What makes room must run, so the server starts; it said nothing of what to do, and the same again with each request. Where a disk of the logs alone
/// was full it named the folder above, and said that it was over.
#[test]
fn a_full_disk_is_told_in_one_line() {
    let folder = used();
    for part in ["state", "state/log"] {
        let full = folder.path().join(part);
        let Some((child, _)) = on_full_disk(folder.path(), &full) else {
            return;
        };
        told_once(child, &full);
    }
}

/// A restore needs nothing from that disk, and neither it nor requests say again what is known.
#[test]
fn a_full_state_folder_keeps_no_restore() {
    // A datastore has 65536 folders, which take minutes on a busy disk.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.expect("tempdir");
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).expect("folder");
    fs::write(tree.join("file"), "of the machine").expect("file");
    let house = folder.path().join("house");
    let made = Command::new(env!("CARGO_BIN_EXE_strongroomd"))
        .args(["quickstart", "--once", "--listen", "127.0.0.1:0", "--data"])
        .args([&house, &tree])
        .output()
        .expect("runs");
    let err = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{err}");
    fs::rename(house.join("config"), house.join("etc")).expect("renamed");
    let token = fs::read_to_string(house.join("admin.token")).expect("token");
    let full = house.join("state");
    let Some((child, [address, fingerprint])) = on_full_disk(&house, &full) else {
        return;
    };
    let address: std::net::SocketAddr = address
        .trim_start_matches("https://")
        .parse()
        .expect("address");
    let credential = Credential::Token {
        id: "admin@pbs!quickstart".parse().expect("id"),
        secret: Secret::new(token.trim_end().to_owned()),
    };
    let mut connect = Connect::new(&address.ip().to_string(), address.port(), credential);
    connect.fingerprint = Some(fingerprint.parse().expect("fingerprint"));
    let target = folder.path().join("restored");
    let restored = async {
        let client = remote::Client::connect(connect).await.expect("connects");
        let path = "/admin/datastore/main/snapshots";
        let mut times = Vec::new();
        for _ in 0..2 {
            let list: Vec<serde_json::Value> = client.get(path, &Query::new()).await.expect("list");
            times.extend(list.iter().filter_map(|each| each["backup-time"].as_i64()));
        }
        assert_eq!(times.len(), 4, "two requests, two snapshots");
        let place = Place {
            store: "main".parse().expect("name"),
            namespace: Namespace::default(),
            snapshot: Snapshot {
                group: "host/quickstart".parse().expect("group"),
                time: BackupTime::new(times[0]).expect("time"),
            },
        };
        let restore = Restore::open(&client, &place, None).await.expect("opens");
        let archive = ArchiveName::from_user("root.pxar").expect("name");
        let options = ExtractOptions::default();
        restore
            .tree(&archive, target.clone(), options, Arc::new(()))
            .await
            .expect("restored");
    };
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(restored);
    // Connections end before the server does.
    drop(runtime);
    let file = fs::read_to_string(target.join("file")).expect("file");
    assert_eq!(file, "of the machine");
    told_once(child, &full);
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

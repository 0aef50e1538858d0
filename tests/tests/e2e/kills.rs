//! Killed in the middle: a client, then a server. Nothing half-made is listed as finished, nothing earlier is lost, the next backup works.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::house::{House, chunks, noise};

/// A client that gives up at once when its server goes away.
fn spawn_backup(house: &House) -> std::process::Child {
    house
        .client_command(&[
            "backup",
            "disk.img:disk",
            "--backup-id",
            "x",
            "--rate",
            "8MiB",
            "--wait-for-server",
            "0",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("client")
}

fn prepared() -> House {
    let house = House::new();
    fs::write(house.path("small"), noise(1, 5 << 20)).expect("image");
    house
        .client(&[
            "backup",
            "disk.img:small",
            "--backup-id",
            "x",
            "--backup-time",
            "1700000000",
        ])
        .ok();
    fs::write(house.path("disk"), noise(21, 64 << 20)).expect("image");
    house
}

fn finished(house: &House) -> usize {
    let list = house
        .client(&["snapshot", "list", "--output-format", "json"])
        .ok()
        .json();
    list.as_array()
        .expect("list")
        .iter()
        .filter(|s| s["size"].is_u64())
        .count()
}

fn wait_for_chunks(house: &House, more_than: usize) {
    house.eventually("chunks arrive", |h| {
        chunks(&h.path("main")).len() > more_than + 2
    });
}

#[test]
fn a_killed_client() {
    let house = prepared();
    let before = chunks(&house.path("main")).len();
    let mut child = spawn_backup(&house);
    wait_for_chunks(&house, before);
    child.kill().expect("kill");
    child.wait().expect("wait");
    house.eventually("the unfinished snapshot is removed", |h| {
        fs::read_dir(h.path("main/host/x"))
            .expect("group")
            .flatten()
            .filter(|e| e.path().is_dir())
            .count()
            == 1
    });
    house.eventually("its task failed", |h| {
        h.tasks()
            .iter()
            .any(|(kind, status)| kind == "backup" && !status.is_empty() && status != "OK")
    });
    assert_eq!(finished(&house), 1);
    house
        .client(&["backup", "disk.img:disk", "--backup-id", "x"])
        .ok();
    assert_eq!(finished(&house), 2);
    house.manager(&["verify", "main"]).ok();
}

#[test]
fn a_killed_server() {
    let mut house = prepared();
    let before = chunks(&house.path("main")).len();
    let mut child = spawn_backup(&house);
    wait_for_chunks(&house, before);
    house.kill();
    let status = child.wait().expect("wait");
    assert_eq!(status.code(), Some(255), "the client says that it failed");
    house.start();
    assert_eq!(finished(&house), 1, "the half snapshot does not count");
    house.client(&["restore", "host/x", "disk.img", "out"]).ok();
    assert!(
        fs::read(house.path("small")).expect("source")
            == fs::read(house.path("out")).expect("restored")
    );
    std::thread::sleep(Duration::from_millis(1100)); // the leftover folder has the name of its second
    house
        .client(&["backup", "disk.img:disk", "--backup-id", "x"])
        .ok();
    assert_eq!(finished(&house), 2);
    // a snapshot without a manifest fails a verify (formats.md 10.1); it is the only one, and can be forgotten
    let verify = house.manager(&["verify", "main"]);
    assert_eq!(verify.code, Some(255), "{}", verify.out);
    let failed: Vec<&str> = verify
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("\thost/x/"))
        .collect();
    assert_eq!(failed.len(), 1, "{}", verify.out);
    house
        .client(&["snapshot", "forget", &format!("host/x/{}", failed[0])])
        .ok();
    house.manager(&["verify", "main"]).ok();
}

/// As under `nohup`, or in the background of a script: programs inherit it, and rightly keep to it.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("proc");
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = u64::from_str_radix(ignored.expect("told").trim(), 16).expect("a mask");
    ignored >> (signal.as_raw() - 1) & 1 == 1
}

/// A signal ends a restore in good order: no half image or file is left behind to be taken for a whole one.
#[test]
fn a_restore_that_is_stopped_leaves_nothing_half() {
    let house = House::new();
    fs::create_dir(house.path("tree")).expect("folder");
    // Far more than what is asked for at a time: all of that comes together, and only then there is a file. The rest takes a while longer.
    fs::write(house.path("tree/big"), noise(3, 144 << 20)).expect("file");
    let sources = ["backup", "disk.img:tree/big", "tree.pxar:tree"];
    let name = ["--backup-id", "x"];
    house.client(&[&sources[..], &name[..]].concat()).ok();
    for (archive, signal, made) in [
        ("disk.img", Signal::TERM, "back"),
        ("disk.img", Signal::HUP, "back"),
        ("tree.pxar", Signal::INT, "back/big"),
        ("tree.pxar", Signal::TERM, "back/big"),
    ] {
        if is_ignored(signal) {
            eprintln!("SKIPPED: {signal:?} is ignored here, and so the client does");
            continue;
        }
        // Slow enough to be met on its way.
        let words = ["restore", "host/x", archive, "back", "--rate", "10MiB"];
        let overwrites = ["--allow-existing-dirs"];
        let mut client = house.client_command(&[&words[..], &overwrites[..]].concat());
        let client = client
            .stderr(Stdio::piped())
            .spawn()
            .expect("strongroom runs");
        house.eventually("it has begun", |house| house.path(made).exists());
        let pid = Pid::from_child(&client);
        // Twice, as `timeout` does it.
        for _ in 0..2 {
            rustix::process::kill_process(pid, signal).expect("signal");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let said = client.wait_with_output().expect("ends");
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(255), "{text}");
        assert!(text.contains("Error: stopped by SIG"), "{text}");
        assert!(!house.path(made).exists(), "{text}");
    }
}

/// A zip that was there, whole, was said to be removed, as the signal came while the disk was waited for; and what SIGKILL left told nobody what it was.
#[test]
fn a_file_that_is_packed_is_there_or_not_as_it_is_told() {
    let house = House::new();
    fs::create_dir(house.path("tree")).expect("folder");
    fs::write(house.path("tree/big"), noise(4, 12 << 20)).expect("file");
    let time = ["--backup-id", "x", "--backup-time", "1767578400"];
    let backup = ["backup", "t.pxar:tree"];
    house.client(&[&backup[..], &time].concat()).ok();
    let unfinished = |house: &House| {
        let names = fs::read_dir(house.path(".")).expect("folder").flatten();
        let mut paths = names.map(|entry| entry.path());
        paths.find(|path| path.to_string_lossy().contains("/.z.zip."))
    };
    for (signal, after_ms) in [
        (Signal::TERM, 0),
        (Signal::TERM, 300),
        (Signal::TERM, 1000),
        (Signal::KILL, 0),
    ] {
        if signal == Signal::TERM && is_ignored(signal) {
            eprintln!("SKIPPED: {signal:?} is ignored here, and so the client does");
            continue;
        }
        let snapshot = "host/x/2026-01-05T02:00:00Z";
        let words = ["file-restore", "extract", snapshot, "/t.pxar.didx"];
        let to = ["z.zip", "--format", "zip"];
        let client = house
            .client_command(&[&words[..], &to].concat())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strongroom runs");
        let zip = house.path("z.zip");
        house.eventually("it has begun", |house| {
            unfinished(house).is_some() || zip.exists()
        });
        std::thread::sleep(Duration::from_millis(after_ms));
        rustix::process::kill_process(Pid::from_child(&client), signal).expect("signal");
        let said = client.wait_with_output().expect("ends");
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        match (signal, said.status.code()) {
            // It was faster.
            (_, Some(0)) => assert!(zip.exists()),
            (Signal::TERM, code) => {
                let expected = match zip.exists() {
                    true => "what was written is whole",
                    false => "the unfinished file was removed",
                };
                assert!(code == Some(255) && text.contains(expected), "{text}");
                assert_eq!(unfinished(&house), None);
            }
            _ => assert!(zip.exists() || unfinished(&house).is_some()),
        }
        let _ = fs::remove_file(zip);
    }
}

//! A backup that is killed, or loses its server, in the middle: the next one, or the same command, goes on and sends only what is missing. What went
//! over the wire is counted from the client's own summary, and what comes back is compared with the source.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::collection::two_days_pass;
use crate::house::{House, PASSWORD, noise};

const MIB: usize = 1 << 20;
/// Enough for a client that is held to 8 MiB/s to be met on its way.
const SIZE: usize = 48 * MIB;
const HALF: u64 = SIZE as u64 / 2;

/// An image, a directory, and a key.
fn prepared() -> House {
    let house = House::new();
    fs::create_dir(house.path("tree")).expect("folder");
    fill(&house, 1);
    let words = ["key", "create", "key.json", "--kdf", "none"];
    house.client(&words).ok();
    house
}

/// Other content for each seed.
fn fill(house: &House, seed: u64) {
    fs::write(house.path("disk"), noise(seed * 100, SIZE)).expect("image");
    for number in 1..=12 {
        let file = house.path("tree").join(format!("file-{number:02}"));
        fs::write(file, noise(seed * 100 + number, SIZE / 12)).expect("file");
    }
}

/// A backup that sends slowly, and what it has said on standard output.
struct Slow {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Slow {
    fn new(house: &House, words: &[&str]) -> Slow {
        let usual = ["backup", "--backup-id", "x", "--rate", "8MiB"];
        let mut child = house
            .client_command(&[&usual, words].concat())
            .args(["--progress", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strongroom runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Slow { child, lines }
    }

    /// Until about half of one archive is on the server; says how much of it is.
    fn half(&mut self) -> u64 {
        for line in &mut self.lines {
            let line: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
            let uploaded = line["uploaded"].as_u64().unwrap_or(0);
            if line["type"] == "progress" && uploaded >= HALF * 3 / 4 {
                return uploaded;
            }
        }
        let said = self.child.wait().expect("ends");
        panic!("it was not met on its way: {said}");
    }

    /// `kill -9`.
    fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// How it ended by itself, with what it said on the way on each of its outputs.
    fn end(mut self) -> (Option<i32>, String, String) {
        let rest: Vec<String> = self.lines.map_while(Result::ok).collect();
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        stderr.read_to_string(&mut log).expect("text");
        let status = self.child.wait().expect("wait");
        (status.code(), rest.join("\n"), log)
    }
}

/// The summary of a backup that went well.
fn summary(house: &House, words: &[&str]) -> Value {
    let usual = ["backup", "--backup-id", "x", "--progress", "json"];
    let said = house.client(&[&usual, words].concat()).ok();
    summary_of(&said.out)
}

fn summary_of(out: &str) -> Value {
    let lines = out
        .lines()
        .map(|line| serde_json::from_str(line).expect(line));
    let summaries: Vec<Value> = lines
        .filter(|line: &Value| line["type"] == "summary")
        .collect();
    assert_eq!(summaries.len(), 1, "{out}");
    summaries[0].clone()
}

fn number(summary: &Value, name: &str) -> u64 {
    summary[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name}: {summary}"))
}

/// So many backups have failed by now.
fn ended(house: &House, failures: usize) {
    house.eventually("the session is gone", |house| {
        let failed =
            |task: &&(String, String)| task.0 == "backup" && !task.1.is_empty() && task.1 != "OK";
        house.tasks().iter().filter(failed).count() >= failures
    });
}

fn journals(house: &House) -> usize {
    let folder = house.path("state/uploads/main");
    fs::read_dir(folder).map_or(0, Iterator::count)
}

fn restores(house: &House, archive: &str, more: &[&str]) {
    let out = house.path("out");
    let words = ["restore", "host/x", archive, "out"];
    house.client(&[&words, more].concat()).ok();
    match archive.ends_with(".img") {
        true => {
            same(&house.path("disk"), &out);
            fs::remove_file(out).expect("image");
        }
        false => {
            for entry in fs::read_dir(house.path("tree")).expect("folder").flatten() {
                same(&entry.path(), &out.join(entry.file_name()));
            }
            fs::remove_dir_all(out).expect("folder");
        }
    }
}

fn same(one: &Path, other: &Path) {
    let read = |path| fs::read(path).expect("readable");
    assert!(read(one) == read(other), "{}", other.display());
}

/// What one run must come to after another of which so many bytes were on the server for certain.
#[track_caller]
fn went_on(summary: &Value, there: u64) {
    let (read, resumed) = (number(summary, "read"), number(summary, "resumed"));
    assert!(read >= SIZE as u64, "{summary}");
    assert!(resumed >= there, "{there}: {summary}");
    // Nothing here can be compressed.
    let sent = number(summary, "sent");
    assert!(sent <= read - resumed + MIB as u64, "{summary}");
    assert!(sent < SIZE as u64 * 3 / 4, "{summary}");
}

#[test]
fn after_a_killed_client() {
    let house = prepared();
    let mut failures = 0;
    let split = ["root.pxar:tree", "--change-detection-mode", "metadata"];
    for (seed, words, archive, more) in [
        (1, &["disk.img:disk"][..], "disk.img", &[][..]),
        (2, &["root.pxar:tree"], "root.pxar", &[]),
        (3, &split, "root.pxar", &[]),
        (
            4,
            &["disk.img:disk", "--keyfile", "key.json"],
            "disk.img",
            &["--keyfile", "key.json"],
        ),
    ] {
        fill(&house, seed);
        let mut slow = Slow::new(&house, words);
        let there = slow.half();
        slow.kill();
        failures += 1;
        ended(&house, failures);
        assert_eq!(journals(&house), 1, "{words:?}");
        went_on(&summary(&house, words), there);
        assert_eq!(journals(&house), 0, "{words:?}: finished");
        restores(&house, archive, more);
        // The next one has no snapshot to go by.
        house
            .client(&["snapshot", "forget", &house.newest("x")])
            .ok();
    }
}

#[test]
fn after_a_killed_server() {
    let mut house = prepared();
    let mut slow = Slow::new(&house, &["disk.img:disk", "--wait-for-server", "0"]);
    let there = slow.half();
    house.kill();
    let (code, _, log) = slow.end();
    assert_eq!(code, Some(255), "it says that it failed: {log}");
    assert!(log.contains("it goes on with what the server has"), "{log}");
    house.start();
    // The folder that the killed server left has the name of its second.
    std::thread::sleep(Duration::from_millis(1100));
    went_on(&summary(&house, &["disk.img:disk"]), there);
    assert_eq!(journals(&house), 0);
    restores(&house, "disk.img", &[]);
}

/// One command, and a server that is killed under it and started again.
#[test]
fn over_a_restart_of_the_server() {
    let mut house = prepared();
    let mut slow = Slow::new(&house, &["root.pxar:tree", "disk.img:disk"]);
    let there = slow.half();
    house.kill();
    std::thread::sleep(Duration::from_secs(1));
    house.start();
    let (code, out, log) = slow.end();
    assert_eq!(code, Some(0), "{log}");
    for words in [
        "the backup broke off and will start again",
        "the server answers again",
        "Starting backup again: host/x/",
        "Resuming an unfinished backup",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    let summary = summary_of(&out);
    assert_eq!(number(&summary, "starts"), 2, "{summary}");
    assert!(number(&summary, "resumed") >= there, "{summary}");
    let snapshot = summary["snapshot"].as_str().expect("a name");
    assert_eq!(snapshot, house.newest("x"), "the one that is there");
    for archive in ["disk.img", "root.pxar"] {
        restores(&house, archive, &[]);
    }
}

#[test]
fn what_was_collected_is_sent_again_and_nobody_else_is_helped() {
    let house = prepared();
    let mut slow = Slow::new(&house, &["disk.img:disk"]);
    slow.half();
    slow.kill();
    ended(&house, 1);
    // Somebody who has the same data.
    house
        .manager(&["user", "create", "bob@pbs", "--password", PASSWORD])
        .ok();
    let grant = [
        "acl",
        "update",
        "/datastore/main",
        "DatastoreBackup",
        "--auth-id",
        "bob@pbs",
    ];
    house.manager(&grant).ok();
    let bob = format!("bob@pbs@{}:main", house.address);
    let words = [
        "backup",
        "disk.img:disk",
        "--backup-id",
        "bob",
        "--progress",
        "json",
        "--repository",
        &bob,
    ];
    let his = summary_of(&house.client(&words).ok().out);
    assert_eq!(number(&his, "resumed"), 0, "{his}");
    assert!(number(&his, "sent") >= SIZE as u64, "{his}");
    house
        .client(&["snapshot", "forget", &house.newest("bob")])
        .ok();
    // Nobody needs the chunks, and they go.
    two_days_pass(&house.path("main"));
    let log = house.client(&["garbage-collect"]).ok();
    assert!(!log.out.contains("Removed chunks: 0"), "{}", log.out);
    let whole = summary(&house, &["disk.img:disk"]);
    assert_eq!(number(&whole, "resumed"), 0, "{whole}");
    assert!(number(&whole, "sent") >= SIZE as u64, "{whole}");
    restores(&house, "disk.img", &[]);
    assert_eq!(journals(&house), 0);
}

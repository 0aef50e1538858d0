//! Fifty clients back up at once while the store is pruned, verified and collected again and again: nothing is lost, nothing waits for ever, and the
//! server stays small. Much of what they send is, at that moment, garbage of older snapshots that a collection is about to remove.

use std::fs::{self, FileTimes};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::house::{House, chunks, noise};

const CLIENTS: usize = 50;
/// Files that all clients have.
const COMMON: u64 = 6;
const FILE_BYTES: usize = 1 << 20;
const DISK_BYTES: usize = 9 << 20;
/// Bound of the issue.
const SERVER_KIB_MAX: u64 = 400 << 10;
const TIME_MAX: Duration = Duration::from_secs(600);

fn text(path: &Path) -> String {
    path.to_str().expect("utf-8").to_owned()
}

fn backup(house: &House, id: usize, time: i64) -> Child {
    let root = format!("root.pxar:{}", text(&house.path(&format!("tree{id}"))));
    let disk = format!("disk.img:{}", text(&house.path(&format!("disk{id}"))));
    let (id, time) = (format!("box{id}"), time.to_string());
    house
        .client_command(&[
            "backup",
            &root,
            &disk,
            "--backup-id",
            &id,
            "--backup-time",
            &time,
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strongroom runs")
}

/// Waits with a bound, so that a deadlock is a failure and not a test that never ends.
fn ended(mut child: Child, deadline: Instant) {
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            let output = child.wait_with_output().expect("output");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(status.success(), "{said}");
            return;
        }
        assert!(Instant::now() < deadline, "a backup never ends");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// As if nobody had used any chunk for two days. Only done while no session is open: what a session has marked is young.
fn two_days_pass(store: &Path) {
    let then = SystemTime::now() - Duration::from_secs(2 * 86_400);
    for chunk in chunks(store) {
        let file = fs::File::options().write(true).open(chunk).expect("chunk");
        file.set_times(FileTimes::new().set_accessed(then))
            .expect("time");
    }
}

#[test]
fn fifty_clients_beside_prune_verify_and_collection() {
    let house = House::new();
    let store = house.path("main");
    for id in 0..CLIENTS {
        let tree = house.path(&format!("tree{id}"));
        fs::create_dir(&tree).expect("folder");
        for number in 0..COMMON {
            let name = tree.join(format!("common{number}"));
            fs::write(name, noise(number, FILE_BYTES)).expect("file");
        }
        let own = noise(1000 + id as u64, FILE_BYTES);
        fs::write(tree.join("own"), own).expect("file");
        // Chunks of the full size, which nobody else has: with small ones the server's memory is not put to the test.
        let disk = noise(2000 + id as u64, DISK_BYTES);
        fs::write(house.path(&format!("disk{id}")), disk).expect("file");
    }
    let deadline = Instant::now() + TIME_MAX;
    // A first snapshot of every fifth; then they are all garbage.
    for id in (0..CLIENTS).step_by(5) {
        ended(backup(&house, id, 1_700_000_000), deadline);
    }
    for id in (0..CLIENTS).step_by(5) {
        let snapshot = format!("host/box{id}/2023-11-14T22:13:20Z");
        house.client(&["snapshot", "forget", &snapshot]).ok();
    }
    two_days_pass(&store);
    house
        .manager(&[
            "prune-job",
            "create",
            "crowd",
            "--store",
            "main",
            "--schedule",
            "yearly",
            "--keep-last",
            "1",
        ])
        .ok();

    let over = AtomicBool::new(false);
    let mut rounds = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for time in [1_700_086_400, 1_700_172_800] {
                let crowd: Vec<_> = (0..CLIENTS).map(|id| backup(&house, id, time)).collect();
                crowd.into_iter().for_each(|child| ended(child, deadline));
            }
            over.store(true, Ordering::Relaxed);
        });
        // Each of them may find a group busy and skip it, but none may fail.
        while !over.load(Ordering::Relaxed) && Instant::now() < deadline {
            house.client(&["garbage-collect"]).ok();
            house.manager(&["prune-job", "run", "crowd"]).ok();
            house.manager(&["verify", "main"]).ok();
            rounds += 1;
        }
    });
    assert!(rounds > 0, "the clients were faster than the first round");
    let peak = house.server_peak_kib();
    println!(
        "{rounds} rounds of collection, prune and verify; server's peak: {} MiB",
        peak >> 10
    );
    assert!(peak < SERVER_KIB_MAX, "{peak} KiB");

    house.manager(&["prune-job", "run", "crowd"]).ok();
    two_days_pass(&store);
    house.client(&["garbage-collect"]).ok();
    house
        .manager(&["verify", "main", "--ignore-verified", "false"])
        .ok();
    for id in [0, 1, CLIENTS - 1] {
        let (group, out) = (format!("host/box{id}"), house.path(&format!("out{id}")));
        house
            .client(&["restore", &group, "root.pxar", &text(&out)])
            .ok();
        for entry in fs::read_dir(house.path(&format!("tree{id}"))).expect("folder") {
            let entry = entry.expect("entry");
            let same = fs::read(entry.path()).expect("file")
                == fs::read(out.join(entry.file_name())).expect("restored file");
            assert!(same, "{group} {:?} came back otherwise", entry.file_name());
        }
    }
    let failed: Vec<_> = house
        .tasks()
        .into_iter()
        .filter(|(_, status)| !status.is_empty() && status != "OK")
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}

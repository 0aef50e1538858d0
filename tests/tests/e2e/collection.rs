//! A store over its life: backups come, a prune takes the old ones, a collection frees what they alone needed, and a backup that runs meanwhile
//! loses nothing.

use std::fs::{self, FileTimes};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::house::{House, chunks, noise};

/// The cutoff is a day and five minutes; nothing shortens it here. Chunks are made to look as if nobody had used them for two days.
pub fn two_days_pass(store: &Path) {
    let then = SystemTime::now() - Duration::from_secs(2 * 86_400);
    for chunk in chunks(store) {
        let file = fs::File::options().write(true).open(chunk).expect("chunk");
        file.set_times(FileTimes::new().set_accessed(then))
            .expect("time");
    }
}

#[test]
fn prune_and_collect_beside_a_backup() {
    let house = House::new();
    let (tree, out, store) = (house.path("tree"), house.path("out"), house.path("main"));
    fs::create_dir(&tree).expect("folder");
    let text = |path: &Path| path.to_str().expect("utf-8").to_owned();
    let spec = format!("root.pxar:{}", text(&tree));
    let backup = |id: &str, time: &str| {
        house.client_command(&["backup", &spec, "--backup-id", id, "--backup-time", time])
    };
    let done = |id: &str, time: &str| {
        let output = backup(id, time).output().expect("strongroom runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    fs::write(tree.join("stays"), noise(1, 12 << 20)).expect("file");
    fs::write(tree.join("goes"), noise(2, 12 << 20)).expect("file");
    done("box", "1700000000");
    fs::remove_file(tree.join("goes")).expect("file");
    fs::write(tree.join("comes"), noise(3, 4 << 20)).expect("file");
    done("box", "1700086400");
    let before = chunks(&store).len();

    house
        .manager(&[
            "prune-job",
            "create",
            "nightly",
            "--store",
            "main",
            "--schedule",
            "daily",
            "--keep-last",
            "1",
        ])
        .ok();
    let log = house.manager(&["prune-job", "run", "nightly"]).ok();
    assert!(
        log.out.contains("remove host/box/2023-11-14T22:13:20Z"),
        "{}",
        log.out
    );
    assert!(
        house
            .client(&["garbage-collect"])
            .ok()
            .out
            .contains("Removed chunks: 0"),
        "what is young stays"
    );
    assert_eq!(
        chunks(&store).len(),
        before,
        "the probe's chunk is there since the store was made"
    );

    // A backup that relies on chunks of the last one, and sends some that nobody needs any more, while the server collects.
    two_days_pass(&store);
    fs::write(tree.join("more"), noise(4, 48 << 20)).expect("file");
    fs::write(tree.join("again"), noise(2, 12 << 20)).expect("file");
    let running = backup("box", "1700172800")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strongroom runs");
    house.client(&["garbage-collect"]).ok();
    let ended = running.wait_with_output().expect("strongroom ends");
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    house.client(&["garbage-collect"]).ok();
    house
        .manager(&["verify", "main", "--ignore-verified", "false"])
        .ok();
    house
        .client(&["restore", "host/box", "root.pxar", &text(&out)])
        .ok();
    for name in ["stays", "comes", "more", "again"] {
        let same = fs::read(tree.join(name)).expect("file")
            == fs::read(out.join(name)).expect("restored file");
        assert!(same, "{name} came back otherwise");
    }

    // Without that backup its chunks go, and what the one before it needs stays.
    house
        .client(&["snapshot", "forget", "host/box/2023-11-16T22:13:20Z"])
        .ok();
    two_days_pass(&store);
    let log = house.client(&["garbage-collect"]).ok();
    assert!(!log.out.contains("Removed chunks: 0"), "{}", log.out);
    assert!(
        chunks(&store).len() < before,
        "what only the first backup needed is gone"
    );
    let status = house
        .manager(&[
            "garbage-collection",
            "status",
            "main",
            "--output-format",
            "json",
        ])
        .ok()
        .json();
    assert!(
        status["removed-bytes"]
            .as_u64()
            .is_some_and(|bytes| bytes > 48 << 20),
        "{status}"
    );
    assert_eq!(
        (&status["last-run-state"], &status["pending-chunks"]),
        (&"OK".into(), &0.into())
    );
    house
        .manager(&["verify", "main", "--ignore-verified", "false"])
        .ok();

    // The same from the administrator's side; nothing is left to remove.
    let log = house.manager(&["garbage-collection", "start", "main"]).ok();
    assert!(
        log.out.contains("Removed chunks: 0") && log.out.ends_with("TASK OK\n"),
        "{}",
        log.out
    );
}

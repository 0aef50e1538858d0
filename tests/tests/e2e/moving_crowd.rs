//! Groups and namespaces that wander about while backups are made, snapshots pruned, all of it verified, and collections really remove chunks: a collection
//! that overlooked an index on its way would take chunks that somebody needs. All with real processes.

use std::fs::{self, FileTimes};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crate::house::{House, chunks, noise};

/// Groups that only wander; nobody else touches their chunks.
const WANDERERS: u64 = 4;
/// Groups that are backed up, and moved too when they are at rest.
const WRITERS: u64 = 3;
const ROUNDS: u64 = 3;
const FILE_BYTES: usize = 1 << 20;

/// As if nobody had used any chunk for two days. Only while no session is open.
fn two_days_pass(store: &Path) {
    let then = SystemTime::now() - Duration::from_secs(2 * 86_400);
    for chunk in chunks(store) {
        let file = fs::File::options().write(true).open(chunk).expect("chunk");
        file.set_times(FileTimes::new().set_accessed(then))
            .expect("time");
    }
}

fn back_up(house: &House, id: &str, time: i64) {
    let spec = format!("root.pxar:{}", house.path(id).display());
    let time = time.to_string();
    house
        .client(&["backup", &spec, "--backup-id", id, "--backup-time", &time])
        .ok();
}

/// Moves, or finds the place in use by somebody who has the right to it; nothing else may keep it.
fn moved(house: &House, words: &[&str], count: &AtomicUsize) {
    let output = house
        .client_command(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .expect("strongroom runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        count.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let allowed = [
        "unable to acquire lock",
        "in use",
        "namespace not found",
        "does not exist",
        "is not newer than",
        "were kept",
        "exists",
    ];
    assert!(
        allowed.iter().any(|text| said.contains(text)),
        "{words:?}: {said}"
    );
}

#[test]
fn moves_beside_everything_else() {
    let house = House::new();
    let store = house.path("main");
    for ns in ["a", "b"] {
        house.client(&["namespace", "create", ns]).ok();
    }
    let tree = |id: &str| {
        let tree = house.path(id);
        fs::create_dir_all(&tree).expect("folder");
        tree
    };
    for n in 0..WANDERERS {
        let id = format!("wanderer{n}");
        fs::write(tree(&id).join("own"), noise(n, FILE_BYTES)).expect("file");
        back_up(&house, &id, 1_700_000_000);
    }
    let job = ["prune-job", "create", "crowd", "--store", "main"];
    let keep = ["--schedule", "yearly", "--keep-last", "1"];
    house.manager(&[&job[..], &keep].concat()).ok();

    let (moves, mut removed) = (AtomicUsize::new(0), 0);
    for round in 0..ROUNDS {
        for n in 0..WRITERS {
            let tree = tree(&format!("writer{n}"));
            // One file comes again and again, another is garbage after the round.
            fs::write(tree.join("stays"), noise(100 + n, FILE_BYTES)).expect("file");
            let goes = noise(1000 + 10 * round + n, FILE_BYTES);
            fs::write(tree.join("goes"), goes).expect("file");
        }
        two_days_pass(&store);
        let places = ["", "a", "b"];
        std::thread::scope(|scope| {
            for n in 0..WRITERS {
                let house = &house;
                scope.spawn(move || {
                    let id = format!("writer{n}");
                    let time = 1_700_000_000 + 86_400 * i64::try_from(round).expect("small");
                    back_up(house, &id, time);
                });
            }
            let (house, moves) = (&house, &moves);
            for n in 0..WANDERERS {
                scope.spawn(move || {
                    let group = format!("host/wanderer{n}");
                    for step in 0..6 {
                        let step = step + usize::try_from(n).expect("small");
                        let (from, to) = (places[step % 3], places[(step + 1) % 3]);
                        let words = ["group", "move", &group, "--ns", from, "--target-ns", to];
                        moved(house, &words, moves);
                    }
                });
            }
            scope.spawn(move || {
                let group = "host/writer0";
                for (from, to) in [("", "a"), ("a", "")] {
                    let words = ["group", "move", group, "--ns", from, "--target-ns", to];
                    moved(house, &words, moves);
                }
                for (from, to) in [("b", "a/deep"), ("a/deep", "b")] {
                    let words = ["namespace", "move", from, "--target-ns", to];
                    moved(house, &words, moves);
                }
            });
            scope.spawn(move || {
                house.manager(&["prune-job", "run", "crowd"]).ok();
                house.manager(&["verify", "main"]).ok();
            });
            for _ in 0..2 {
                house.client(&["garbage-collect"]).ok();
                // Whoever lists or counts beside it is not troubled either.
                house.client(&["snapshot", "list"]).ok();
                house.client(&["status"]).ok();
                let status = ["garbage-collection", "status", "main"];
                let json = ["--output-format", "json"];
                let status = house.manager(&[&status[..], &json].concat()).ok().json();
                removed += status["removed-chunks"].as_u64().expect("a number");
            }
        });
        house.manager(&["prune-job", "run", "crowd"]).ok();
    }
    two_days_pass(&store);
    house.client(&["garbage-collect"]).ok();
    let moves = moves.into_inner();
    println!("{moves} moves, {removed} chunks removed beside them");
    assert!(moves > 10, "{moves} moves");
    assert!(removed > 0, "no collection removed anything beside moves");

    // Everything that is left is whole, and each wanderer is somewhere, once.
    let verify = ["verify", "main", "--ignore-verified", "false"];
    house.manager(&verify).ok();
    for n in 0..WANDERERS {
        let group = format!("host/wanderer{n}");
        let mut found = 0;
        for ns in ["", "a", "b", "a/deep"] {
            if !store_has(&store, ns, &group) {
                continue;
            }
            let out = house.path(&format!("out{n}"));
            let out = out.to_str().expect("utf-8");
            house
                .client(&["restore", &group, "root.pxar", out, "--ns", ns])
                .ok();
            let back = fs::read(Path::new(out).join("own")).expect("restored");
            assert!(back == noise(n, FILE_BYTES), "{group} came back otherwise");
            found += 1;
        }
        assert_eq!(found, 1, "{group}");
    }
}

fn store_has(store: &Path, ns: &str, group: &str) -> bool {
    let mut folder = store.to_owned();
    for part in ns.split('/').filter(|part| !part.is_empty()) {
        folder = folder.join("ns").join(part);
    }
    folder.join(group).is_dir()
}

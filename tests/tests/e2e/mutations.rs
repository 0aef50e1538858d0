//! A tree that changes at random between backups in metadata mode, while snapshots are forgotten and garbage is really removed:
//! every snapshot that is listed comes back as the tree was then. The same numbers each time, so a failure can be repeated.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::house::{House, chunks, noise, snapshot_name};
use crate::likeness::differences;

const ROUNDS: i64 = 4;

/// xorshift: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    fn data(&mut self) -> Vec<u8> {
        let lens = [
            0, 1, 16, 300, 5000, 16_368, 16_384, 65_520, 65_536, 150_000, 400_000,
        ];
        let len = lens[self.below(lens.len())];
        noise(self.below(1 << 20) as u64, len)
    }

    fn pick(&mut self, paths: &[PathBuf]) -> PathBuf {
        paths[self.below(paths.len())].clone()
    }
}

/// Regular files, and directories with the root.
fn members(root: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut files, mut dirs) = (Vec::new(), vec![root.to_owned()]);
    let mut next = 0;
    while next < dirs.len() {
        let mut entries: Vec<_> = fs::read_dir(&dirs[next])
            .expect("a directory")
            .map(|entry| entry.expect("an entry"))
            .collect();
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            match entry.file_type().expect("a type") {
                kind if kind.is_dir() => dirs.push(entry.path()),
                kind if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
        next += 1;
    }
    (files, dirs)
}

fn mutate(root: &Path, dice: &mut Dice, number: usize) {
    let (files, dirs) = members(root);
    let new = dice
        .pick(&dirs)
        .join(format!("{}-{number}", dice.below(99)));
    let old = dice.pick(&files);
    let data = dice.data();
    match dice.below(12) {
        0..3 => fs::write(new, data).expect("new file"),
        3 => fs::write(old, data).expect("own file"),
        4 => {
            let len = fs::metadata(&old).expect("a file").len() as usize;
            fs::write(old, noise(number as u64, len)).expect("own file");
        }
        5 => fs::remove_file(old).expect("own file"),
        6 => fs::rename(old, new).expect("own file"),
        7 => fs::hard_link(old, new).expect("new link"),
        8 => symlink("nowhere", new).expect("new link"),
        9 => {
            let mode = [0o600, 0o644, 0o755][dice.below(3)];
            fs::set_permissions(old, fs::Permissions::from_mode(mode)).expect("own file");
        }
        10 => {
            fs::create_dir(&new).expect("new directory");
            (0..20).for_each(|i| fs::write(new.join(format!("s{i}")), noise(i, 200)).expect("new"));
        }
        _ => {
            let len = dice.below(3000) as u64;
            let file = fs::File::options().write(true).open(old);
            file.and_then(|file| file.set_len(len)).expect("own file");
        }
    }
}

/// As if nothing had been used for two days, which is longer than garbage is kept.
fn age(store: &Path) {
    let then = SystemTime::now() - Duration::from_secs(2 * 86_400);
    let times = fs::FileTimes::new().set_accessed(then).set_modified(then);
    for chunk in chunks(store) {
        let file = fs::File::options()
            .write(true)
            .open(chunk)
            .expect("own chunk");
        file.set_times(times).expect("own chunk");
    }
}

#[test]
fn every_snapshot_of_a_changing_tree_comes_back() {
    const START: i64 = 1_700_000_000;
    let house = House::new();
    let (tree, store) = (house.path("tree"), house.path("main"));
    fs::create_dir(&tree).expect("new directory");
    let mut dice = Dice(0x5EED);
    for i in 0..30 {
        let dir = tree.join(format!("d{}", i % 4));
        fs::create_dir_all(&dir).expect("directory");
        fs::write(dir.join(format!("f{i}")), dice.data()).expect("new file");
    }
    let s = |path: &Path| path.to_str().expect("utf-8 path").to_owned();
    let spec = format!("root.pxar:{}", s(&tree));
    // When, and a copy of the tree as it was: what was restored right after the backup, once it has been compared.
    let mut kept: Vec<(i64, PathBuf)> = Vec::new();
    let mut number = 0;
    for round in 0..ROUNDS {
        for _ in 0..[0, 1, 3, 8, 20][dice.below(5)] {
            mutate(&tree, &mut dice, number);
            number += 1;
        }
        let time = START + round * 100;
        let when = time.to_string();
        // Whatever this backup relies on must be marked by itself.
        age(&store);
        let words = [
            "backup",
            &spec,
            "--backup-id",
            "box",
            "--backup-time",
            &when,
        ];
        let mode = ["--change-detection-mode", "metadata", "--chunk-size", "64"];
        house.client(&[&words[..], &mode].concat()).ok();
        let copy = house.path(&format!("copy{round}"));
        let snapshot = snapshot_name("box", time);
        house
            .client(&["restore", &snapshot, "root.pxar", &s(&copy)])
            .ok();
        assert_eq!(differences(&tree, &copy), "", "round {round}");
        kept.push((time, copy));
        if kept.len() > 2 {
            let (gone, _) = kept.remove(dice.below(kept.len()));
            let snapshot = snapshot_name("box", gone);
            house.client(&["snapshot", "forget", &snapshot]).ok();
        }
        house.client(&["garbage-collect"]).ok();
    }
    house.manager(&["verify", "main"]).ok();
    for (time, copy) in kept {
        let (snapshot, again) = (
            snapshot_name("box", time),
            house.path(&format!("again{time}")),
        );
        house
            .client(&["restore", &snapshot, "root.pxar", &s(&again)])
            .ok();
        assert_eq!(differences(&copy, &again), "", "{snapshot}");
    }
}

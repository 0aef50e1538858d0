//! A datastore that was damaged behind the server's back: verify names it, restore refuses it, nothing panics, and a new backup heals.

use std::fs;
use std::path::{Path, PathBuf};

use crate::house::{House, chunks, noise};

struct Damaged {
    house: House,
    snapshot: String,
}

fn backed_up() -> Damaged {
    let house = House::new();
    fs::write(house.path("disk"), noise(11, (9 << 20) + 77)).expect("image");
    fs::create_dir(house.path("tree")).expect("folder");
    fs::write(house.path("tree/file"), noise(12, 300_000)).expect("file");
    house
        .client(&[
            "backup",
            "disk.img:disk",
            "root.pxar:tree",
            "--backup-id",
            "x",
        ])
        .ok();
    let snapshot = house.newest("x");
    Damaged { house, snapshot }
}

fn snapshot_dir(house: &House) -> PathBuf {
    fs::read_dir(house.path("main/host/x"))
        .expect("group")
        .flatten()
        .map(|e| e.path())
        .find(|p| p.is_dir())
        .expect("snapshot folder")
}

fn largest(store: &Path) -> PathBuf {
    chunks(store)
        .into_iter()
        .max_by_key(|c| fs::metadata(c).expect("chunk").len())
        .expect("a chunk")
}

#[test]
fn chunks_cut_short_or_with_a_flipped_bit() {
    type Damage = fn(&mut Vec<u8>);
    let kinds: [(&str, Damage); 2] = [
        ("cut short", |b| b.truncate(b.len() / 2)),
        ("bit flipped", |b| {
            let at = b.len() / 2;
            b[at] ^= 1;
        }),
    ];
    for (kind, damage) in kinds {
        let Damaged { house, snapshot } = backed_up();
        let victim = largest(&house.path("main"));
        let digest = victim
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let mut bytes = fs::read(&victim).expect("chunk");
        damage(&mut bytes);
        fs::write(&victim, &bytes).expect("damage");

        let restore = house.client(&["restore", &snapshot, "disk.img", "out"]);
        restore.refused(&[
            "disk.img",
            "hint: a part of this backup is missing or damaged",
            "`strongroom snapshot list`",
            "--pattern",
        ]);
        let verify = house.manager(&["verify", "main"]);
        assert_ne!(verify.code, Some(0), "{kind}: verify finds it");
        assert!(
            format!("{}{}", verify.out, verify.err).contains(&digest),
            "{kind}: the chunk is named"
        );
        assert!(!victim.exists(), "{kind}: the chunk was set aside");
        let list = house
            .client(&["snapshot", "list", "--output-format", "json"])
            .ok()
            .json();
        assert_eq!(list[0]["verification"]["state"], "failed");

        // the next backup uploads the chunk again, and all is well
        house
            .client(&[
                "backup",
                "disk.img:disk",
                "root.pxar:tree",
                "--backup-id",
                "x",
                "--backup-time",
                "1900000000",
            ])
            .ok();
        assert!(victim.exists(), "{kind}: healed");
        house
            .client(&["restore", "host/x", "disk.img", "healed"])
            .ok();
        assert!(
            fs::read(house.path("disk")).expect("source")
                == fs::read(house.path("healed")).expect("restored")
        );
        house
            .manager(&["verify", "main", "--ignore-verified", "false"])
            .ok();
    }
}

/// A restore only said which chunk it missed, and left whoever stood before a dead machine alone with that.
#[test]
fn what_to_do_without_a_chunk() {
    let Damaged { house, snapshot } = backed_up();
    for chunk in chunks(&house.path("main")) {
        fs::remove_file(chunk).expect("removed");
    }
    for (archive, out) in [("disk.img", "out"), ("root.pxar", "tree-out")] {
        house
            .client(&["restore", &snapshot, archive, out])
            .refused(&[
                "hint: a part of this backup is missing or damaged",
                "`strongroom snapshot list`",
                "`strongroom mount`",
            ]);
    }
}

#[test]
fn a_truncated_index() {
    let Damaged { house, snapshot } = backed_up();
    let index = snapshot_dir(&house).join("disk.img.fidx");
    let bytes = fs::read(&index).expect("index");
    fs::write(&index, &bytes[..bytes.len() - 10]).expect("cut");
    house
        .client(&["restore", &snapshot, "disk.img", "out"])
        .refused(&["disk.img"]);
    assert_ne!(house.manager(&["verify", "main"]).code, Some(0));
    house
        .client(&["restore", &snapshot, "root.pxar", "tree-out"])
        .ok();
    house
        .client(&[
            "backup",
            "disk.img:disk",
            "--backup-id",
            "x",
            "--backup-time",
            "1900000000",
        ])
        .ok();
}

#[test]
fn a_manifest_with_a_foreign_name() {
    let Damaged { house, snapshot } = backed_up();
    house
        .client(&["backup", "disk.img:disk", "--backup-id", "other"])
        .ok();
    let other = fs::read_dir(house.path("main/host/other"))
        .expect("group")
        .flatten()
        .map(|e| e.path())
        .find(|p| p.is_dir());
    fs::copy(
        other.expect("folder").join("index.json.blob"),
        snapshot_dir(&house).join("index.json.blob"),
    )
    .expect("swap");
    house
        .client(&["restore", &snapshot, "disk.img", "out"])
        .refused(&["manifest"]);
    // verify compares files with the manifest (formats.md 10.1), which holds here; it does not keep quiet about the name
    let verify = house.manager(&["verify", "main"]).ok();
    assert!(
        verify.out.contains("belongs to host/other"),
        "{}",
        verify.out
    );
    // the store still lists and serves the others
    house.client(&["snapshot", "list"]).ok();
    house
        .client(&["restore", "host/other", "disk.img", "other-out"])
        .ok();
}

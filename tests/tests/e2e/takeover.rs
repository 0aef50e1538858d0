//! A datastore and a configuration written by the original: registered as they are, users log in, everything lists, verifies and restores.

use std::fs;
use std::path::Path;

use crate::house::{House, fixtures};

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folder");
    for entry in fs::read_dir(from).expect("folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).expect("file")).expect("copy");
        }
    }
}

/// The original's datastore and configuration below a running server, and its repository; `None` without fixtures.
pub fn installation() -> Option<(House, String)> {
    installation_of("datastore")
}

/// The same with another datastore of the original, a folder of the fixtures.
pub fn installation_of(folder: &str) -> Option<(House, String)> {
    let fixtures = fixtures()?;
    let mut house = House::empty();
    let store = house.path("peer");
    copy(&fixtures.join(folder), &store);
    for name in ["user.cfg", "acl.cfg", "shadow.json", "token.shadow"] {
        fs::copy(
            fixtures.join("server-state").join(name),
            house.path("config").join(name),
        )
        .expect("config");
    }
    let config = format!("datastore: peer\n\tpath {}\n", store.display());
    fs::write(house.path("config/datastore.cfg"), config).expect("config");
    house.start();
    house
        .env
        .insert("PBS_PASSWORD".into(), "peer-test-1".into());
    let repository = format!("test@pbs@{}:peer", house.address);
    Some((house, repository))
}

#[test]
fn an_existing_installation() {
    let Some(fixtures) = fixtures() else { return };
    let Some((house, repository)) = installation() else {
        return;
    };
    let client = |words: &[&str]| {
        let mut all = words.to_vec();
        all.extend(["--repository", &repository]);
        house.client(&all)
    };

    let list = client(&["snapshot", "list", "--output-format", "json"])
        .ok()
        .json();
    assert_eq!(list.as_array().map(Vec::len), Some(6), "{list}");
    let verify = house.manager(&["verify", "peer"]).ok();
    assert!(
        !verify.out.to_lowercase().contains("failed"),
        "{}",
        verify.out
    );

    let plain = "host/plain/2023-11-14T22:13:20Z";
    let disk = client(&["restore", plain, "disk.img", "-"]).ok();
    assert_eq!(disk.raw.len(), 5 << 20);
    let archive = client(&["restore", plain, "root.pxar", "-"]).ok();
    assert!(
        archive.raw == fs::read(fixtures.join("tree.pxar")).expect("fixture"),
        "the archive's bytes"
    );
    let conf = client(&[
        "restore",
        "vm/100/2023-11-14T22:18:20Z",
        "qemu-server.conf",
        "-",
    ])
    .ok();
    assert_eq!(conf.out, "arch: amd64\nhostname: demo\nmemory: 512\n");

    let encrypted = "host/enc/2023-11-14T22:15:00Z";
    client(&["restore", encrypted, "disk.img", "-"]).refused(&["missing key"]);
    let key = fixtures.join("keys/none.json");
    let opened = client(&[
        "restore",
        encrypted,
        "disk.img",
        "-",
        "--keyfile",
        key.to_str().expect("utf-8"),
    ])
    .ok();
    assert!(opened.raw == disk.raw);
    let signed = "host/signed/2023-11-14T22:16:40Z";
    client(&[
        "restore",
        signed,
        "disk.img",
        "-",
        "--keyfile",
        key.to_str().expect("utf-8"),
    ])
    .ok();

    let deep = client(&["snapshot", "list", "--ns", "a/b", "--output-format", "json"])
        .ok()
        .json();
    assert_eq!(deep[0]["backup-id"], "200");
    // and a backup into it, on top of what the original wrote
    fs::write(house.path("demo.conf"), "x").expect("file");
    client(&["backup", "demo.conf:demo.conf", "--backup-id", "new"]).ok();
}

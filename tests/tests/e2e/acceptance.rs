//! The lines of the README and what they must give back: a tree, an image and a file, plain and encrypted, first and second backup.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use crate::house::{House, chunks, is_root, noise};
use crate::likeness::differences;

/// A small tree with what trees have; more as root (owners, devices, capabilities).
pub fn plant(root: &Path) {
    fs::create_dir_all(root.join("deep/er")).expect("folders");
    fs::create_dir(root.join("empty")).expect("folder");
    fs::write(root.join("deep/er/text"), "hello\n".repeat(1000)).expect("file");
    fs::write(root.join("noise"), noise(1, 9 << 20)).expect("file");
    fs::write(root.join("zero"), "").expect("file");
    fs::write(root.join("odd \"name\" \u{1F600}\n"), "x").expect("file");
    fs::hard_link(root.join("noise"), root.join("deep/noise-again")).expect("link");
    symlink("deep/er/text", root.join("link")).expect("symlink");
    symlink("/nowhere/at/all", root.join("dangling")).expect("symlink");
    let sparse = fs::File::create(root.join("sparse")).expect("file");
    sparse.set_len(32 << 20).expect("length");
    sparse.write_all_at(b"island", 20 << 20).expect("write");
    fs::set_permissions(root.join("zero"), fs::Permissions::from_mode(0o604)).expect("mode");
    fs::set_permissions(root.join("empty"), fs::Permissions::from_mode(0o1750)).expect("mode");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::Mode::from(0o640),
    )
    .expect("fifo");
    // not every file system has user xattrs; where it has, they must come back
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(root.join("zero"), "user.note", b"kept\0raw", flags).ok();
    if is_root() {
        std::os::unix::fs::chown(root.join("link"), Some(12), Some(34)).expect("chown");
        std::os::unix::fs::lchown(root.join("deep"), Some(1234), Some(5678)).expect("chown");
        // rwxr-x--- with user 77 r-x: a version 2 ACL as the kernel stores it
        let acl: Vec<u8> = [
            &2u32.to_le_bytes()[..],
            &[1, 0, 7, 0, 0xff, 0xff, 0xff, 0xff],
            &[2, 0, 5, 0, 77, 0, 0, 0],
            &[4, 0, 5, 0, 0xff, 0xff, 0xff, 0xff],
            &[16, 0, 5, 0, 0xff, 0xff, 0xff, 0xff],
            &[32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        ]
        .concat();
        rustix::fs::setxattr(root.join("deep/er"), "system.posix_acl_access", &acl, flags).ok();
    }
}

/// 21 MiB with a hole, a repeated part and a short end.
pub fn image(path: &Path) {
    let file = fs::File::create(path).expect("image");
    file.set_len((21 << 20) + 512).expect("length");
    file.write_all_at(&noise(7, 6 << 20), 0).expect("write");
    file.write_all_at(&noise(7, 4 << 20), 12 << 20)
        .expect("write");
    file.write_all_at(&noise(8, 512), 21 << 20).expect("write");
}

fn s(path: &Path) -> &str {
    path.to_str().expect("utf-8 path")
}

#[test]
fn back_up_twice_list_restore_verify_forget() {
    let house = House::new();
    let (tree, disk, conf) = (
        house.path("tree"),
        house.path("disk"),
        house.path("etc.conf"),
    );
    plant(&tree);
    image(&disk);
    fs::write(&conf, "answer = 42\n").expect("conf");
    let specs = [
        format!("root.pxar:{}", s(&tree)),
        format!("disk.img:{}", s(&disk)),
        format!("etc.conf:{}", s(&conf)),
    ];
    let backup = |extra: &[&str]| {
        let mut words = vec!["backup"];
        words.extend(specs.iter().map(String::as_str));
        words.extend(["--backup-id", "box"]);
        words.extend(extra);
        house.client(&words)
    };

    backup(&["--backup-time", "1700000000"]).ok();
    let first = chunks(&house.path("main"));
    let again = backup(&["--backup-time", "1700000100"]).ok();
    assert_eq!(
        first,
        chunks(&house.path("main")),
        "an unchanged second backup stores no new chunk"
    );
    assert!(again.err.contains("incrementally"), "{}", again.err);

    let list = house
        .client(&["snapshot", "list", "--output-format", "json"])
        .ok()
        .json();
    assert_eq!(list.as_array().map(Vec::len), Some(2));
    assert!(list[0]["size"].as_u64().is_some_and(|size| size > 20 << 20));
    assert_eq!(list[0]["owner"], "admin@pbs");

    let snapshot = house.newest("box");
    let dump = house.client(&["catalog", "dump", &snapshot]).ok();
    assert!(
        dump.err
            .contains("f \"./root.pxar.didx/deep/er/text\" 6000 "),
        "{}",
        dump.err
    );
    assert!(
        dump.err.contains("h \"./root.pxar.didx/noise\"")
            || dump.err.contains("h \"./root.pxar.didx/deep/noise-again\"")
            || dump.err.contains("h \"./root.pxar.didx/noise"),
        "{}",
        dump.err
    );

    let (out_tree, out_disk) = (house.path("out-tree"), house.path("out-disk"));
    house
        .client(&["restore", &snapshot, "root.pxar", s(&out_tree)])
        .ok();
    assert_eq!(differences(&tree, &out_tree), "");
    house
        .client(&["restore", "host/box", "disk.img", s(&out_disk)])
        .ok();
    assert!(
        fs::read(&disk).expect("image") == fs::read(&out_disk).expect("restored image"),
        "images differ"
    );
    let piped = house.client(&["restore", &snapshot, "disk.img", "-"]).ok();
    assert!(
        piped.raw == fs::read(&disk).expect("image"),
        "the image on standard output differs"
    );
    let conf = house.client(&["restore", &snapshot, "etc.conf", "-"]).ok();
    assert_eq!(conf.out, "answer = 42\n");

    let some = house.path("some");
    house
        .client(&[
            "restore",
            &snapshot,
            "root.pxar",
            s(&some),
            "--pattern",
            "/deep/er/text",
        ])
        .ok();
    assert!(some.join("deep/er/text").exists() && !some.join("noise").exists());

    house.manager(&["verify", "main"]).ok();
    let verified = house
        .client(&["snapshot", "list", "--output-format", "json"])
        .ok()
        .json();
    assert!(
        verified
            .as_array()
            .expect("list")
            .iter()
            .all(|s| s["verification"]["state"] == "ok"),
        "{verified}"
    );

    house
        .client(&["snapshot", "protected", "update", &snapshot, "true"])
        .ok();
    house
        .client(&["snapshot", "forget", &snapshot])
        .refused(&["cannot remove protected snapshot"]);
    house
        .client(&["snapshot", "protected", "update", &snapshot, "false"])
        .ok();
    house.client(&["snapshot", "forget", &snapshot]).ok();
    let left = house
        .client(&["snapshot", "list", "--output-format", "json"])
        .ok()
        .json();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert!(
        house
            .tasks()
            .iter()
            .filter(|(kind, _)| kind == "backup")
            .all(|(_, status)| status == "OK")
    );
}

#[test]
fn encrypted_and_signed_backups_need_their_key() {
    let house = House::new();
    let (tree, disk) = (house.path("tree"), house.path("disk"));
    plant(&tree);
    image(&disk);
    house
        .client(&["key", "create", "key.json", "--kdf", "none"])
        .ok();
    assert!(house.path("key.json").exists());
    house
        .client(&["key", "create", "other.json", "--kdf", "none"])
        .ok();
    let specs = [
        format!("root.pxar:{}", s(&tree)),
        format!("disk.img:{}", s(&disk)),
    ];
    for (id, mode) in [("enc", "encrypt"), ("sig", "sign-only")] {
        let words = [
            "backup",
            &specs[0],
            &specs[1],
            "--backup-id",
            id,
            "--keyfile",
            "key.json",
            "--crypt-mode",
            mode,
        ];
        house.client(&words).ok();
        let snapshot = house.newest(id);
        let files = house
            .client(&["snapshot", "files", &snapshot, "--output-format", "json"])
            .ok()
            .json();
        assert!(
            files
                .as_array()
                .expect("files")
                .iter()
                .any(|f| f["crypt-mode"] == mode),
            "{files}"
        );

        let out = house.path(&format!("out-{id}"));
        house
            .client(&["restore", &snapshot, "root.pxar", s(&out)])
            .refused(&["key"]);
        house
            .client(&[
                "restore",
                &snapshot,
                "root.pxar",
                s(&out),
                "--keyfile",
                "other.json",
            ])
            .refused(&["wrong key"]);
        assert!(
            !out.exists() || fs::read_dir(&out).expect("folder").next().is_none(),
            "nothing is written without the key"
        );
        house
            .client(&[
                "restore",
                &snapshot,
                "root.pxar",
                s(&out),
                "--keyfile",
                "key.json",
            ])
            .ok();
        assert_eq!(differences(&tree, &out), "");
        let piped = house
            .client(&[
                "restore",
                &snapshot,
                "disk.img",
                "-",
                "--keyfile",
                "key.json",
            ])
            .ok();
        assert!(piped.raw == fs::read(&disk).expect("image"));
        let dump = house
            .client(&["catalog", "dump", &snapshot, "--keyfile", "key.json"])
            .ok();
        assert!(dump.err.contains("./root.pxar.didx/deep/er/text"));
    }
    house.manager(&["verify", "main"]).ok();
}

#[test]
fn namespaces_notes_and_tokens() {
    let house = House::new();
    fs::write(house.path("a.conf"), "a").expect("file");
    house.client(&["namespace", "create", "teams"]).ok();
    house.client(&["namespace", "create", "teams/one"]).ok();
    house
        .client(&[
            "backup",
            "a.conf:a.conf",
            "--backup-id",
            "x",
            "--ns",
            "teams/one",
        ])
        .ok();
    let listed = house.client(&["namespace", "list"]).ok();
    assert_eq!(listed.out, "teams\nteams/one\n");
    let snapshots = house
        .client(&[
            "snapshot",
            "list",
            "--ns",
            "teams/one",
            "--output-format",
            "json",
        ])
        .ok()
        .json();
    assert_eq!(snapshots[0]["backup-id"], "x");
    let time = snapshots[0]["backup-time"].as_i64().expect("time");
    let name = crate::house::snapshot_name("x", time);
    house
        .client(&[
            "snapshot",
            "notes",
            "update",
            &name,
            "first line\nsecond",
            "--ns",
            "teams/one",
        ])
        .ok();
    let notes = house
        .client(&["snapshot", "notes", "show", &name, "--ns", "teams/one"])
        .ok();
    assert_eq!(notes.out, "first line\nsecond\n");
    house
        .client(&["namespace", "delete", "teams/one"])
        .refused(&["delete-groups"]);
    house
        .client(&[
            "namespace",
            "delete",
            "teams/one",
            "--delete-groups",
            "true",
        ])
        .ok();

    let made = house
        .manager(&["user", "generate-token", "admin@pbs", "laptop"])
        .ok();
    let value: String = made
        .out
        .split('"')
        .find(|w| w.len() == 36 && w.matches('-').count() == 4)
        .expect("secret")
        .into();
    house
        .manager(&[
            "acl",
            "update",
            "/datastore/main",
            "DatastoreBackup",
            "--auth-id",
            "admin@pbs!laptop",
        ])
        .ok();
    let repository = format!("admin@pbs!laptop@{}:main", house.address);
    let mut with_token = house.client_command(&[
        "backup",
        "a.conf:a.conf",
        "--backup-id",
        "t",
        "--repository",
        &repository,
    ]);
    let said = with_token
        .env("PBS_PASSWORD", &value)
        .stderr(Stdio::piped())
        .output()
        .expect("runs");
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let groups = house
        .client(&["list", "--output-format", "json"])
        .ok()
        .json();
    assert_eq!(groups[0]["owner"], "admin@pbs!laptop");
}

#[test]
fn a_dry_run_and_excludes() {
    let house = House::new();
    plant(&house.path("tree"));
    let dry = house
        .client(&[
            "backup",
            "root.pxar:tree",
            "--backup-id",
            "dry",
            "--dry-run",
        ])
        .ok();
    assert!(
        dry.err.contains("dry-run: no upload happened"),
        "{}",
        dry.err
    );
    house.eventually("the dry run leaves no snapshot", |h| {
        h.client(&["snapshot", "list", "--output-format", "json"])
            .ok()
            .json()
            == serde_json::json!([])
    });
    house
        .client(&[
            "backup",
            "root.pxar:tree",
            "--backup-id",
            "ex",
            "--exclude",
            "noise*",
            "--exclude",
            "/deep/er",
        ])
        .ok();
    house
        .client(&["restore", "host/ex", "root.pxar", "out"])
        .ok();
    assert!(!house.path("out/noise").exists() && !house.path("out/deep/noise-again").exists());
    assert!(!house.path("out/deep/er").exists() && house.path("out/sparse").exists());
    assert_eq!(
        fs::read_to_string(house.path("out/.pxarexclude-cli")).expect("list"),
        "noise*\n/deep/er\n"
    );
}

#[test]
fn the_server_ends_politely() {
    let mut house = House::new();
    assert_eq!(house.stop(), Some(0));
}

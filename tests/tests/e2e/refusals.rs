//! Bad input from users: each gets exit status 255 and a message that names the thing; nothing half-made stays.

use std::fs;
use std::path::Path;

use crate::house::{House, PASSWORD, Said, USER, is_root, noise};

#[test]
fn wrong_credentials_and_places() {
    let house = House::new();
    fs::write(house.path("a.conf"), "a").expect("file");
    let backup = ["backup", "a.conf:a.conf", "--backup-id", "x"];
    let with = |key: &str, value: &str| {
        let said = house
            .client_command(&backup)
            .env(key, value)
            .output()
            .expect("runs");
        (
            said.status.code(),
            String::from_utf8_lossy(&said.stderr).to_lowercase(),
        )
    };

    let (code, text) = with("PBS_PASSWORD", "wrong");
    assert!(
        code == Some(255) && text.contains("permission check failed"),
        "{text}"
    );
    let token = format!("{USER}!none@{}:main", house.address);
    for words in [&["snapshot", "list"][..], &["status"], &backup] {
        let mut command = words.to_vec();
        command.extend(["--repository", &token]);
        house
            .client(&command)
            .refused(&["authentication failed", "hint: check the API token's name"]);
    }
    let (code, text) = with("PBS_FINGERPRINT", &["00"; 32].join(":"));
    assert!(code == Some(255) && text.contains("fingerprint"), "{text}");

    let at = &house.address;
    for (repository, words) in [
        (format!("{USER}@{at}:nowhere"), vec!["nowhere"]),
        (
            format!("nobody@pbs@{at}:main"),
            vec!["permission check failed"],
        ),
        (
            format!("{USER}@127.0.0.1:1:main"),
            vec!["127.0.0.1", "connect"],
        ),
        ("not a repository".to_string(), vec!["repository"]),
    ] {
        let mut command: Vec<&str> = backup.to_vec();
        command.extend(["--repository", &repository]);
        house.client(&command).refused(&words);
    }
}

#[test]
fn the_server_is_known_by_a_file_of_certificates_too() {
    let house = House::new();
    let own = house.path("config/proxy.pem");
    let users = house.path("config/user.cfg");
    let list = |file: Option<&Path>, environment: &[(&str, &Path)]| {
        let mut command = house.client_command(&["snapshot", "list"]);
        command.env_remove("PBS_FINGERPRINT");
        command.args(file.map(|file| format!("--ca-file={}", file.display())));
        command.envs(environment.iter().copied());
        Said::from(command.output().expect("runs"))
    };
    list(Some(&own), &[]).ok();
    list(None, &[("PBS_CA_FILE", &own)]).ok();
    list(None, &[("SSL_CERT_FILE", &own)]).ok();
    list(Some(&own), &[("PBS_CA_FILE", &users)]).ok();
    list(None, &[]).refused(&["certificate", &house.fingerprint]);
    list(Some(&users), &[]).refused(&["cannot use the certificates", "user.cfg"]);
    list(Some(&house.path("none.pem")), &[]).refused(&["none.pem"]);
}

#[test]
fn missing_rights_are_named() {
    let house = House::new();
    house
        .manager(&["user", "create", "low@pbs", "--password", PASSWORD])
        .ok();
    fs::write(house.path("a.conf"), "a").expect("file");
    let repository = format!("low@pbs@{}:main", house.address);
    let words = [
        "backup",
        "a.conf:a.conf",
        "--backup-id",
        "x",
        "--repository",
        &repository,
    ];
    house
        .client(&words)
        .refused(&["missing permissions 'Datastore.Backup' on '/datastore/main'"]);
    house
        .client(&["snapshot", "list", "--repository", &repository])
        .refused(&["permission check failed"]);

    // rights that come while the server runs count at once, rights that go as well
    house
        .manager(&[
            "acl",
            "update",
            "/datastore/main",
            "DatastoreBackup",
            "--auth-id",
            "low@pbs",
        ])
        .ok();
    house.client(&words).ok();
    house
        .manager(&[
            "acl",
            "update",
            "/datastore/main",
            "DatastoreBackup",
            "--auth-id",
            "low@pbs",
            "--delete",
        ])
        .ok();
    house
        .client(&["snapshot", "list", "--repository", &repository])
        .refused(&["permission check failed"]);
}

#[test]
fn sources_and_targets() {
    let house = House::new();
    fs::create_dir(house.path("tree")).expect("folder");
    fs::write(house.path("tree/file"), noise(3, 100_000)).expect("file");
    fs::write(house.path("a.conf"), "a").expect("file");
    for (spec, words) in [
        ("root.pxar:missing", vec!["missing"]),
        ("root.pxar:a.conf", vec!["a.conf", "directory"]),
        ("disk.img:tree", vec!["tree"]),
        ("a.conf:tree", vec!["tree"]),
        ("root.zip:tree", vec!["root.zip"]),
        ("nonsense", vec!["nonsense"]),
    ] {
        house
            .client(&["backup", spec, "--backup-id", "bad"])
            .refused(&words);
    }
    house
        .client(&["backup", "a.pxar:tree", "a.pxar:tree", "--backup-id", "bad"])
        .refused(&["a.pxar"]);
    house
        .client(&["backup", "--backup-id", "bad"])
        .refused(&["backupspec"]);
    house
        .client(&["backup", "a.conf:a.conf", "--backup-id", "../x"])
        .refused(&["backup-id"]);
    let none = house
        .client(&["snapshot", "list", "--output-format", "json"])
        .ok()
        .json();
    assert_eq!(
        none,
        serde_json::json!([]),
        "no refused backup left a snapshot"
    );

    house
        .client(&[
            "backup",
            "root.pxar:tree",
            "a.conf:a.conf",
            "--backup-id",
            "x",
        ])
        .ok();
    house
        .client(&["restore", "host/x", "a.conf", "a.conf"])
        .refused(&["a.conf", "exists"]);
    assert_eq!(fs::read_to_string(house.path("a.conf")).expect("kept"), "a");
    house
        .client(&["restore", "host/x", "other.pxar", "out"])
        .refused(&["other.pxar"]);
    house
        .client(&["restore", "host/none", "root.pxar", "out"])
        .refused(&["host/none"]);
    house
        .client(&["restore", "host/x", "root.pxar", "out"])
        .ok();
    house
        .client(&["restore", "host/x", "root.pxar", "out"])
        .refused(&["file", "exist"]);
    house
        .client(&[
            "restore",
            "host/x",
            "root.pxar",
            "out",
            "--allow-existing-dirs",
            "--overwrite",
        ])
        .ok();
}

/// Unmounted or moved away behind the server's back: nobody is told that there are no backups.
#[test]
fn a_datastore_that_went_away() {
    let house = House::new();
    fs::write(house.path("a.conf"), "a").expect("file");
    let backup = ["backup", "a.conf:a.conf", "--backup-id", "x"];
    house.client(&backup).ok();
    fs::rename(house.path("main"), house.path("away")).expect("rename");
    house.client(&["snapshot", "list"]).refused(&["main"]);
    house.client(&["list"]).refused(&["main"]);
    house.client(&backup).refused(&["main"]);
    assert_ne!(house.manager(&["verify", "main"]).code, Some(0));
    assert!(!house.path("main").exists(), "no new store was made");
    fs::rename(house.path("away"), house.path("main")).expect("rename");
    house.client(&["restore", "host/x", "a.conf", "back"]).ok();
}

#[test]
fn older_backup_time_is_refused() {
    let house = House::new();
    fs::write(house.path("a.conf"), "a").expect("file");
    let at = |time: &str| {
        house.client(&[
            "backup",
            "a.conf:a.conf",
            "--backup-id",
            "x",
            "--backup-time",
            time,
        ])
    };
    at("1700000000").ok();
    at("1600000000").refused(&["older than last backup"]);
    at("1700000000").refused(&["older than last backup"]);
    at("1700000001").ok();
}

/// A small tmpfs under the datastore: the backup fails with a clear text, nothing is listed, and after room was made the next one works.
#[test]
fn full_disks_on_both_sides() {
    if !is_root() {
        eprintln!("skipped: mounting a tmpfs needs root");
        return;
    }
    let house = House::new();
    let small = house.path("small");
    fs::create_dir(&small).expect("folder");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m,nr_inodes=200000", "none"])
        .arg(&small)
        .status();
    if !mounted.is_ok_and(|s| s.success()) {
        eprintln!("skipped: no right to mount a tmpfs here");
        return;
    }
    struct Unmount<'a>(&'a std::path::Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            std::process::Command::new("umount")
                .arg("-l")
                .arg(self.0)
                .status()
                .ok();
        }
    }
    let _unmount = Unmount(&small);
    let store = small.join("store");
    house
        .manager(&[
            "datastore",
            "create",
            "tiny",
            store.to_str().expect("utf-8"),
        ])
        .ok();
    let repository = format!("{USER}@{}:tiny", house.address);
    fs::write(house.path("big"), noise(5, 64 << 20)).expect("file");
    fs::write(house.path("little"), noise(6, 1 << 20)).expect("file");
    house
        .client(&[
            "backup",
            "disk.img:big",
            "--backup-id",
            "x",
            "--repository",
            &repository,
        ])
        .refused(&["no space left"]);
    house.eventually("the failed backup is gone", |h| {
        h.client(&[
            "snapshot",
            "list",
            "--repository",
            &repository,
            "--output-format",
            "json",
        ])
        .ok()
        .json()
            == serde_json::json!([])
    });
    assert!(
        house
            .tasks()
            .iter()
            .any(|(kind, status)| kind == "backup" && status != "OK"),
        "{:?}",
        house.tasks()
    );
    for file in crate::house::chunks(&store) {
        fs::remove_file(file).expect("room");
    }
    house
        .client(&[
            "backup",
            "disk.img:little",
            "--backup-id",
            "x",
            "--repository",
            &repository,
        ])
        .ok();

    // the client's side: restore to the same small disk
    house
        .client(&["backup", "disk.img:big", "--backup-id", "y"])
        .ok();
    let target = small.join("out");
    house
        .client(&[
            "restore",
            "host/y",
            "disk.img",
            target.to_str().expect("utf-8"),
        ])
        .refused(&["no space left", "hint: the target's disk is full"]);
    assert!(!target.exists(), "no half image stays");
}

/// Runs a command in a namespace of its own after a few lines of shell there; `None` if that cannot be made here.
fn elsewhere(house: &House, before: &str, words: &[&str]) -> Option<Said> {
    if !is_root() {
        eprintln!("skipped: only root can mount things away");
        return None;
    }
    let client = house.client_command(words);
    let mut shell = house.command("strongroom");
    let script = format!("{before} || exit 77; exec \"$0\" \"$@\"");
    let mut words: Vec<_> = ["--mount", "sh", "-c", &script].map(Into::into).into();
    words.push(client.get_program().to_owned());
    words.extend(client.get_args().map(ToOwned::to_owned));
    let folder = shell.get_current_dir().map(ToOwned::to_owned);
    let environment: Vec<_> = shell
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    shell = std::process::Command::new("unshare");
    shell
        .args(words)
        .current_dir(folder.expect("set"))
        .env_clear();
    let output = shell.envs(environment).output().ok()?;
    if output.status.code() == Some(77) || output.status.code() == Some(1) {
        eprintln!("skipped: no namespace of its own here");
        return None;
    }
    Some(Said::from(output))
}

/// A target that cannot be written, and a machine without FUSE: what is wrong, and what to do.
#[test]
fn read_only_targets_and_no_fuse() {
    let house = House::new();
    fs::create_dir_all(house.path("tree/sub")).expect("folders");
    fs::write(house.path("tree/sub/file"), noise(3, 1000)).expect("file");
    fs::write(house.path("disk"), noise(4, 100_000)).expect("file");
    fs::write(house.path("note"), "text").expect("file");
    house
        .client(&[
            "backup",
            "root.pxar:tree",
            "disk.img:disk",
            "note.conf:note",
            "--backup-id",
            "x",
        ])
        .ok();
    fs::create_dir(house.path("ro")).expect("folder");
    let read_only = "mount -t tmpfs -o ro none ro";
    for archive in ["root.pxar", "disk.img", "note.conf", "index.json"] {
        let words = ["restore", "host/x", archive, "ro/out"];
        let Some(said) = elsewhere(&house, read_only, &words) else {
            return;
        };
        said.refused(&[
            "read-only file system (os error 30)",
            "ro/out",
            "hint: the target lies on a read-only file system",
        ]);
    }
    // The house itself may lie in memory, below /dev: then it stays where it was.
    let bare = "inside=${PWD#/dev/} && mount -t tmpfs none dev && mknod dev/null c 1 3 && mknod dev/urandom c 1 9 && \
                { [ \"$inside\" = \"$PWD\" ] || { mkdir -p \"dev/$inside\" && mount --bind . \"dev/$inside\"; }; } && \
                mount --move dev /dev";
    for folder in ["mnt", "dev"] {
        fs::create_dir(house.path(folder)).expect("folder");
    }
    for words in [
        &["mount", "host/x", "root.pxar", "mnt"][..],
        &["map", "host/x", "disk.img"],
    ] {
        let Some(said) = elsewhere(&house, bare, words) else {
            return;
        };
        said.refused(&["this machine has no /dev/fuse", "hint: `modprobe fuse`"]);
    }
}

/// Every repository that let somebody in was offered again, although it had refused (cli.md 2.4).
#[test]
fn only_what_succeeded_is_remembered() {
    let house = House::new();
    let known = || fs::read_to_string(house.path("home/.cache/proxmox-backup/repo-list"));
    let nowhere = format!("{USER}@{}:nowhere", house.address);
    house
        .client(&["list", "--repository", &nowhere])
        .refused(&["nowhere"]);
    assert!(known().is_err(), "{:?}", known());
    house.client(&["list"]).ok();
    let known = known().expect("it was used");
    assert_eq!(known.trim(), format!("{{\"{}\":1}}", house.repository()));
}

/// The manifest replaces files, and nothing else: a pipe became a file, and as root a device did.
#[test]
fn the_manifest_goes_where_it_is_sent() {
    let house = House::new();
    fs::write(house.path("a.conf"), "a").expect("file");
    house
        .client(&["backup", "a.conf:a.conf", "--backup-id", "x"])
        .ok();
    let to = |target: &str| house.client(&["restore", "host/x", "index.json", target]);
    let manifest = to("-").ok().out;
    assert_eq!(to("/dev/stdout").ok().out, manifest);
    fs::write(house.path("file"), "before").expect("file");
    std::os::unix::fs::symlink("file", house.path("link")).expect("link");
    to("link").refused(&["\"link\"", "it is a symlink"]);
    assert_eq!(
        fs::read_to_string(house.path("file")).expect("file"),
        "before"
    );
    to("file").ok();
    assert_eq!(
        fs::read_to_string(house.path("file")).expect("file"),
        manifest
    );
    to("none/index.json").refused(&["unable to write file \"none/index.json\" - No such file"]);

    // A node of our own; never the machine's.
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    let (null, mode) = (house.path("null"), Mode::from_raw_mode(0o666));
    let made = mknodat(CWD, &null, FileType::CharacterDevice, mode, makedev(1, 3));
    if made.is_err() || fs::read(&null).is_err() {
        eprintln!("skipped: only root makes device nodes");
        return;
    }
    to("null").ok();
    use std::os::unix::fs::FileTypeExt as _;
    let found = fs::symlink_metadata(&null).expect("it stays");
    assert!(found.file_type().is_char_device());
}

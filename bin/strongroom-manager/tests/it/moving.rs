//! From the original and back: `import` and `export`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::{House, text_of};

/// A directory with one of each file, as the original writes them.
const FULL: &[(&str, &str)] = &[
    (
        "acl.cfg",
        "acl:1:/:root@pam:Admin\nacl:0:/datastore/tank:ann@pbs,ann@pbs!t1:DatastoreAudit\n",
    ),
    ("csrf.key", "c2VjcmV0c2VjcmV0c2VjcmV0"),
    (
        "datastore.cfg",
        "datastore: tank\n\tcomment all hosts\n\tgc-schedule daily\n\tmaintenance-mode offline,message=\"disk swap\"\n\tpath /nowhere/tank\n\ttuning chunk-order=inode\n",
    ),
    (
        "domains.cfg",
        "pbs: pbs\n\tcomment built in\n\topenid: no\n",
    ),
    (
        "node.cfg",
        "# of the whole server\nemail-from: a@example.com\ntask-log-max-days: 30\n",
    ),
    ("notifications-priv.cfg", "gotify: g1\n\ttoken secret\n"),
    (
        "notifications.cfg",
        "gotify: g1\n\tserver https://192.0.2.1\n\nmatcher: default-matcher\n\ttarget g1\n",
    ),
    (
        "prune.cfg",
        "prune: nightly\n\tkeep-last 3\n\tschedule daily\n\tstore gone\n",
    ),
    (
        "remote.cfg",
        "remote: other\n\tauth-id sync@pbs\n\thost 192.0.2.7\n\tpassword c2VjcmV0\n",
    ),
    ("shadow.json", "{\n  \"ann\": \"$y$x\"\n}"),
    (
        "sync.cfg",
        "sync: s-one\n\tremote other\n\tremote-store tank\n\tschedule hourly\n\tstore tank\n",
    ),
    ("tape.cfg", ""),
    ("tfa.json", "{}"),
    ("token.shadow", "{\"ann@pbs!t1\":\"$y$x\"}"),
    (
        "traffic-control.cfg",
        "rule: slow-net\n\tnetwork 192.0.2.0/24\n\trate-in 10 MB\n",
    ),
    (
        "user.cfg",
        "user: ann@pbs\n\tcomment first\n\ntoken: ann@pbs!t1\n\nuser: bob@pbs\n",
    ),
    (
        "verification.cfg",
        "verification: weekly\n\tschedule weekly\n\tstore tank\n",
    ),
    (
        "acme/accounts/default",
        "{\"location\": \"https://192.0.2.1/1\"}",
    ),
    ("acme/plugins.cfg", "standalone: standalone\n"),
    ("unheard.of", "of a later release\n"),
];

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("below")).expect("folder");
        fs::write(path, text).expect("file");
    }
}

/// All files but locks, with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    gather(folder, folder, &mut found);
    found
}

fn gather(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        let name = text_of(path.strip_prefix(root).expect("below"));
        if path.is_dir() {
            gather(root, &path, found);
        } else if !name.ends_with(".lck") && !name.ends_with(".lock") {
            found.insert(name, fs::read(&path).expect("file"));
        }
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

#[test]
fn a_whole_configuration_goes_there_and_back() {
    let house = House::new();
    let old = house.path("proxmox-backup");
    let sound: Vec<_> = FULL
        .iter()
        .filter(|(name, _)| *name != "domains.cfg")
        .copied()
        .collect();
    write(&old, &sound);
    fs::write(old.join(".user.lck"), "").expect("lock");
    let state = house.path("old-state");
    write(
        &state,
        &[
            ("jobstates/prunejob-nightly.json", "{}"),
            ("jobstates/.x.lck", ""),
        ],
    );
    let (old_text, state_text) = (text_of(&old), text_of(&state));

    let told = house.ok(&["import", &old_text, "--state", &state_text, "--dry-run"]);
    for line in [
        "taken over  user.cfg: 2 users, 1 token",
        "taken over  acl.cfg: 2 entries",
        "taken over  datastore.cfg: 1 datastore",
        "taken over  shadow.json: 1 hash",
        "kept        unheard.of: nobody here knows this file",
        "kept        tape.cfg: there are no tapes in this build",
        "taken over  states of 1 jobs",
        "note        datastore.cfg: datastore 'tank': there is no datastore at /nowhere/tank",
        "note        prune.cfg: job 'nightly': there is no datastore 'gone'",
        "note        user.cfg: user 'bob@pbs' has no password",
        "nothing was changed (dry run)",
    ] {
        assert!(
            told.lines().any(|found| found == line),
            "{line} is not in\n{told}"
        );
    }
    assert!(!house.path("etc").exists(), "a dry run makes nothing");

    house.ok(&["import", &old_text, "--state", &state_text]);
    let etc = house.path("etc");
    assert_eq!(mode(&etc), 0o700);
    assert_eq!(mode(&etc.join("shadow.json")), 0o600);
    assert_eq!(mode(&etc.join("user.cfg")), 0o640);
    assert_eq!(
        mode(&etc.join("unheard.of")),
        0o600,
        "what is not known may be a secret"
    );
    assert!(!etc.join(".user.lck").exists());
    assert!(
        house
            .path("state/jobstates/prunejob-nightly.json")
            .is_file()
    );
    assert_eq!(files(&etc), files(&old));
    assert!(house.ok(&["user", "list"]).contains("│ ann@pbs  │"));
    assert!(house.ok(&["prune-job", "list"]).contains("│ nightly │"));

    let back = house.path("back");
    let told = house.ok(&["export", &text_of(&back)]);
    assert!(
        told.ends_with(&format!(
            "{} files written to {}\n",
            sound.len(),
            back.display()
        )),
        "{told}"
    );
    assert_eq!(files(&back), files(&old), "bytes are what they were");
    // Folders were left to root once, told of by nobody.
    if told.contains("# as root") {
        for folder in ["acme", "acme/accounts"] {
            let line = format!("chown backup:backup {}/{folder}", back.display());
            assert!(told.lines().any(|found| found == line), "{line}\n{told}");
        }
    } else {
        let owner = |name: &str| fs::metadata(back.join(name)).expect(name).uid();
        assert_ne!(owner(""), 0);
        assert_eq!([owner("acme"), owner("acme/accounts")], [owner(""); 2]);
    }
    assert_eq!(
        (
            mode(&back),
            mode(&back.join("tfa.json")),
            mode(&back.join("acl.cfg"))
        ),
        (0o700, 0o600, 0o640)
    );
    assert!(
        house
            .refused(&["export", &text_of(&back)])
            .contains("is not empty")
    );
}

#[test]
fn what_is_wrong_changes_nothing() {
    let house = House::new();
    let old = house.path("proxmox-backup");
    write(&old, FULL);
    fs::write(
        old.join("user.cfg"),
        "user: ann@pbs\n\tcomment x\n\nnonsense\n",
    )
    .expect("file");
    let said = house.run(&["import", &text_of(&old)]);
    assert_eq!(said.code, Some(255));
    assert!(
        said.out
            .contains("wrong       user.cfg: parsing \"user.cfg\" failed: line 4 - "),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("wrong       domains.cfg: "),
        "{}",
        said.out
    );
    assert!(
        said.err
            .starts_with("Error: 2 of the files are wrong, nothing was changed\n"),
        "{}",
        said.err
    );
    assert!(!house.path("etc").exists());
    let empty = house.path("empty");
    fs::create_dir(&empty).expect("folder");
    assert!(
        house
            .refused(&["import", &text_of(&empty)])
            .contains("holds no configuration of a backup server")
    );
}

#[test]
fn what_is_there_is_only_replaced_when_that_is_wanted() {
    let house = House::new();
    let old = house.path("proxmox-backup");
    write(&old, &FULL[..3]);
    house.ok(&["user", "create", "eve@pbs"]);
    let refused = house.refused(&["import", &text_of(&old)]);
    assert!(
        refused.contains("is not empty\nhint: --overwrite"),
        "{refused}"
    );
    assert!(house.file("user.cfg").contains("eve@pbs"));
    let told = house.ok(&["import", &text_of(&old), "--overwrite"]);
    let kept = told
        .lines()
        .find_map(|line| line.strip_prefix("the configuration that was there is now "));
    let kept = PathBuf::from(kept.expect("told"));
    assert!(
        fs::read_to_string(kept.join("user.cfg"))
            .expect("kept")
            .contains("eve@pbs")
    );
    assert!(!house.path("etc/user.cfg").exists());
    assert_eq!(files(&house.path("etc")), files(&old));
    // It was once hidden, as if it were a leftover.
    let name = kept.file_name().expect("name").to_string_lossy();
    let time = name.strip_prefix("etc.before-").expect("dated");
    assert!(time.len() == 16 && time.ends_with('Z'), "{time}");
    let again = house.ok(&["import", &text_of(&old), "--overwrite"]);
    assert!(again.contains("is now "), "{again}");
    let beside = fs::read_dir(house.path("")).expect("folder");
    let names: Vec<String> = beside
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into())
        .collect();
    let dated = |name: &&String| name.starts_with("etc.before-");
    assert_eq!(names.iter().filter(dated).count(), 2, "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with('.')), "{names:?}");
}

/// A power cut after the exchange left the old configuration under a hidden name, and nothing ever told of it.
#[test]
fn an_import_that_was_interrupted_is_ended_by_the_next() {
    let house = House::new();
    let old = house.path("proxmox-backup");
    write(&old, &FULL[..3]);
    house.ok(&["user", "create", "eve@pbs"]);
    house.ok(&["import", &text_of(&old), "--overwrite"]);
    let kept = fs::read_dir(house.path("")).expect("folder");
    let kept = kept
        .map(|entry| entry.expect("entry").path())
        .find(|path| path.to_string_lossy().contains("etc.before-"))
        .expect("kept");
    // As it is between two steps.
    fs::rename(kept, house.path(".etc.x1.new")).expect("rename");
    let note = ".etc.x1.new\netc.before-20200101T000000Z\n";
    fs::write(house.path("etc/.import.tmp"), note).expect("note");
    fs::create_dir(house.path(".etc.x2.new")).expect("another one, of no effect");
    let told = house.ok(&["import", &text_of(&old), "--overwrite"]);
    let named = house.path("etc.before-20200101T000000Z");
    assert!(
        told.contains(&format!(
            "the configuration before it is now {}",
            named.display()
        )),
        "{told}"
    );
    assert!(told.contains(".etc.x2.new was left by an import"), "{told}");
    let user = fs::read_to_string(named.join("user.cfg")).expect("kept");
    assert!(user.contains("eve@pbs"));
    assert!(!house.path("etc/.import.tmp").exists());
}

/// Root's export into a link gave the folder it led to, whosever that was, to the user `backup`, and closed it to all others.
#[test]
fn an_export_goes_through_no_link() {
    let house = House::new();
    house.ok(&["user", "create", "eve@pbs"]);
    let (real, link) = (house.path("real"), house.path("link"));
    fs::create_dir(&real).expect("folder");
    symlink(&real, &link).expect("link");
    let nowhere = house.path("nowhere");
    symlink(house.path("gone"), &nowhere).expect("link");
    for place in [
        text_of(&link),
        format!("{}/", text_of(&link)),
        format!("{}/.", text_of(&link)),
        text_of(&nowhere),
    ] {
        let told = house.refused(&["export", &place]);
        assert!(told.contains("is a link"), "{place}: {told}");
    }
    assert_eq!(fs::read_dir(&real).expect("folder").count(), 0);
    assert!(fs::symlink_metadata(&link).expect("link").is_symlink());
    assert!(fs::symlink_metadata(&nowhere).expect("link").is_symlink());
}

/// A link at the folder of settings was exchanged itself once, and states were copied after the exchange, through links.
#[test]
fn a_link_stays_and_states_are_no_way_out() {
    let house = House::new();
    let old = house.path("proxmox-backup");
    write(&old, &FULL[..3]);
    let state = house.path("old-state");
    let files_of_state = [
        ("jobstates/prunejob-nightly.json", "{\"a\":1}"),
        ("jobstates/prunejob-torn.json", "{\"a\""),
    ];
    write(&state, &files_of_state);
    let victim = house.path("victim");
    fs::write(&victim, "mine").expect("victim");
    symlink(&victim, state.join("jobstates/syncjob-link.json")).expect("link");
    // At the target a link waits for the state.
    fs::create_dir_all(house.path("state/jobstates")).expect("folder");
    let waiting = house.path("state/jobstates/prunejob-nightly.json");
    symlink(&victim, &waiting).expect("link");
    fs::create_dir(house.path("real")).expect("folder");
    symlink(house.path("real"), house.path("etc")).expect("link");

    let (old, state) = (text_of(&old), text_of(&state));
    let told = house.ok(&["import", &old, "--state", &state]);
    for line in [
        "left        jobstates/prunejob-torn.json: it is damaged",
        "left        jobstates/syncjob-link.json: it is no ordinary file",
        "taken over  states of 1 jobs",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}\n{told}");
    }
    assert_eq!(fs::read_to_string(&victim).expect("victim"), "mine");
    assert!(fs::symlink_metadata(&waiting).expect("state").is_file());
    assert!(
        fs::symlink_metadata(house.path("etc"))
            .expect("etc")
            .is_symlink()
    );
    assert!(house.path("real/datastore.cfg").is_file());

    // States that cannot be written: nothing is exchanged.
    fs::remove_dir_all(house.path("state/jobstates")).expect("states");
    fs::write(house.path("state/jobstates"), "").expect("in the way");
    fs::write(house.path("real/mark"), "").expect("mark");
    house.refused(&["import", &old, "--state", &state, "--overwrite"]);
    assert!(house.path("real/mark").is_file());
}

/// The original's own files.
#[test]
fn the_originals_files_go_there_and_back() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures");
    let fixtures = std::env::var_os("STRONGROOM_FIXTURES")
        .map_or_else(|| PathBuf::from(default), PathBuf::from);
    let from = fixtures.join("server-state");
    if !from.is_dir() {
        eprintln!("skipped: no fixtures at {}", fixtures.display());
        return;
    }
    let house = House::new();
    let old = house.path("proxmox-backup");
    fs::create_dir(&old).expect("folder");
    for name in [
        "acl.cfg",
        "datastore.cfg",
        "shadow.json",
        "token.shadow",
        "user.cfg",
    ] {
        fs::write(old.join(name), fs::read(from.join(name)).expect("fixture")).expect("file");
    }
    house.ok(&["import", &text_of(&old)]);
    let back = house.path("back");
    house.ok(&["export", &text_of(&back)]);
    assert_eq!(files(&back), files(&old));
    assert!(house.ok(&["user", "list"]).contains("interop test user"));
}

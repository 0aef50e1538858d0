//! `proxmox-backup-debug`: what the original said of its own files, and data put together from chunks.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;

use crate::run::{Home, fixture};

/// The program by its old name, in a folder of its own.
struct Tool {
    home: Home,
    name: PathBuf,
}

impl Tool {
    fn new() -> Tool {
        let home = Home::new();
        let name = home.path().join("proxmox-backup-debug");
        symlink(env!("CARGO_BIN_EXE_strongroom"), &name).expect("link");
        Tool { home, name }
    }

    fn run_in(&self, folder: &Path, words: &[&str]) -> Output {
        Command::new(&self.name)
            .args(words)
            .env_clear()
            .env("HOME", self.home.path())
            .env("TZ", "UTC")
            .current_dir(folder)
            .output()
            .expect("the program can be started")
    }

    fn run(&self, words: &[&str]) -> Output {
        self.run_in(self.home.path(), words)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Lists of digests and of files stand in no order in what was recorded. Of a dynamic index the
/// original shows the time of the inspection.
fn in_order(said: &str, file: &str) -> Vec<String> {
    let is_time = |line: &str| {
        file.contains(".didx") && (line.contains("time: ") || line.contains("\"ctime\""))
    };
    let lines = said.lines().filter(|line| !is_time(line));
    let lines = lines.map(|line| line.trim_end_matches(',').to_owned());
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

#[test]
fn inspections_are_as_recorded() {
    let Some(recorded) = fixture("debug") else {
        return;
    };
    let tool = Tool::new();
    let fixtures = recorded.parent().unwrap();
    let (mut seen, mut digests) = (0, 0);
    for entry in fs::read_dir(&recorded).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if !file.starts_with("inspect-") {
            continue;
        }
        let recorded = fs::read_to_string(&path).unwrap();
        let (command, rest) = recorded.split_once('\n').unwrap();
        let (expected, status) = rest.rsplit_once("rc ").unwrap();
        let words: Vec<_> = command.split(' ').skip(2).collect();
        let output = tool.run_in(fixtures, &words);
        assert_eq!(text(&output.stderr), "", "{file}");
        assert_eq!(output.status.code(), status.trim().parse().ok(), "{file}");
        let said = text(&output.stdout);
        assert_eq!(in_order(&said, &file), in_order(expected, &file), "{file}");
        if file.contains("idx.txt") {
            // Digests are sorted, as newer releases of the original have them.
            let listed: Vec<_> = said
                .lines()
                .filter(|line| line.starts_with("  \""))
                .collect();
            assert!(listed.is_sorted(), "{file}");
            digests += listed.len();
        }
        seen += 1;
    }
    assert!(
        seen > 60 && digests > 10,
        "{seen} recordings, {digests} digests"
    );
}

#[test]
fn contents_are_decoded() {
    let Some(store) = fixture("datastore") else {
        return;
    };
    let tool = Tool::new();
    let blob = store.join("vm/100/2023-11-14T22:18:20Z/qemu-server.conf.blob");
    let output = tool.run(&["inspect", "file", blob.to_str().unwrap(), "--decode", "-"]);
    assert_eq!(
        text(&output.stdout),
        "arch: amd64\nhostname: demo\nmemory: 512\nsize: 51\nencryption: none\n"
    );
    let digest = "4f18d0c4ce4cf39d9a3062a2d8e25cb325d0678b39cab7e08a106223aec90b16";
    let chunk = store.join(".chunks/4f18").join(digest);
    let chunk = chunk.to_str().unwrap();
    let copy = tool.home.path().join("copy");
    fs::copy(chunk, &copy).unwrap();
    let copy = copy.to_str().unwrap();
    for (words, expected) in [
        (&["inspect", "chunk", chunk, "--decode", "out"][..], ""),
        (&["inspect", "chunk", copy], "the name of"),
        (
            &[
                "inspect",
                "chunk",
                copy,
                "--use-filename-as-digest",
                "false",
            ],
            "",
        ),
        (
            &[
                "inspect", "chunk", copy, "--digest", digest, "--decode", "out",
            ],
            "",
        ),
        (
            &[
                "inspect",
                "chunk",
                copy,
                "--digest",
                &"0".repeat(64),
                "--decode",
                "out",
            ],
            "cannot decode the content",
        ),
        (
            &[
                "inspect",
                "chunk",
                copy,
                "--use-filename-as-digest",
                "false",
                "--reference-filter",
                ".",
            ],
            "needs the chunk's digest",
        ),
        (&["inspect", "file", chunk, "--decode", "out"], ""),
        (
            &["inspect", "file", "/etc/passwd"],
            "Only .blob, .fidx and .didx files may be inspected",
        ),
        (&["inspect", "device", "/dev/null"], "cannot mount"),
    ] {
        let output = tool.run(words);
        let stderr = text(&output.stderr);
        let status = if expected.is_empty() { 0 } else { 255 };
        assert_eq!(output.status.code(), Some(status), "{words:?}: {stderr}");
        assert!(stderr.contains(expected), "{words:?}: {stderr}");
    }
    let decoded = fs::read(tool.home.path().join("out")).unwrap();
    assert_eq!(format::Digest::of(&decoded).to_string(), digest);
}

#[test]
fn data_is_recovered_from_chunks() {
    let Some(store) = fixture("datastore") else {
        return;
    };
    let fixtures = store.parent().unwrap();
    let tool = Tool::new();
    let chunks = store.join(".chunks");
    let chunks = chunks.to_str().unwrap();
    let key = fixtures.join("keys/none.json");
    let key = key.to_str().unwrap();
    let snapshot = |name: &str| store.join(name).to_str().unwrap().to_owned();
    let plain = snapshot("host/plain/2023-11-14T22:13:20Z");
    let encrypted = snapshot("host/enc/2023-11-14T22:15:00Z");
    let tree = fs::read(fixtures.join("tree.pxar")).unwrap();
    let catalog = fs::read(fixtures.join("catalog/plain.pcat1")).unwrap();
    for (file, more, expected) in [
        (format!("{plain}/root.pxar.didx"), &[][..], &tree),
        (format!("{plain}/catalog.pcat1.didx"), &[], &catalog),
        (
            format!("{encrypted}/root.pxar.didx"),
            &["--keyfile", key],
            &tree,
        ),
        (
            snapshot("host/small/2023-11-14T22:21:40Z/root.pxar.didx"),
            &["--skip-crc"],
            &tree,
        ),
    ] {
        let mut words = vec!["recover", "index", &file, chunks, "--output-path", "-"];
        words.extend(more);
        let output = tool.run(&words);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{file}: {}",
            text(&output.stderr)
        );
        assert!(output.stdout == *expected, "{file}");
    }
    // The default name is the index's; what exists is not written over.
    let disk = format!("{plain}/disk.img.fidx");
    let words = ["recover", "index", &disk, chunks];
    assert_eq!(tool.run(&words).status.code(), Some(0));
    let image = fs::read(tool.home.path().join("disk.img")).unwrap();
    assert_eq!(
        format::Digest::of(&image).to_string(),
        "556ce5e4af19f7d5a0fef4ac240e35c8dde4360233ac8390ded1a526685c35ce"
    );
    let again = tool.run(&words);
    assert_eq!(again.status.code(), Some(255));
    assert!(text(&again.stderr).contains("File exists"));
    let locked = tool.run(&[
        "recover",
        "index",
        &format!("{encrypted}/disk.img.fidx"),
        chunks,
        "--output-path",
        "x",
    ]);
    assert!(text(&locked.stderr).contains("encrypted and no key was given"));
}

/// A wrong key left an empty file, so the right one was refused with "File exists"; and the hint was to write zeros instead.
#[test]
fn a_wrong_key_leaves_nothing_and_gives_no_zeros() {
    let Some(store) = fixture("datastore") else {
        return;
    };
    let tool = Tool::new();
    let chunks = store.join(".chunks").to_str().unwrap().to_owned();
    let index = store.join("host/enc/2023-11-14T22:15:00Z/root.pxar.didx");
    let index = index.to_str().unwrap();
    let right = store.parent().unwrap().join("keys/none.json");
    let wrong = tool.home.path().join("wrong.json");
    let key: serde_json::Value = serde_json::from_slice(&fs::read(&right).unwrap()).unwrap();
    let mut other = key.clone();
    other["data"] = base64::engine::general_purpose::STANDARD
        .encode([7; 32])
        .into();
    other.as_object_mut().unwrap().remove("fingerprint");
    fs::write(&wrong, other.to_string()).unwrap();
    let run = |key: &std::path::Path, more: &[&str]| {
        let key = key.to_str().unwrap();
        let mut words = vec!["recover", "index", index, &chunks, "--keyfile", key];
        words.extend(["--output-path", "out"]);
        words.extend(more);
        tool.run(&words)
    };
    let out = tool.home.path().join("out");
    for more in [&[][..], &["--ignore-corrupt-chunks"], &["--skip-crc"]] {
        let refused = run(&wrong, more);
        let stderr = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(255), "{stderr}");
        assert!(stderr.contains("is encrypted with another key"), "{stderr}");
        assert!(
            stderr.contains("hint: give the key that the backup was made with"),
            "{stderr}"
        );
        assert!(!stderr.contains("--ignore-corrupt-chunks"), "{stderr}");
        assert!(!out.exists(), "{more:?}");
    }
    let done = run(&right, &[]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let tree = fs::read(store.parent().unwrap().join("tree.pxar")).unwrap();
    assert!(fs::read(&out).unwrap() == tree);
}

#[test]
fn lost_chunks_become_zeros_on_request() {
    let Some(store) = fixture("datastore") else {
        return;
    };
    let tool = Tool::new();
    let index = store.join("host/plain/2023-11-14T22:13:20Z/disk.img.fidx");
    let index = index.to_str().unwrap();
    let folder = tool.home.path().join("chunks");
    let missing = "4f18d0c4ce4cf39d9a3062a2d8e25cb325d0678b39cab7e08a106223aec90b16";
    let kept = "a6f434954fd6351c4f80f5fcbd23c06ecac64a7a00ec2f30924f64ece5f4f90f";
    let place = |name: &str| folder.join(&name[..4]).join(name);
    fs::create_dir_all(place(kept).parent().unwrap()).unwrap();
    let original = fs::read(store.join(".chunks").join(&kept[..4]).join(kept)).unwrap();
    fs::write(place(kept), &original).unwrap();
    let chunks = folder.to_str().unwrap();
    let run = |more: &[&str]| {
        let mut words = vec!["recover", "index", index, chunks, "--output-path", "-"];
        words.extend(more);
        tool.run(&words)
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(255));
    assert!(text(&refused.stderr).contains("it is missing"));
    assert_eq!(run(&["--ignore-corrupt-chunks"]).status.code(), Some(255));
    let filled = run(&["--ignore-missing-chunks"]);
    assert_eq!(filled.status.code(), Some(0), "{}", text(&filled.stderr));
    assert_eq!(filled.stdout.len(), 5 << 20);
    assert!(filled.stdout[..4 << 20].iter().all(|byte| *byte == 0));
    assert!(filled.stdout[4 << 20..].iter().any(|byte| *byte != 0));
    let stderr = text(&filled.stderr);
    assert!(
        stderr.contains(&format!("WARN: chunk {:?}", place(missing))),
        "{stderr}"
    );
    assert!(
        stderr.contains("WARN: replacing output file 0..4194304 with '\\0'"),
        "{stderr}"
    );
    // A wrong checksum in the envelope is damage, unless it is not looked at.
    let mut damaged = original.clone();
    damaged[8] ^= 1;
    fs::write(place(kept), &damaged).unwrap();
    let run = |more: &str| run(&["--ignore-missing-chunks", more]);
    assert_eq!(run("--skip-crc=no").status.code(), Some(255));
    assert_eq!(
        run("--skip-crc").stdout[4 << 20..],
        filled.stdout[4 << 20..]
    );
    let zeros = run("--ignore-corrupt-chunks");
    assert!(zeros.stdout.len() == 5 << 20 && zeros.stdout.iter().all(|byte| *byte == 0));
    // Damaged content is never passed on.
    let mut damaged = original;
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(place(kept), &damaged).unwrap();
    assert_eq!(run("--skip-crc").status.code(), Some(255));
}

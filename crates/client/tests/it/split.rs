//! Split archives and change detection: our runs over the trees of the original's fixtures give its indexes, chunk by chunk, and
//! what was stored so comes back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use client::{Detection, Place, Protection, Source, SourceKind};
use format::{Digest, Index};
use pxar::{MatchKind, Pattern};
use tree::{CreateOptions, ExtractOptions};

use crate::fixtures;
use crate::rig::{Rig, archive, back_up, key, noise, open, options};
use crate::trees::dump;

const METADATA: Detection = Detection::Metadata;

/// Ends and digests of an index, and its checksum.
#[derive(Debug, PartialEq)]
struct Rows {
    csum: String,
    chunks: Vec<(u64, Digest)>,
}

/// The recorded indexes by snapshot and archive: `host/split/.../root.ppxar.didx`.
fn recorded(dir: &Path) -> BTreeMap<String, Rows> {
    let text = fs::read_to_string(dir.join("split-chunks.txt")).unwrap();
    let mut indexes = BTreeMap::new();
    let mut current = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            [name, "uuid", _, "csum", csum] => {
                let rows = Rows {
                    csum: csum.to_owned(),
                    chunks: Vec::new(),
                };
                current = Some(name.to_owned());
                indexes.insert(name.to_owned(), rows);
            }
            [end, _, digest, _] => {
                let rows: &mut Rows = indexes.get_mut(current.as_ref().unwrap()).unwrap();
                let row = (end.parse().unwrap(), digest.parse().unwrap());
                rows.chunks.push(row);
            }
            _ => assert!(line.is_empty(), "{line}"),
        }
    }
    indexes
}

fn stored(rig: &Rig, place: &Place, name: &str) -> Rows {
    let bytes = fs::read(rig.stored(place).join(name)).unwrap();
    let index = Index::parse(&archive(name), bytes).unwrap();
    Rows {
        csum: index.csum().to_string(),
        chunks: index
            .iter()
            .map(|(range, digest)| (range.end, digest))
            .collect(),
    }
}

fn place(snapshot: &str) -> Place {
    Place {
        store: "vault".parse().unwrap(),
        namespace: format::Namespace::root(),
        snapshot: snapshot.parse().unwrap(),
    }
}

pub fn split_source(path: &Path, excludes: &[&str], detection: Detection) -> Source {
    let parse = |text: &&str| Pattern::parse(text.as_bytes(), MatchKind::Exclude).unwrap();
    let options = CreateOptions {
        excludes: excludes.iter().map(parse).collect(),
        ..CreateOptions::default()
    };
    Source {
        archive: archive("root.mpxar.didx"),
        path: path.to_owned(),
        kind: SourceKind::SplitTree(Box::new(options), detection),
    }
}

/// Runs the script that makes the fixtures' tree, or changes it.
fn script(dir: &Path, args: &[&str], tree: &Path) -> bool {
    let made = Command::new("python3")
        .arg(dir.join("make-split-tree.py"))
        .args(args)
        .arg(tree)
        .status();
    match made {
        Ok(status) => {
            assert!(status.success());
            true
        }
        Err(error) => {
            eprintln!("SKIPPED: no python3 ({error})");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_runs_give_the_recorded_indexes() {
    let Some(dir) = fixtures::path("split") else {
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let (changing, mid) = (work.path().join("tree"), work.path().join("mid"));
    for tree in [&changing, &mid] {
        if !script(&dir, &[], tree) {
            return;
        }
    }
    let rig = Rig::start().await;
    let client = rig.client().await;
    let recorded = recorded(&dir);
    let json = fs::read(dir.join("keys/none.json")).unwrap();
    let (key, _) = crypto::keyfile::load(&json, || Err("it has none".into())).unwrap();
    let key = Arc::new(key);
    let enc = Protection::Encrypt(Arc::clone(&key));
    let excludes: &[&str] = &["/big", "/a/*", "hard"];
    let (first, second, third) = ("2025-10-09", "2025-10-10", "2025-10-11");
    // Group, day, how files are found, tree; `None` is the moment when the trees change. Then what is said to be unchanged.
    type Run<'a> = (&'a str, &'a str, Detection, &'a PathBuf, &'a str);
    let runs: [Option<Run<'_>>; 10] = [
        Some(("split", first, METADATA, &changing, "")),
        Some(("data", first, Detection::Data, &changing, "")),
        Some(("split-enc", first, METADATA, &changing, "")),
        Some(("mid", first, METADATA, &mid, "")),
        None,
        Some(("mid", second, METADATA, &mid, "45 of 46")),
        Some(("split", second, METADATA, &changing, "23 of 46")),
        Some(("split", third, METADATA, &changing, "46 of 46")),
        Some(("data", second, Detection::Data, &changing, "")),
        Some(("split-enc", second, METADATA, &changing, "23 of 33")),
    ];
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("SKIPPED: the metadata half names the owner, who was root");
    }
    for run in runs {
        let Some((group, day, detection, tree, unchanged)) = run else {
            script(&dir, &["--change"], &changing);
            script(&dir, &["--change-one"], &mid);
            continue;
        };
        let snapshot = format!("host/{group}/{day}T08:53:20Z");
        let place = place(&snapshot);
        let (protection, excludes) = match group {
            "split-enc" => (enc.clone(), excludes),
            _ => (Protection::None, &[][..]),
        };
        let source = split_source(tree, excludes, detection);
        let (report, ear) = back_up(&client, &place, &options(protection), vec![source]).await;
        let report = report.unwrap();
        for half in ["ppxar", "mpxar"] {
            let name = format!("root.{half}.didx");
            if half == "mpxar" && !is_root {
                continue;
            }
            let expected = &recorded[&format!("{snapshot}/{name}")];
            assert_eq!(stored(&rig, &place, &name), *expected, "{snapshot} {half}");
        }
        let notices = ear.0.lock().unwrap().notices.join("\n");
        let said = notices.contains(&format!(
            "{unchanged} files of root.mpxar.didx are unchanged"
        ));
        assert_eq!(said, !unchanged.is_empty(), "{snapshot}: {notices}");
        let names: Vec<_> = report.archives.iter().map(|a| a.archive.label()).collect();
        assert_eq!(names, ["root.mpxar", "root.ppxar"]);

        let opened = (group == "split-enc").then(|| Arc::clone(&key));
        let restore = open(&client, &place, opened).await;
        let files: Vec<_> = restore
            .manifest()
            .files
            .iter()
            .map(|file| file.filename.to_string())
            .collect();
        assert_eq!(files, ["root.ppxar.didx", "root.mpxar.didx"]);
    }
}

/// Restores everything or a selection, of snapshots that the original wrote and of ours, and compares with the tree.
#[tokio::test(flavor = "multi_thread")]
async fn split_archives_come_back() {
    let Some(dir) = fixtures::path("split") else {
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    if !script(&dir, &[], &tree) {
        return;
    }
    let rig = Rig::start().await;
    copy(&dir.join("datastore"), &rig.folder.path().join("store"));
    let client = rig.client().await;
    let json = fs::read(dir.join("keys/none.json")).unwrap();
    let (loaded, _) = crypto::keyfile::load(&json, || Err("it has none".into())).unwrap();
    let loaded = Arc::new(loaded);
    let (metadata, payload) = (archive("root.mpxar.didx"), archive("root.ppxar.didx"));
    for (round, snapshot) in [
        "host/split/2025-10-09T08:53:20Z",
        "host/split/2025-10-10T08:53:20Z",
        "host/split/2025-10-11T08:53:20Z",
        "host/data/2025-10-10T08:53:20Z",
        "host/split-enc/2025-10-10T08:53:20Z",
    ]
    .into_iter()
    .enumerate()
    {
        if round == 1 {
            script(&dir, &["--change"], &tree);
        }
        let is_encrypted = snapshot.contains("enc");
        let opened = is_encrypted.then(|| Arc::clone(&loaded));
        let restore = open(&client, &place(snapshot), opened).await;
        let target = work.path().join(format!("out{round}"));
        let stats = restore
            .split_tree(
                &metadata,
                &payload,
                target.clone(),
                keep_owner(),
                Arc::new(()),
            )
            .await
            .unwrap();
        assert_eq!(stats.errors, 0);
        let expected: Vec<_> = dump(&tree)
            .into_iter()
            .filter(|line| {
                let is_left_out = line.starts_with("big")
                    || line.starts_with("a/")
                    || line.starts_with("text/hard");
                !(is_encrypted && is_left_out)
            })
            .collect();
        assert_eq!(dump(&target), expected, "{snapshot}");
        let prelude = restore.prelude(&metadata).await.unwrap();
        let prelude = prelude.map(|bytes| String::from_utf8(bytes).unwrap());
        let patterns = r#"{"exclude-patterns":"/big\n/a/*\nhard\n"}"#;
        assert_eq!(prelude.as_deref(), is_encrypted.then_some(patterns));

        // A selection: two names, and a directory by pattern.
        let mut options = keep_owner();
        for pattern in ["small/s2?", "**/notes.txt"] {
            let pattern = Pattern::parse(pattern.as_bytes(), MatchKind::Include).unwrap();
            options.patterns.push(pattern);
        }
        let target = work.path().join(format!("part{round}"));
        let heard = Arc::new(Bytes::default());
        restore
            .split_tree(&metadata, &payload, target.clone(), options, heard.clone())
            .await
            .unwrap();
        let names: Vec<_> = dump(&target)
            .into_iter()
            .filter(|line| !line.contains(" 40"))
            .collect();
        let wanted = |line: &String| line.starts_with("small/s2") || line.starts_with("text/notes");
        let expected: Vec<_> = dump(&tree).into_iter().filter(wanted).collect();
        assert_eq!(names, expected, "{snapshot}");
    }
}

#[derive(Default)]
struct Bytes(std::sync::atomic::AtomicU64);

impl client::RestoreWatch for Bytes {
    fn progress(&self, done: u64, total: u64) {
        assert!(done <= total);
        self.0.store(done, std::sync::atomic::Ordering::Relaxed);
    }
}

fn keep_owner() -> ExtractOptions {
    ExtractOptions {
        ignore_ownership: true,
        strict: true,
        ..ExtractOptions::default()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// A backup of changed trees over a previous snapshot that is damaged, of the other kind, or protected otherwise: it succeeds, and
/// what it holds is right.
#[tokio::test(flavor = "multi_thread")]
async fn a_previous_snapshot_that_cannot_be_used_costs_time_only() {
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for i in 0..50 {
        fs::write(tree.join(format!("f{i}")), noise(i, 9000)).unwrap();
    }
    let (metadata, payload) = (archive("root.mpxar.didx"), archive("root.ppxar.didx"));
    type Before = fn(&Rig, &Place);
    let none: Before = |_, _| {};
    let rows: [(&str, Option<Detection>, Protection, Before, bool); 5] = [
        ("the same", Some(METADATA), Protection::None, none, true),
        (
            "in data mode",
            Some(Detection::Data),
            Protection::None,
            none,
            true,
        ),
        ("legacy", None, Protection::None, none, false),
        (
            "encrypted",
            Some(METADATA),
            Protection::Encrypt(key(3)),
            none,
            false,
        ),
        (
            "damaged",
            Some(METADATA),
            Protection::None,
            |rig, place| {
                let path = rig.stored(place).join("root.mpxar.didx");
                let index = Index::parse(&archive("root.mpxar.didx"), fs::read(path).unwrap());
                let digest = index.unwrap().digest(0).to_string();
                let chunks = rig.folder.path().join("store/.chunks");
                fs::remove_file(chunks.join(&digest[..4]).join(&digest)).unwrap();
            },
            false,
        ),
    ];
    for (what, detection, protection, damage, is_used) in rows {
        let rig = Rig::start().await;
        let client = rig.client().await;
        let first = place("host/pc/2025-01-01T00:00:00Z");
        let source = match detection {
            Some(detection) => split_source(&tree, &[], detection),
            None => crate::rig::source("root.pxar.didx", &tree),
        };
        let made = back_up(&client, &first, &options(protection), vec![source]).await;
        made.0.unwrap();
        damage(&rig, &first);
        let second = place("host/pc/2025-01-02T00:00:00Z");
        let source = split_source(&tree, &[], METADATA);
        let (report, ear) =
            back_up(&client, &second, &options(Protection::None), vec![source]).await;
        report.unwrap();
        let notices = ear.0.lock().unwrap().notices.join("\n");
        let used = notices.contains("50 of 50 files of root.mpxar.didx are unchanged");
        assert_eq!(used, is_used, "{what}: {notices}");
        let restore = open(&client, &second, None).await;
        let target = work.path().join(what);
        restore
            .split_tree(
                &metadata,
                &payload,
                target.clone(),
                keep_owner(),
                Arc::new(()),
            )
            .await
            .unwrap();
        assert_eq!(dump(&target), dump(&tree), "{what}");
    }
}

/// What a signed snapshot takes over unread must be signed too. A server that leaves the signature away could otherwise give
/// any data to files, and the new manifest would vouch for it.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_signed_snapshot_is_taken_over_by_one_that_signs() {
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for i in 0..50 {
        fs::write(tree.join(format!("f{i}")), noise(i, 9000)).unwrap();
    }
    let unsign = |path: &Path| {
        let mut json = Vec::new();
        let blob = fs::read(path).unwrap();
        let mut opener = crypto::Opener::new(None);
        opener
            .open(&blob, format::BLOB_RAW_MAX, None, &mut json)
            .unwrap();
        let mut manifest = format::Manifest::from_json(&json).unwrap();
        manifest.signature = None;
        manifest.set_key_fingerprint(None);
        let (text, mut blob) = (manifest.to_json(), Vec::new());
        format::Compressor::new()
            .encode(text.as_bytes(), true, &mut blob)
            .unwrap();
        fs::write(path, blob).unwrap();
    };
    let rig = Rig::start().await;
    let client = rig.client().await;
    for (group, protection, is_signed) in [
        ("a", Protection::Sign(key(3)), true),
        ("b", Protection::Sign(key(3)), false),
        ("c", Protection::Encrypt(key(3)), true),
        ("d", Protection::Encrypt(key(3)), false),
    ] {
        let mut notices = String::new();
        for day in 1..3 {
            let place = place(&format!("host/{group}/2025-01-0{day}T00:00:00Z"));
            let source = split_source(&tree, &[], METADATA);
            let options = options(protection.clone());
            let (report, ear) = back_up(&client, &place, &options, vec![source]).await;
            report.unwrap();
            notices = ear.0.lock().unwrap().notices.join("\n");
            if !is_signed && day == 1 {
                unsign(&rig.stored(&place).join("index.json.blob"));
            }
        }
        let used = notices.contains("50 of 50 files of root.mpxar.didx are unchanged");
        assert_eq!(used, is_signed, "{protection:?}: {notices}");
    }
}

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
use tree::CreateOptions;

use crate::fixtures;
use crate::rig::{Rig, archive, back_up, open, options};

const METADATA: Detection = Detection::Metadata { waiting_max: 512 };

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

        let key = (group == "split-enc").then(|| Arc::clone(&key));
        let restore = open(&client, &place, key).await;
        let files: Vec<_> = restore
            .manifest()
            .files
            .iter()
            .map(|file| file.filename.to_string())
            .collect();
        assert_eq!(files, ["root.ppxar.didx", "root.mpxar.didx"]);
    }
}

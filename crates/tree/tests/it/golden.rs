//! The original's test tree: stored to the original's bytes, restored to its manifest. Root only; it has devices and owners.

use std::io::Read;
use std::path::Path;
use std::process::Command;

use pxar::{Decoder, Encoder, EntryKind, FileOffset, Step};
use tree::CreateOptions;

use crate::support::{Recorder, exclude, fixtures, needs_root, restore, store_with};

/// Builds the tree with the fixtures' script; `None` if that cannot be done here.
fn build(fixtures: &Path, dir: &Path) -> Option<()> {
    let script = Command::new("bash")
        .arg(fixtures.join("make-tree.sh"))
        .arg(dir)
        .output();
    match script {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => {
            eprintln!(
                "SKIPPED: make-tree.sh failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            None
        }
        Err(error) => {
            eprintln!("SKIPPED: cannot run bash: {error}");
            None
        }
    }
}

fn manifest(fixtures: &Path, dir: &Path) -> Vec<String> {
    let output = Command::new("python3")
        .arg(fixtures.join("manifest.py"))
        .arg(dir)
        .output()
        .expect("python3");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(str::to_owned)
        .collect()
}

/// The archive without the members below `dropped`: what a newer program stores, which honours the anchored pattern in
/// `exclude/.pxarexclude` that 3.2.4 overlooks.
fn without(archive: &[u8], dropped: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(archive);
    let mut encoder: Option<Encoder<Vec<u8>>> = None;
    let mut files: Vec<(Vec<u8>, FileOffset)> = Vec::new();
    while let Some(step) = decoder.advance().expect("valid") {
        let path = decoder.path().to_vec();
        if path.starts_with(dropped) {
            continue;
        }
        let (entry, mut contents) = decoder.split();
        let (name, metadata) = (&entry.name, &entry.metadata);
        let Some(encoder) = encoder.as_mut() else {
            encoder = Some(Encoder::new(Vec::new(), metadata).expect("root"));
            continue;
        };
        if step == Step::Leave {
            if path != b"/" {
                encoder.finish_dir().expect("open");
            }
            continue;
        }
        match &entry.kind {
            EntryKind::Directory => drop(encoder.create_dir(name, metadata).expect("dir")),
            EntryKind::File { size } => {
                let written = encoder
                    .add_file(name, metadata, *size, &mut |b| contents.read(b))
                    .expect("file");
                files.push((path[1..].to_vec(), written.offset));
            }
            EntryKind::Symlink { target } => {
                encoder.add_symlink(name, metadata, target).expect("link")
            }
            EntryKind::Hardlink { path: target, .. } => {
                let offset = files
                    .iter()
                    .find(|(p, _)| p == target)
                    .expect("stored before")
                    .1;
                encoder
                    .add_hardlink(name, target, offset)
                    .expect("hard link");
            }
            EntryKind::Device { major, minor } => encoder
                .add_device(name, metadata, *major, *minor)
                .expect("device"),
            EntryKind::Fifo => encoder.add_fifo(name, metadata).expect("fifo"),
            EntryKind::Socket => encoder.add_socket(name, metadata).expect("socket"),
        }
    }
    encoder.expect("a root").finish().expect("balanced")
}

fn assert_stores_as(dir: &Path, options: &CreateOptions, expected: &[u8], name: &str) {
    let mut watch = Recorder::default();
    let (archive, stats) = store_with(dir, options, &mut watch).expect(name);
    assert_eq!(watch.notices, [""; 0], "{name}");
    assert_eq!(
        stats.entries,
        crate::support::paths(expected).len() as u64,
        "{name}"
    );
    if archive != expected {
        let at = archive.iter().zip(expected).position(|(a, b)| a != b);
        panic!(
            "{name} differs at {at:?}: {:?}",
            (
                crate::support::paths(&archive),
                crate::support::paths(expected)
            )
        );
    }
}

#[test]
fn the_tree_is_stored_to_the_original_bytes() {
    let (Some(fixtures), true) = (fixtures(), needs_root()) else {
        return;
    };
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path().join("tree");
    let Some(()) = build(&fixtures, &dir) else {
        return;
    };
    let read = |name: &str| std::fs::read(fixtures.join(name)).expect(name);
    let plain = CreateOptions::default();
    assert_stores_as(
        &dir,
        &plain,
        &without(&read("tree.pxar"), b"/exclude/drop"),
        "tree",
    );
    assert_stores_as(
        &dir.join("exclude"),
        &plain,
        &read("pxar/exclude-root.pxar"),
        "exclude-root",
    );
    let bare = CreateOptions {
        with_xattrs: false,
        with_acls: false,
        with_fcaps: false,
        ..plain
    };
    assert_stores_as(
        &dir.join("xattr"),
        &bare,
        &read("pxar/no-metadata.pxar"),
        "no-metadata",
    );
    let patterns = [
        "/names",
        "/dirs/many",
        "files/*.bin",
        "*.txt",
        "/modes/",
        "/xattr",
        "/acl",
        "/owners",
        "/links/?*-*",
    ];
    let expected = without(&read("pxar/exclude-cli.pxar"), b"/exclude/drop");
    assert_stores_as(&dir, &exclude(&patterns), &expected, "exclude-cli");
}

#[test]
fn the_archive_is_restored_to_the_original_tree_and_stored_again() {
    let (Some(fixtures), true) = (fixtures(), needs_root()) else {
        return;
    };
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path().join("restored");
    let archive = std::fs::read(fixtures.join("tree.pxar")).expect("fixture");
    restore(&archive, &dir);
    // The original loses three things, as `cli/pxar-extract.manifest.diff` shows: what its patterns left out, the "no dump"
    // attribute, and that two symlinks are one.
    let expected = std::fs::read_to_string(fixtures.join("tree.manifest.jsonl")).expect("fixture");
    let expected: Vec<String> = expected
        .lines()
        .filter(|line| !line.contains("\"exclude/sub/x.o\"") && !line.contains("\"exclude/y.o\""))
        .map(|line| {
            line.replace(", \"attr\": \"d\"", "").replace(
                ", \"target\": \"target\", \"link\": 3",
                ", \"target\": \"target\"",
            )
        })
        .collect();
    let found = manifest(&fixtures, &dir);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    assert!(
        Command::new("chattr")
            .arg("+d")
            .arg(dir.join("flags/nodump"))
            .status()
            .expect("chattr")
            .success()
    );
    let expected = without(&archive, b"/exclude/drop");
    assert_stores_as(&dir, &CreateOptions::default(), &expected, "restored tree");
}

/// Needs no root: what a user may restore for himself out of the whole tree.
#[test]
fn a_part_of_the_tree_is_restored_by_anybody() {
    let Some(fixtures) = fixtures() else { return };
    let temp = tempfile::tempdir().expect("temp dir");
    let dir = temp.path().join("restored");
    let archive = std::fs::read(fixtures.join("tree.pxar")).expect("fixture");
    let select =
        |text: &str| pxar::Pattern::parse(text.as_bytes(), pxar::MatchKind::Include).expect(text);
    let options = tree::ExtractOptions {
        patterns: ["/files", "/dirs", "/names", "/times", "/links"]
            .into_iter()
            .map(select)
            .collect(),
        ignore_ownership: true,
        ..Default::default()
    };
    let mut watch = Recorder::default();
    crate::support::restore_with(&archive, &dir, &options, &mut watch).expect("can be restored");
    assert_eq!((watch.errors, watch.remarks), (vec![], vec![]));
    let strip = |line: &str| {
        let at = line.find("\"uid\"").expect("uid");
        let end = line.find("\"mtime\"").expect("mtime");
        format!("{}{}", &line[..at], &line[end..]).replace(
            ", \"target\": \"target\", \"link\": 3",
            ", \"target\": \"target\"",
        )
    };
    let expected = std::fs::read_to_string(fixtures.join("tree.manifest.jsonl")).expect("fixture");
    let wanted = ["files", "dirs", "names", "times", "links", "."];
    let expected: Vec<String> = expected
        .lines()
        .filter(|line| {
            wanted.iter().any(|w| {
                line.contains(&format!("\"path\": \"{w}\""))
                    || line.contains(&format!("\"path\": \"{w}/"))
            })
        })
        .map(strip)
        .collect();
    let found: Vec<String> = manifest(&fixtures, &dir)
        .iter()
        .map(|line| strip(line))
        .collect();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    assert!(found.len() > 150);
}

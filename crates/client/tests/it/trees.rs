//! Directories there and back, again with changes, with and without encryption.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};

use client::{Protection, RestoreWatch};
use format::catalog::Catalog;
use pxar::{Accessor, ReadAt as _};
use tree::ExtractOptions;

use crate::rig::{Rig, archive, back_up, key, noise, open, options, place, source};

fn make_tree(root: &Path) {
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    fs::write(root.join("empty"), b"").unwrap();
    fs::write(root.join("large"), noise(1, 3 << 20)).unwrap();
    fs::write(root.join("zeros"), vec![0; 2 << 20]).unwrap();
    for i in 0..300 {
        fs::write(
            root.join(format!("sub/file-{i:03}")),
            noise(i, i as usize * 37),
        )
        .unwrap();
    }
    fs::write(root.join("sub/deep/secret"), b"s").unwrap();
    fs::set_permissions(
        root.join("sub/deep/secret"),
        PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    symlink("../large", root.join("sub/link")).unwrap();
    fs::hard_link(root.join("sub/file-007"), root.join("twin")).unwrap();
}

/// Names, contents and what else is easily compared.
pub fn dump(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let content = if meta.is_dir() {
                todo.push(path);
                String::new()
            } else if meta.is_symlink() {
                fs::read_link(&path).unwrap().display().to_string()
            } else {
                format::Digest::of(&fs::read(&path).unwrap()).to_string()
            };
            let mtime = if meta.is_symlink() { 0 } else { meta.mtime() };
            lines.push(format!("{name} {:o} {mtime} {content}", meta.mode()));
        }
    }
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_comes_back_as_it_was() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make_tree(&root);
    let name = archive("root.pxar.didx");
    for (i, protection) in [
        Protection::None,
        Protection::Sign(key(1)),
        Protection::Encrypt(key(1)),
    ]
    .into_iter()
    .enumerate()
    {
        let place = place(1_700_000_000 + i as i64);
        let key = protection.key().cloned();
        let sources = vec![source("root.pxar.didx", &root)];
        let (report, ear) = back_up(&client, &place, &options(protection), sources).await;
        let report = report.unwrap();
        let names: Vec<String> = report
            .archives
            .iter()
            .map(|a| a.archive.to_string())
            .collect();
        assert_eq!(names, ["root.pxar.didx", "catalog.pcat1.didx"]);
        let stats = &report.archives[0];
        assert!(stats.chunks > 20, "{stats:?}");
        assert_eq!(stats.uploaded + stats.reused, stats.size);
        {
            let heard = ear.0.lock().unwrap();
            let (_, counters) = heard
                .last
                .iter()
                .find(|(n, _)| *n == "root.pxar.didx")
                .unwrap();
            assert_eq!(counters.read, stats.size);
            assert_eq!(counters.sent, stats.sent);
            assert_eq!(heard.finished, report.archives);
            assert!(heard.walked.is_empty(), "{:?}", heard.walked);
        }
        let restore = open(&client, &place, key).await;
        let target = work.path().join(format!("back-{i}"));
        let extracted = restore
            .tree(
                &name,
                target.clone(),
                ExtractOptions::default(),
                Arc::new(()),
            )
            .await
            .unwrap();
        assert_eq!(extracted.errors, 0);
        assert_eq!(dump(&root), dump(&target));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_sent_again() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make_tree(&root);
    let sources = || vec![source("root.pxar.didx", &root)];
    let options = options(Protection::Encrypt(key(5)));
    let (first, ear) = back_up(&client, &place(1_000_000), &options, sources()).await;
    let first = first.unwrap();
    assert_eq!(
        ear.0.lock().unwrap().notices,
        ["No previous manifest available."]
    );

    let (second, ear) = back_up(&client, &place(1_000_001), &options, sources()).await;
    let second = second.unwrap();
    assert_eq!(
        ear.0.lock().unwrap().notices,
        ["Downloading previous manifest (1970-01-12T13:46:40Z)"]
    );
    for stats in &second.archives {
        assert_eq!(
            (stats.uploaded, stats.sent, stats.chunks_new),
            (0, 0, 0),
            "{stats:?}"
        );
        assert_eq!(stats.reused, stats.size);
    }
    assert_eq!(first.archives[0].csum, second.archives[0].csum);

    fs::write(root.join("sub/file-150"), b"changed").unwrap();
    let (third, _) = back_up(&client, &place(1_000_002), &options, sources()).await;
    let stats = third.unwrap().archives[0].clone();
    assert!(
        stats.chunks_new > 0 && stats.uploaded < stats.size / 4,
        "{stats:?}"
    );

    // Another key: nothing can be reused, and the user is told why.
    let other = crate::rig::options(Protection::Encrypt(key(6)));
    let (fourth, ear) = back_up(&client, &place(1_000_003), &other, sources()).await;
    // Only repetitions within the archive itself.
    let stats = fourth.unwrap().archives[0].clone();
    assert!(stats.uploaded > stats.size / 2, "{stats:?}");
    let notices = &ear.0.lock().unwrap().notices;
    assert!(
        notices[1].starts_with("Couldn't re-use previous manifest - wrong key"),
        "{notices:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_and_the_archive_can_be_read_at_random() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make_tree(&root);
    let place = place(5_000);
    let sources = vec![source("a.pxar.didx", &root), source("b.pxar.didx", &root)];
    let protection = Protection::Encrypt(key(2));
    let (report, _) = back_up(&client, &place, &options(protection), sources).await;
    report.unwrap();
    let restore = open(&client, &place, Some(key(2))).await;
    let catalog = restore
        .read_at(&archive("catalog.pcat1.didx"))
        .await
        .unwrap();
    let tree = restore.read_at(&archive("b.pxar.didx")).await.unwrap();
    let raw = Arc::new(Mutex::new(Vec::new()));
    let stats = restore
        .stream(
            &archive("b.pxar.didx"),
            Box::new(Shared(raw.clone())),
            Arc::new(()),
        )
        .await
        .unwrap();
    assert_eq!(stats.size, raw.lock().unwrap().len() as u64);
    client::run_blocking(move || {
        let mut catalog = Catalog::open(catalog.cursor()).unwrap();
        for path in [
            "a.pxar.didx/sub/deep/secret",
            "b.pxar.didx/twin",
            "b.pxar.didx/sub/link",
        ] {
            assert!(catalog.lookup(path.as_bytes()).unwrap().is_some(), "{path}");
        }
        assert!(catalog.lookup(b"b.pxar.didx/nothing").unwrap().is_none());

        let raw = raw.lock().unwrap();
        assert_eq!(tree.size(), raw.len() as u64);
        let mut bytes = vec![0; 70_000];
        for offset in [0, 1_000_000, raw.len() as u64 - 70_000, 123_456] {
            tree.read_exact_at(&mut bytes, offset).unwrap();
            assert!(
                bytes == raw[offset as usize..][..bytes.len()],
                "at {offset}"
            );
        }
        let mut end = [0; 10];
        assert_eq!(tree.read_at(&mut end, tree.size()).unwrap(), 0);
        let archive = Accessor::open(tree).unwrap();
        assert!(archive.lookup(b"sub/file-123").unwrap().is_some());
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wanted_is_extracted() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make_tree(&root);
    let place = place(7_000);
    let sources = vec![source("root.pxar.didx", &root)];
    let (report, _) = back_up(&client, &place, &options(Protection::None), sources).await;
    report.unwrap();
    let restore = open(&client, &place, None).await;
    let mut extract = ExtractOptions::default();
    extract
        .patterns
        .push(pxar::Pattern::parse(b"sub/deep", pxar::MatchKind::Include).unwrap());
    let target = work.path().join("back");
    let seen = Arc::new(Seen::default());
    restore
        .tree(
            &archive("root.pxar.didx"),
            target.clone(),
            extract,
            seen.clone(),
        )
        .await
        .unwrap();
    let names: Vec<String> = dump(&target)
        .iter()
        .map(|l| l.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["sub", "sub/deep", "sub/deep/secret"]);
    let seen = *seen.0.lock().unwrap();
    assert!(seen.0 <= seen.1 && seen.1 > 5 << 20, "{seen:?}");
}

#[derive(Default)]
struct Seen(Mutex<(u64, u64)>);

impl RestoreWatch for Seen {
    fn progress(&self, done: u64, total: u64) {
        let mut seen = self.0.lock().unwrap();
        seen.0 = seen.0.max(done);
        seen.1 = total;
    }
}

struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

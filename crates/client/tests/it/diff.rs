//! What differs between two snapshots, of archives in one piece, split ones, and one of each.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use client::compare::{self, Operation, Side};
use client::{Detection, Parts, Protection, RemoteArchive, Source};
use remote::Client;

use crate::rig::{Rig, archive, back_up, noise, open, options, place, source};
use crate::split::split_source;

/// Writes a file and gives it a time that does not depend on when the test runs.
fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

fn make_tree(root: &Path) {
    for dir in 0..4 {
        let dir = root.join(format!("d{dir}"));
        fs::create_dir_all(&dir).unwrap();
        for file in 0..40 {
            write(&dir.join(format!("f{file:02}")), &noise(file, 30_000));
        }
    }
}

async fn side(client: &Client, epoch: i64) -> Side<RemoteArchive> {
    let restore = open(client, &place(epoch), None).await;
    let name = archive("root.pxar.didx");
    let parts = Parts::find(restore.manifest(), &name).unwrap();
    let payload = match &parts {
        Parts::Whole(_) => None,
        Parts::Split { payload, .. } => Some(restore.index(payload).await.unwrap()),
    };
    Side {
        index: restore.index(parts.metadata()).await.unwrap(),
        payload,
        tree: client::open_tree(&restore, &name).await.unwrap(),
    }
}

/// Path and operation of each change, by a letter; `c` if it is the content and nothing else.
async fn changes(client: &Client, before: i64, after: i64, content: bool) -> Vec<String> {
    let (before, after) = (side(client, before).await, side(client, after).await);
    let changes = client::run_blocking(move || Ok(compare::compare(&before, &after, content)));
    let letter = |operation| match operation {
        Operation::Added => "A",
        Operation::Deleted => "D",
        Operation::Modified(marks) if marks.content && !marks.mtime => "c",
        Operation::Modified(_) => "M",
    };
    let changes = changes.await.unwrap().unwrap();
    let line = |change: &compare::Change| {
        let path = String::from_utf8_lossy(&change.path).into_owned();
        format!("{} {path}", letter(change.operation))
    };
    changes.iter().map(line).collect()
}

/// A file whose data changes while size and times stay has the very metadata that it had, and only its payload tells.
#[tokio::test(flavor = "multi_thread")]
async fn content_that_contradicts_the_metadata_is_seen() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    make_tree(&root);
    let split = || split_source(&root, &[], Detection::Data);
    let whole = || source("root.pxar.didx", &root);
    let store = async |epoch: i64, source: Source| {
        let options = options(Protection::None);
        let (report, _) = back_up(&client, &place(epoch), &options, vec![source]).await;
        report.unwrap();
    };
    store(1_000, split()).await;
    store(1_001, whole()).await;
    write(&root.join("d2/f07"), &noise(999, 30_000));
    store(2_000, split()).await;
    store(2_001, whole()).await;
    let none: [&str; 0] = [];
    for (before, after) in [
        (1_000, 2_000),
        (1_001, 2_001),
        (1_000, 2_001),
        (1_001, 2_000),
    ] {
        let found = changes(&client, before, after, true).await;
        assert_eq!(found, ["c /d2/f07"], "{before} {after}");
        let found = changes(&client, before, after, false).await;
        assert_eq!(found, none, "without contents: {before} {after}");
    }
    for (before, after) in [(1_000, 1_001), (2_001, 2_000), (2_000, 2_000)] {
        assert_eq!(changes(&client, before, after, true).await, none);
    }
    // What has other metadata is seen either way.
    fs::remove_file(root.join("d0/f00")).unwrap();
    write(&root.join("d0/g"), b"new");
    fs::write(root.join("d3/f01"), noise(998, 30_000)).unwrap();
    store(3_000, split()).await;
    for content in [false, true] {
        for before in [2_000, 2_001] {
            let found = changes(&client, before, 3_000, content).await;
            let files: Vec<_> = found.iter().filter(|line| line.len() > 5).collect();
            assert_eq!(files, ["D /d0/f00", "A /d0/g", "M /d3/f01"], "{content}");
        }
    }
}

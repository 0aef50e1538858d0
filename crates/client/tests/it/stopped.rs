//! A restore that is given up leaves no half file under its final name, however it reads.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use client::{Detection, Error, Protection, Restore, RestoreWatch, Source, SourceKind, subtree};
use pxar::{MatchKind, Pattern};
use remote::{Client, Rate};
use tree::{EntryError, ExtractOptions, ExtractWatch, Remark};

use crate::rig::{Rig, archive, back_up, noise, open, options, place, source};

/// At a rate of 1 MiB a second it is met on its way.
const SIZE: usize = 8 << 20;

struct Quiet;

impl ExtractWatch for Quiet {
    fn remark(&mut self, _: &Remark) {}
    fn error(&mut self, _: &EntryError) {}
}

fn extracting(pattern: Option<&str>) -> ExtractOptions {
    let parse = |text: &str| Pattern::parse(text.as_bytes(), MatchKind::Include).unwrap();
    ExtractOptions {
        patterns: pattern.map(parse).into_iter().collect(),
        ignore_ownership: true,
        strict: true,
        ..ExtractOptions::default()
    }
}

async fn slow(rig: &Rig) -> Client {
    let mut connect = rig.connect();
    connect.rate = Some(Rate {
        bytes_per_second: 1 << 20,
        burst_bytes: 1 << 20,
    });
    Client::connect(connect).await.unwrap()
}

/// Drops `work` when `file` has something in it, and tells that it was there.
async fn stop<T>(restore: &Restore, file: &Path, work: impl Future<Output = Result<T, Error>>) {
    let begun = async {
        while file.metadata().map_or(0, |found| found.len()) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        biased;
        () = begun => {}
        done = work => panic!("it ended before it was stopped: {:?}", done.err()),
    }
    tokio::time::timeout(Duration::from_secs(60), restore.give_up())
        .await
        .expect("its threads end");
}

/// The threads were not waited for: when the program had ended, half the file was left with its mode and name.
#[tokio::test(flavor = "multi_thread")]
async fn no_half_file_stays() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    std::fs::create_dir_all(tree.join("d")).unwrap();
    std::fs::write(tree.join("d/big"), noise(7, SIZE)).unwrap();
    // So that a part of the archive is the smaller one.
    std::fs::write(tree.join("other"), noise(8, 2 * SIZE)).unwrap();
    let split = Source {
        archive: archive("s.mpxar.didx"),
        path: tree.clone(),
        kind: SourceKind::SplitTree(Box::default(), Detection::Data),
    };
    let sources = vec![
        source("w.pxar.didx", &tree),
        split,
        source("i.img.fidx", &tree.join("other")),
    ];
    let options = options(Protection::None);
    let (report, _) = back_up(&rig.client().await, &place(1000), &options, sources).await;
    report.unwrap();

    let client = slow(&rig).await;
    let (metadata, payload) = (archive("s.mpxar.didx"), archive("s.ppxar.didx"));
    let (whole, disk) = (archive("w.pxar.didx"), archive("i.img.fidx"));
    for (name, is_split, pattern) in [
        ("whole", false, None),
        ("part", false, Some("/d/big")),
        ("split", true, None),
        ("split part", true, Some("/d/big")),
    ] {
        let target: PathBuf = work.path().join(name);
        let file = target.join("d/big");
        let restore = open(&client, &place(1000), None).await;
        let options = extracting(pattern);
        let heard: Arc<dyn RestoreWatch> = Arc::new(());
        let to = target.clone();
        if is_split {
            let work = restore.split_tree(&metadata, &payload, to, options, heard);
            stop(&restore, &file, work).await;
        } else {
            let work = restore.tree(&whole, to, options, heard);
            stop(&restore, &file, work).await;
        }
        assert!(target.join("d").is_dir() && !file.exists(), "{name}");
    }

    let restore = open(&client, &place(1000), None).await;
    let image = work.path().join("image");
    let writing = restore.image(&disk, image.clone(), Arc::new(()));
    stop(&restore, &image, writing).await;
    assert!(!image.exists());

    // As `file-restore extract` does.
    let restore = open(&client, &place(1000), None).await;
    let to = work.path().join("member");
    let file = to.join("big");
    let extracting = async {
        let tree = client::open_tree(&restore, &whole).await?;
        let extract = move || {
            let found = tree.lookup(b"/d/big").unwrap().unwrap();
            let options = extracting(None);
            let done = subtree::extract_member(&tree, b"/d/big", &found, &to, &options, &mut Quiet);
            assert!(done.is_err());
            Ok(())
        };
        restore.run_blocking(extract).await
    };
    stop(&restore, &file, extracting).await;
    assert!(!file.exists());
}

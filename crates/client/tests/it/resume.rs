//! A backup after one that was not finished: what that one sent is not sent again, whatever it was part of, and with another key it is of no use.

use std::sync::Arc;
use std::time::Duration;

use client::{ArchiveStats, BackupWatch, Counters, Notice, Protection};
use format::ArchiveName;
use tokio::sync::Notify;

use crate::rig::{Rig, archive, back_up, key, noise, open, options, place, source};

/// Tells when so much was sent.
struct After {
    bytes: u64,
    reached: Arc<Notify>,
}

impl BackupWatch for After {
    fn notice(&self, _notice: &Notice) {}

    fn progress(&self, _archive: &ArchiveName, counters: Counters) {
        if counters.uploaded >= self.bytes {
            self.reached.notify_one();
        }
    }
}

fn sums(archives: &[ArchiveStats]) -> (u64, u64) {
    let sum = |of: fn(&ArchiveStats) -> u64| archives.iter().map(of).sum();
    (sum(|stats| stats.uploaded), sum(|stats| stats.resumed))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_not_sent_again() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let (disk, tree) = (work.path().join("disk"), work.path().join("tree"));
    let content = noise(41, 32 << 20);
    std::fs::write(&disk, &content).unwrap();
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(tree.join("file"), noise(42, 16 << 20)).unwrap();
    let sealed = || Protection::Encrypt(key(1));
    for (number, first, second, expected) in [
        (1, Protection::None, Protection::None, true),
        (2, sealed(), sealed(), true),
        (3, sealed(), Protection::Encrypt(key(2)), false),
        (4, Protection::None, sealed(), false),
        (5, Protection::Sign(key(1)), Protection::None, true),
    ] {
        for name in ["disk.img.fidx", "tree.pxar.didx"] {
            let path = if name.starts_with("disk") {
                &disk
            } else {
                &tree
            };
            let of = |epoch| {
                let mut place = place(epoch);
                place.snapshot.group = format!("host/{}{number}", &name[..4]).parse().unwrap();
                place
            };
            let reached = Arc::new(Notify::new());
            let watch = Arc::new(After {
                bytes: 8 << 20,
                reached: Arc::clone(&reached),
            });
            let before = options(first.clone());
            let sources = vec![source(name, path)];
            let first_place = of(1000);
            tokio::select! {
                done = client::backup(&client, &first_place, &before, sources, watch) => panic!("{done:?}"),
                () = reached.notified() => {}
            }
            let mut after = options(second.clone());
            after.now = None;
            let sources = vec![source(name, path)];
            // The server may still be busy with the end of the first.
            let (report, ear) = loop {
                let (report, ear) = back_up(&client, &of(2000), &after, sources.clone()).await;
                match report {
                    Err(error) if error.to_string().contains("another backup") => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    report => break (report.unwrap(), ear),
                }
            };
            let (sent, resumed) = sums(&report.archives);
            let notices = ear.0.lock().unwrap().notices.clone();
            let told = notices
                .iter()
                .any(|notice| notice.starts_with("Resuming an unfinished backup"));
            assert!(told, "{name} {number}: {notices:#?}");
            assert_eq!(resumed >= 8 << 20, expected, "{name} {number}: {resumed}");
            assert_eq!(resumed == 0, !expected, "{name} {number}: {resumed}");
            let size = report.archives.iter().map(|stats| stats.size).sum::<u64>();
            assert_eq!(sent + resumed, size, "{name} {number}");
            // And it is whole.
            let key = second.key().cloned();
            let restore = open(&client, &of(2000), key).await;
            if name.starts_with("disk") {
                let back = work.path().join("back");
                let name = archive(name);
                restore
                    .image(&name, back.clone(), Arc::new(()))
                    .await
                    .unwrap();
                assert!(std::fs::read(&back).unwrap() == content);
                std::fs::remove_file(back).unwrap();
            }
        }
    }
}

/// A dry run asks for nothing and takes nothing away.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_it() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let disk = work.path().join("disk");
    std::fs::write(&disk, noise(43, 32 << 20)).unwrap();
    let sources = || vec![source("disk.img.fidx", &disk)];
    let reached = Arc::new(Notify::new());
    let watch = Arc::new(After {
        bytes: 8 << 20,
        reached: Arc::clone(&reached),
    });
    let plain = options(Protection::None);
    let first_place = place(1000);
    tokio::select! {
        done = client::backup(&client, &first_place, &plain, sources(), watch) => panic!("{done:?}"),
        () = reached.notified() => {}
    }
    let mut dry = options(Protection::None);
    dry.dry_run = true;
    for (time, options, expected) in [(2000, &dry, false), (3000, &plain, true)] {
        let (report, ear) = loop {
            let (report, ear) = back_up(&client, &place(time), options, sources()).await;
            match report {
                Err(error) if error.to_string().contains("another backup") => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                report => break (report.unwrap(), ear),
            }
        };
        let notices = ear.0.lock().unwrap().notices.clone();
        let told = notices.iter().any(|notice| notice.starts_with("Resuming"));
        assert_eq!(told, expected, "{notices:#?}");
        assert_eq!(sums(&report.archives).1 > 0, expected);
    }
}

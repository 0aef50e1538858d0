//! What goes wrong in the middle: sources that vanish, connections that break, callers who lose interest.

use std::sync::Arc;
use std::time::Duration;

use client::{BackupWatch, Counters, Error, Notice, Protection};
use format::ArchiveName;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::rig::{Rig, back_up, chain, noise, options, place, source};

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_archive_and_nothing_is_left() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let good = work.path().join("good");
    std::fs::write(&good, noise(1, 10_000)).unwrap();
    let missing = work.path().join("missing");
    for (i, name) in ["b.img.fidx", "b.pxar.didx", "b.conf.blob"]
        .into_iter()
        .enumerate()
    {
        let place = place(1000 + i as i64);
        let sources = vec![source("a.img.fidx", &good), source(name, &missing)];
        let (report, _) = back_up(&client, &place, &options(Protection::None), sources).await;
        let error = report.unwrap_err();
        let text = chain(&error);
        assert!(
            text.starts_with(&format!("cannot back up {name}: ")),
            "{text}"
        );
        assert!(
            text.contains("missing") && text.contains("os error 2"),
            "{text}"
        );
        gone(&rig.stored(&place)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let path = rig.folder.path();
    let twice = vec![source("a.conf.blob", path), source("a.conf.blob", path)];
    let (report, _) = back_up(&client, &place(1), &options(Protection::None), twice).await;
    assert!(matches!(report, Err(Error::Twice { .. })));
    let mut wrong = source("a.img.fidx", path);
    wrong.archive = "a.pxar.didx".parse().unwrap();
    let (report, _) = back_up(&client, &place(1), &options(Protection::None), vec![wrong]).await;
    assert!(matches!(report, Err(Error::WrongName { .. })));
    for size in [0, 1000, 32 << 10, 8 << 20] {
        let mut options = options(Protection::None);
        options.chunk_size_avg = size;
        let (report, _) = back_up(&client, &place(1), &options, Vec::new()).await;
        assert!(matches!(report, Err(Error::ChunkSize { size: s }) if s == size));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_ends_the_backup_promptly() {
    let rig = Rig::start().await;
    let cut = Arc::new(Notify::new());
    let port = middleman(rig.port(), Arc::clone(&cut)).await;
    let mut connect = rig.connect();
    connect.port = port;
    let client = remote::Client::connect(connect).await.unwrap();
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("disk");
    std::fs::write(&image, noise(8, 64 << 20)).unwrap();
    let place = place(2000);
    let watch = Arc::new(CutAfter {
        bytes: 8 << 20,
        cut,
    });
    let sources = vec![source("disk.img.fidx", &image)];
    let options = options(Protection::None);
    let backup = client::backup(&client, &place, &options, sources, watch);
    let error = tokio::time::timeout(Duration::from_secs(20), backup)
        .await
        .expect("ends by itself")
        .unwrap_err();
    let text = chain(&error);
    assert!(
        text.starts_with("cannot back up disk.img.fidx: the connection to 127.0.0.1:"),
        "{text}"
    );
    gone(&rig.stored(&place)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_gives_the_backup_up() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("large"), noise(8, 48 << 20)).unwrap();
    let place = place(3000);
    let cut = Arc::new(Notify::new());
    let watch = Arc::new(CutAfter {
        bytes: 1 << 20,
        cut: Arc::clone(&cut),
    });
    let sources = vec![source("root.pxar.didx", &root)];
    let options = options(Protection::None);
    tokio::select! {
        result = client::backup(&client, &place, &options, sources, watch) => panic!("{result:?}"),
        () = cut.notified() => {}
    }
    gone(&rig.stored(&place)).await;
    // The group is free again.
    let place = crate::rig::place(3001);
    let (report, _) = back_up(
        &client,
        &place,
        &options,
        vec![source("root.pxar.didx", &root)],
    )
    .await;
    report.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_off_an_image_is_not_taken_for_zeros() {
    struct CutOff(std::path::PathBuf);
    impl BackupWatch for CutOff {
        fn notice(&self, _notice: &Notice) {}

        fn started(&self, _source: &client::Source, total: Option<u64>) {
            assert_eq!(total, Some(40 << 20));
            let file = std::fs::File::options().write(true).open(&self.0);
            file.unwrap().set_len(5 << 20).unwrap();
        }
    }
    let rig = Rig::start().await;
    let client = rig.client().await;
    let image = rig.folder.path().join("disk");
    std::fs::write(&image, noise(5, 40 << 20)).unwrap();
    let place = place(4000);
    let sources = vec![source("disk.img.fidx", &image)];
    let watch = Arc::new(CutOff(image.clone()));
    let options = options(Protection::None);
    let error = client::backup(&client, &place, &options, sources, watch)
        .await
        .unwrap_err();
    let text = chain(&error);
    assert!(text.ends_with("became shorter while it was read"), "{text}");
    gone(&rig.stored(&place)).await;
}

/// Passes connections on to `port` until it is told to cut them.
async fn middleman(port: u16, cut: Arc<Notify>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let pass = async {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                tokio::spawn({
                    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let cut = Arc::clone(&cut);
                    async move {
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            () = cut.notified() => {}
                        }
                    }
                });
            }
        };
        pass.await
    });
    own
}

struct CutAfter {
    bytes: u64,
    cut: Arc<Notify>,
}

impl BackupWatch for CutAfter {
    fn notice(&self, _notice: &Notice) {}

    fn progress(&self, _archive: &ArchiveName, counters: Counters) {
        if counters.uploaded >= self.bytes {
            self.cut.notify_waiters();
            self.cut.notify_one();
        }
    }
}

/// The server removes an unfinished snapshot when it has noticed the end of the session.
async fn gone(path: &std::path::Path) {
    for _ in 0..1000 {
        if !path.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} is still there", path.display());
}

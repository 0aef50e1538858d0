//! A server that says nothing any more, where a thread of an attempt that broke waits for it.

use std::fs;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use client::{BackupWatch, Counters, Detection, Notice, Protection};
use format::ArchiveName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::outages::{LIMIT, patient};
use crate::rig::{Ear, Rig, back_up, chain, noise, options, place};
use crate::split::split_source;

/// Passes connections on, numbered from 1. All that are open can be made to hang: they stay open, and nothing comes through. Then all but
/// the last of them can be dropped.
#[derive(Default)]
struct Between {
    connections: AtomicUsize,
    /// The last one that hangs.
    hanging: AtomicUsize,
    drop_others: Notify,
}

impl Between {
    async fn start(self: &Arc<Between>, far: u16) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let between = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let number = between.connections.fetch_add(1, Ordering::SeqCst) + 1;
                let between = Arc::clone(&between);
                tokio::spawn(async move { between.pass(number, near, far).await });
            }
        });
        port
    }

    fn hang(&self) {
        let latest = self.connections.load(Ordering::SeqCst);
        self.hanging.store(latest, Ordering::SeqCst);
    }

    fn hangs(&self, number: usize) -> bool {
        number <= self.hanging.load(Ordering::SeqCst)
    }

    async fn pass(&self, number: usize, mut near: TcpStream, far: u16) {
        let mut far = TcpStream::connect(("127.0.0.1", far)).await.unwrap();
        let ((from_near, to_near), (from_far, to_far)) = (near.split(), far.split());
        let dropped = async {
            self.drop_others.notified().await;
            if self.hanging.load(Ordering::SeqCst) == number {
                pending::<()>().await;
            }
        };
        tokio::select! {
            _ = self.forward(number, from_near, to_far) => {}
            _ = self.forward(number, from_far, to_near) => {}
            () = dropped => {}
        }
    }

    async fn forward(
        &self,
        number: usize,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> Option<()> {
        let mut buffer = [0; 4096];
        loop {
            let read = from.read(&mut buffer).await;
            let len = read.ok().filter(|len| *len > 0)?;
            if !self.hangs(number) {
                to.write_all(&buffer[..len]).await.ok()?;
            }
        }
    }
}

/// Lets the server fall silent as soon as it has taken a chunk, and breaks the session of the backup when the walk has come to the end of what it
/// has of the previous archive.
struct Stalling {
    between: Arc<Between>,
    has_stalled: AtomicBool,
    ear: Ear,
}

impl BackupWatch for Stalling {
    fn notice(&self, notice: &Notice) {
        self.ear.notice(notice);
    }

    fn walked(&self, archive: &ArchiveName, notice: &tree::Notice) {
        self.ear.walked(archive, notice);
    }

    fn progress(&self, _archive: &ArchiveName, counters: Counters) {
        if counters.uploaded == 0 || self.has_stalled.swap(true, Ordering::SeqCst) {
            return;
        }
        self.between.hang();
        let between = Arc::clone(&self.between);
        tokio::spawn(async move {
            // Ample time for the walk.
            tokio::time::sleep(Duration::from_secs(2)).await;
            between.drop_others.notify_waiters();
        });
    }
}

/// The walk that looks for unchanged files reads over a session of its own. When the session of the backup broke, that one was waited for
/// until it was given up after minutes, and the disk was blamed.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_attempt_does_not_wait_for_a_server_that_says_nothing() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    fs::create_dir(&tree).unwrap();
    // So much metadata that it is not read ahead to its end.
    for number in 0..5000 {
        let name = format!("{number:0240}");
        fs::write(tree.join(name), number.to_string()).unwrap();
    }
    let new = tree.join("-new");
    fs::write(&new, "").unwrap();
    let sources = || vec![split_source(&tree, &[], Detection::Metadata)];
    let plain = options(Protection::None);
    let client = rig.client().await;
    let (first, _) = back_up(&client, &place(1000), &plain, sources()).await;
    first.unwrap();
    fs::write(&new, noise(51, 3_000_000)).unwrap();

    let between = Arc::new(Between::default());
    let port = between.start(rig.port()).await;
    let (patience, _) = patient(&rig, port, LIMIT).await;
    let mut options = options(Protection::None);
    options.patience = Some(Arc::clone(&patience));
    options.now = Some(|| 3000);
    let watch = Arc::new(Stalling {
        between,
        has_stalled: AtomicBool::new(false),
        ear: Ear::default(),
    });
    let heard: Arc<dyn BackupWatch> = Arc::<Stalling>::clone(&watch);
    let place = place(2000);
    let backup = client::backup(patience.client(), &place, &options, sources(), heard);
    let report = tokio::time::timeout(Duration::from_secs(60), backup).await;
    let heard = watch.ear.0.lock().unwrap();
    let notices = &heard.notices;
    let report = report.unwrap_or_else(|_| panic!("it hangs: {notices:#?}"));
    let report = report.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(report.starts, 2, "{notices:#?}");
    let has = |text: &str| notices.iter().any(|notice| notice.contains(text));
    assert!(has("the backup broke off"), "{notices:#?}");
    assert!(!has("does not answer"), "{notices:#?}");
    assert!(has("5000 of 5001 files"), "{notices:#?}");
    // What the end of the first attempt did to its walk is nobody's warning.
    assert!(heard.walked.is_empty(), "{:?}", heard.walked);
}

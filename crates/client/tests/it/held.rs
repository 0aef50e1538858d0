//! A thread of an attempt that broke, held by its disk: the next attempt begins when it has come back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{BackupWatch, Notice, Protection};
use format::ArchiveName;
use tokio::sync::Notify;

use crate::outages::{LIMIT, Middleman, patient};
use crate::rig::{Rig, noise, options, place, source};

/// Holds the first walk in the middle, as a disk would, and breaks the connection meanwhile.
struct Holding {
    drop_all: Arc<Notify>,
    is_held: AtomicBool,
    has_held: AtomicBool,
    free: Sender<()>,
    freed: Mutex<Receiver<()>>,
    /// For each new start, whether the walk before it was still held.
    again: Mutex<Vec<bool>>,
}

impl BackupWatch for Holding {
    fn notice(&self, notice: &Notice) {
        match notice {
            Notice::Broken(_) => {
                let free = self.free.clone();
                std::thread::spawn(move || {
                    // Ample time for a next attempt that does not wait.
                    std::thread::sleep(Duration::from_secs(1));
                    free.send(()).expect("somebody waits");
                });
            }
            Notice::Again(_) => {
                let is_held = self.is_held.load(Ordering::SeqCst);
                self.again.lock().unwrap().push(is_held);
            }
            _ => {}
        }
    }

    /// Called by the walk's thread.
    fn walked(&self, _: &ArchiveName, _: &tree::Notice) {
        if self.has_held.swap(true, Ordering::SeqCst) {
            return;
        }
        self.is_held.store(true, Ordering::SeqCst);
        self.drop_all.notify_waiters();
        self.freed.lock().unwrap().recv().expect("it is freed");
        self.is_held.store(false, Ordering::SeqCst);
    }
}

/// Its buffers lived beside those of the next attempt: twice the memory.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_attempt_waits_for_the_threads_of_the_one_before() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    std::fs::create_dir_all(tree.join("b")).unwrap();
    std::fs::write(tree.join("a"), noise(41, 6 << 20)).unwrap();
    // What the walk says about this pattern is the moment at which it is held.
    std::fs::write(tree.join("b/.pxarexclude"), "[unclosed\n").unwrap();
    std::fs::write(tree.join("c"), noise(42, 6 << 20)).unwrap();
    let between = Middleman::new(rig.port()).await;
    let (patience, _) = patient(&rig, between.port, LIMIT).await;
    let mut options = options(Protection::None);
    options.patience = Some(Arc::clone(&patience));
    options.now = Some(|| 2000);
    let (free, freed) = channel();
    let watch = Arc::new(Holding {
        drop_all: Arc::clone(&between.drop_all),
        is_held: AtomicBool::new(false),
        has_held: AtomicBool::new(false),
        free,
        freed: Mutex::new(freed),
        again: Mutex::default(),
    });
    let sources = vec![source("tree.pxar.didx", &tree)];
    let heard: Arc<dyn BackupWatch> = Arc::<Holding>::clone(&watch);
    let place = place(1000);
    let backup = client::backup(patience.client(), &place, &options, sources, heard);
    let report = tokio::time::timeout(LIMIT, backup).await;
    let report = report.expect("it goes on once it is freed").unwrap();
    assert_eq!(report.starts, 2);
    assert_eq!(*watch.again.lock().unwrap(), [false]);
}

//! A connection that breaks while a session is set up or anywhere later: with patience it is waited for, and a backup starts again; without it is an
//! error.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{BackupWatch, Counters, Error, Notice, Outage, Patience, Protection, Restore};
use format::ArchiveName;
use remote::Client;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::rig::{Ear, Rig, archive, back_up, chain, noise, options, place, source};

/// Passes connections on, until it has passed so many bytes from the server; then it drops that connection and the next ones.
pub struct Middleman {
    left: Arc<AtomicI64>,
    pub port: u16,
    /// Told when all connections are to be dropped.
    pub drop_all: Arc<Notify>,
}

const NO_LIMIT: i64 = i64::MAX;
/// Connections that are dropped after the first.
const MORE_DROPPED: i64 = 2;

impl Middleman {
    pub async fn new(far: u16) -> Middleman {
        let left = Arc::new(AtomicI64::new(NO_LIMIT));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&left);
        let drop_all = Arc::new(Notify::new());
        let dropping = Arc::clone(&drop_all);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let left = Arc::clone(&shared);
                // Below zero it counts connections.
                if left.load(Ordering::SeqCst) < 0 {
                    if left.fetch_add(1, Ordering::SeqCst) + 1 == 0 {
                        left.store(NO_LIMIT, Ordering::SeqCst);
                    }
                    continue;
                }
                let dropped = Arc::clone(&dropping).notified_owned();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = pass(near, far, &left) => {}
                        () = dropped => {}
                    }
                });
            }
        });
        Middleman {
            left,
            port,
            drop_all,
        }
    }

    fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    fn has_cut(&self) -> bool {
        // What has not been used up is nearly without limit.
        let left = self.left.load(Ordering::SeqCst);
        !(0..=NO_LIMIT / 2).contains(&left)
    }
}

async fn pass(mut near: TcpStream, far: u16, left: &AtomicI64) -> Option<()> {
    let mut far = TcpStream::connect(("127.0.0.1", far)).await.ok()?;
    let (mut from_far, mut to_far) = far.split();
    let (mut from_near, mut to_near) = near.split();
    let down = async {
        let mut buffer = [0; 64];
        loop {
            let len = from_far
                .read(&mut buffer)
                .await
                .ok()
                .filter(|len| *len > 0)?;
            let before = left.fetch_sub(len as i64, Ordering::SeqCst);
            if before < len as i64 {
                left.store(-MORE_DROPPED, Ordering::SeqCst);
                return None::<()>;
            }
            to_near.write_all(&buffer[..len]).await.ok()?;
        }
    };
    tokio::select! {
        _ = down => None,
        _ = copy(&mut from_near, &mut to_far) => None,
    }
}

/// What was told, as words.
pub type Told = Arc<Mutex<Vec<&'static str>>>;

pub async fn patient(rig: &Rig, port: u16, limit: Duration) -> (Arc<Patience>, Told) {
    let mut connect = rig.connect();
    connect.port = port;
    let client = Arc::new(Client::connect(connect).await.unwrap());
    let told = Told::default();
    let heard = Arc::clone(&told);
    let tell = move |outage: &Outage<'_>| {
        heard.lock().unwrap().push(match outage {
            Outage::Begins { .. } => "begins",
            Outage::Over(_) => "over",
            Outage::GivenUp { .. } => "given up",
        });
    };
    (Arc::new(Patience::new(client, limit, tell)), told)
}

/// Breaks the connection when an image is on its way.
struct CutInside {
    ear: Ear,
    left: Arc<AtomicI64>,
}

impl BackupWatch for CutInside {
    fn notice(&self, notice: &Notice) {
        self.ear.notice(notice);
    }

    fn progress(&self, _archive: &ArchiveName, counters: Counters) {
        if counters.uploaded >= 8 << 20 && self.left.load(Ordering::SeqCst) > NO_LIMIT / 2 {
            self.left.store(0, Ordering::SeqCst);
        }
    }
}

pub const LIMIT: Duration = Duration::from_secs(60);

/// A restore whose server went away between the login and the first read failed at once, one in the middle waited.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_waits_wherever_the_connection_breaks() {
    let rig = Rig::start().await;
    let client = rig.client().await;
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("disk");
    let content = noise(3, 9 << 20);
    std::fs::write(&image, &content).unwrap();
    let place = place(1000);
    let sources = vec![source("disk.img.fidx", &image)];
    let options = options(Protection::None);
    back_up(&client, &place, &options, sources).await.0.unwrap();
    let between = Middleman::new(rig.port()).await;
    let mut cuts = 0;
    for after in (0..3000).step_by(300) {
        let (patience, told) = patient(&rig, between.port, LIMIT).await;
        between.cut_after(after);
        let target = work.path().join(format!("back-{after}"));
        let restore = Restore::lasting(&patience, &place, None).await.unwrap();
        let name = archive("disk.img.fidx");
        let restoring = restore.image(&name, target.clone(), Arc::new(()));
        restoring.await.unwrap();
        assert!(std::fs::read(&target).unwrap() == content, "{after}");
        assert!(between.has_cut(), "{after}");
        let told = told.lock().unwrap().clone();
        // A connection that was kept and broke before the request went out is replaced in silence.
        if !told.is_empty() {
            assert_eq!(told, ["begins", "over"], "{after}");
            cuts += 1;
        }
        std::fs::remove_file(target).unwrap();
    }
    assert!(cuts > 7, "{cuts}");
    // Without patience it is an error.
    let (patience, _) = patient(&rig, between.port, LIMIT).await;
    between.cut_after(100);
    let failed = Restore::open(patience.client(), &place, None).await.err();
    assert!(matches!(failed, Some(Error::Remote(_))), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_waits_until_its_first_archive() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("app.conf");
    std::fs::write(&file, "cores: 2\n").unwrap();
    let sources = || vec![source("app.conf.blob", &file)];
    // One before, so that there is a previous manifest to load.
    let client = rig.client().await;
    let plain = options(Protection::None);
    let (first, _) = back_up(&client, &place(999), &plain, sources()).await;
    first.unwrap();
    let between = Middleman::new(rig.port()).await;
    let mut waited = 0;
    for (number, after) in (0..600).step_by(100).enumerate() {
        let (patience, told) = patient(&rig, between.port, LIMIT).await;
        let mut options = options(Protection::None);
        options.patience = Some(Arc::clone(&patience));
        between.cut_after(after);
        let place = place(1000 + number as i64);
        let (report, _) = back_up(patience.client(), &place, &options, sources()).await;
        report.unwrap_or_else(|error| panic!("{after}: {error}"));
        assert!(rig.stored(&place).join("index.json.blob").exists());
        let told = told.lock().unwrap().clone();
        if !told.is_empty() {
            assert_eq!(told, ["begins", "over"], "{after}");
            waited += 1;
        }
        between.cut_after(NO_LIMIT);
    }
    assert!(waited > 2, "{waited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_has_a_limit() {
    let rig = Rig::start().await;
    let between = Middleman::new(rig.port()).await;
    let (patience, told) = patient(&rig, between.port, Duration::from_secs(1)).await;
    between.cut_after(0);
    // More connections than can be tried in the time.
    let place = place(1);
    let asking = tokio::spawn(async move { Restore::lasting(&patience, &place, None).await.err() });
    let error = loop {
        between.left.store(-1000, Ordering::SeqCst);
        if asking.is_finished() {
            break asking.await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(matches!(error, Some(Error::OutOfReach { .. })), "{error:?}");
    assert_eq!(*told.lock().unwrap(), ["begins", "given up"]);
}

/// Once a backup that lost its server after its first archive had begun failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_starts_again_wherever_the_connection_breaks() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let (disk, conf, tree) = (
        work.path().join("disk"),
        work.path().join("conf"),
        work.path().join("tree"),
    );
    let content = noise(31, 20 << 20);
    std::fs::write(&disk, &content).unwrap();
    std::fs::write(&conf, "cores: 2\n").unwrap();
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(tree.join("file"), noise(32, 1 << 20)).unwrap();
    let sources = || {
        vec![
            source("disk.img.fidx", &disk),
            source("tree.pxar.didx", &tree),
            source("app.conf.blob", &conf),
        ]
    };
    let between = Middleman::new(rig.port()).await;
    let (mut again, mut resumed) = (0, 0);
    for (number, after) in (0..3000).step_by(150).enumerate() {
        // Groups of their own, so that there is no snapshot before.
        let mut place = place(1000);
        place.snapshot.group = format!("host/pc{number}").parse().unwrap();
        let (patience, told) = patient(&rig, between.port, LIMIT).await;
        let mut options = options(Protection::None);
        options.patience = Some(Arc::clone(&patience));
        options.now = Some(|| 2000);
        between.cut_after(after);
        let (report, ear) = back_up(patience.client(), &place, &options, sources()).await;
        let report = report.unwrap_or_else(|error| panic!("{after}: {}", chain(&error)));
        between.cut_after(NO_LIMIT);
        let notices = ear.0.lock().unwrap().notices.clone();
        assert!(report.starts < 3, "{after}: {notices:#?}");
        let told = told.lock().unwrap().clone();
        assert!(
            told.is_empty() || told == ["begins", "over"],
            "{after}: {told:?}"
        );
        if report.starts == 2 {
            again += 1;
            let broke = |notice: &&String| notice.starts_with("the backup broke off");
            assert_eq!(notices.iter().filter(broke).count(), 1, "{notices:#?}");
        }
        // What the last start did not send is what the one before it had.
        let image = &report.archives[0];
        assert_eq!(image.uploaded + image.reused, image.size);
        assert_eq!(image.reused, image.resumed, "{after}: no snapshot before");
        resumed += image.resumed;
        place.snapshot = report.snapshot.clone();
        assert!(
            rig.stored(&place).join("index.json.blob").exists(),
            "{after}"
        );
        let restore = crate::rig::open(&rig.client().await, &place, None).await;
        let back = work.path().join(format!("back{number}"));
        let name = archive("disk.img.fidx");
        restore
            .image(&name, back.clone(), Arc::new(()))
            .await
            .unwrap();
        assert!(std::fs::read(&back).unwrap() == content, "{after}");
        std::fs::remove_file(back).unwrap();
    }
    assert!(again > 8, "{again}");
    assert!(resumed > 40 << 20, "{resumed}");
    let journals = rig.folder.path().join("state/uploads/vault");
    assert_eq!(std::fs::read_dir(journals).map_or(0, Iterator::count), 0);
}

/// The answer to the last request is lost: the backup is finished, and is not made twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_finished_backup_is_not_made_again() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let conf = work.path().join("conf");
    std::fs::write(&conf, "cores: 2\n").unwrap();
    let between = Middleman::new(rig.port()).await;
    for (number, after) in (600..4000).step_by(15).enumerate() {
        let mut place = place(1000);
        place.snapshot.group = format!("host/pc{number}").parse().unwrap();
        let (patience, _) = patient(&rig, between.port, LIMIT).await;
        let mut options = options(Protection::None);
        options.patience = Some(Arc::clone(&patience));
        options.now = Some(|| 2000);
        between.cut_after(after);
        let sources = vec![source("app.conf.blob", &conf)];
        let (report, ear) = back_up(patience.client(), &place, &options, sources).await;
        let report = report.unwrap_or_else(|error| panic!("{after}: {}", chain(&error)));
        between.cut_after(NO_LIMIT);
        let notices = ear.0.lock().unwrap().notices.clone();
        let broke = notices
            .iter()
            .any(|notice| notice.starts_with("the backup broke off"));
        let group = rig.stored(&place);
        let stored = std::fs::read_dir(group.parent().unwrap())
            .unwrap()
            .flatten();
        let stored = stored.filter(|entry| entry.path().join("index.json.blob").exists());
        assert_eq!(stored.count(), 1, "{after}: {notices:#?}");
        if broke && report.starts == 1 {
            return;
        }
    }
    panic!("the answer to `finish` was lost at no place");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_start_again() {
    let rig = Rig::start().await;
    let work = tempfile::tempdir().unwrap();
    let (disk, pipe) = (work.path().join("disk"), work.path().join("pipe"));
    std::fs::write(&disk, noise(33, 64 << 20)).unwrap();
    let between = Middleman::new(rig.port()).await;
    // Without patience, with none left, and with a source that is gone once it was read, whatever stands there now: a look at it would also
    // wait for a disk that does not answer.
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    for (number, limit, path) in [
        (0, None, &disk),
        (1, Some(Duration::ZERO), &disk),
        (2, Some(LIMIT), &pipe),
        (3, Some(LIMIT), &pipe),
    ] {
        let (patience, told) = patient(&rig, between.port, limit.unwrap_or_default()).await;
        let mut options = options(Protection::None);
        options.patience = limit.map(|_| Arc::clone(&patience));
        let writer = (path == &pipe).then(|| {
            let (disk, pipe) = (disk.clone(), pipe.clone());
            std::thread::spawn(move || {
                let mut into = std::fs::File::options().write(true).open(&pipe).unwrap();
                if number == 3 {
                    std::fs::remove_file(&pipe).unwrap();
                    std::fs::copy(&disk, &pipe).unwrap();
                }
                // Its reader goes away.
                let _ = std::io::copy(&mut std::fs::File::open(disk).unwrap(), &mut into);
            })
        });
        let sources = vec![source("disk.img.fidx", path)];
        let ear = Arc::new(CutInside {
            ear: Ear::default(),
            left: Arc::clone(&between.left),
        });
        // A group of its own: the server may still be busy with the end of the one before.
        let mut place = place(3000);
        place.snapshot.group = format!("host/pc{number}").parse().unwrap();
        let watch = Arc::clone(&ear);
        let backup = client::backup(patience.client(), &place, &options, sources, watch);
        let error = backup.await.unwrap_err();
        let ear = &ear.ear;
        let text = chain(&error);
        assert!(
            text.starts_with("cannot back up disk.img.fidx: "),
            "{number}: {text}"
        );
        assert!(told.lock().unwrap().is_empty(), "{number}");
        let notices = ear.0.lock().unwrap().notices.clone();
        let tells = notices.iter().any(|notice| notice.contains("is a pipe"));
        assert_eq!(tells, number >= 2, "{number}: {notices:#?}");
        let starts = notices.iter().any(|notice| notice.contains("broke off"));
        assert!(!starts, "{number}: {notices:#?}");
        if let Some(writer) = writer {
            writer.join().unwrap();
        }
        while between.left.load(Ordering::SeqCst) < 0 {
            drop(TcpStream::connect(("127.0.0.1", between.port)).await);
        }
    }
}

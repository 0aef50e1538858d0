//! A collection that is stopped while it sweeps: the next one goes on, marks nothing twice, and takes nothing that came in between.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store::{Datastore, GcError, GcReport, Options, Part, SyncLevel, Unwatched, Watch};
use tempfile::TempDir;
use testkit::MemoryChunks;

use super::spy::Spy;
use super::{DAY, digests, options};
use crate::world::{backup, pieces, root, snapshot, verify};

struct Place {
    dir: TempDir,
    chunks: Arc<Spy<MemoryChunks>>,
    store: Datastore,
}

/// Says stop when so many parts are swept.
struct StopAfter {
    parts: u64,
    reached: AtomicBool,
}

impl Watch for StopAfter {
    fn log(&self, _: &str) {}

    fn warn(&self, _: &str) {}

    fn progress(&self, done: u64, total: u64) {
        if total == u64::from(Part::COUNT) && done >= self.parts {
            self.reached.store(true, Ordering::SeqCst);
        }
    }

    fn stopped(&self) -> bool {
        self.reached.load(Ordering::SeqCst)
    }
}

impl Place {
    /// Sixty chunks, of which twenty are old garbage.
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let chunks = Arc::new(Spy::new(MemoryChunks::new()));
        let mut place = Place {
            store: open(&dir, &chunks),
            chunks,
            dir,
        };
        place.back_up("host/a", 0, (0..40).collect());
        place.back_up("host/a", 1, (20..60).collect());
        let old = snapshot("host/a", 0);
        place.store.forget_snapshot(&root(), &old).unwrap();
        place.chunks.inner().advance(2 * DAY);
        place.reopen();
        place
    }

    /// As after a restart: nothing is known of earlier sessions.
    fn reopen(&mut self) {
        self.store = open(&self.dir, &self.chunks);
    }

    fn back_up(&self, group: &str, n: i64, numbers: Vec<u8>) {
        backup(&self.store, &root(), &snapshot(group, n), &pieces(numbers)).unwrap();
    }

    fn collect(&self, watch: &dyn Watch) -> Result<GcReport, GcError> {
        self.chunks.forget_touches();
        let now = self.chunks.inner().now();
        self.store.collect_garbage(&options(), now, watch)
    }

    fn stop_after(&self, parts: u64) {
        let reached = AtomicBool::new(false);
        let stopped = self.collect(&StopAfter { parts, reached });
        assert!(matches!(stopped, Err(GcError::Stopped)), "{stopped:?}");
    }

    fn progress(&self) -> PathBuf {
        self.dir.path().join("vault/.strongroom-gc")
    }

    fn seen(&self) -> PathBuf {
        self.dir.path().join("vault/.strongroom-gc.seen")
    }

    fn folder(&self, group: &str) -> PathBuf {
        self.dir.path().join("vault").join(group)
    }
}

fn open(dir: &TempDir, chunks: &Arc<Spy<MemoryChunks>>) -> Datastore {
    let base = dir.path().join("vault");
    fs::create_dir_all(&base).unwrap();
    let mut settings = Options::new(dir.path().join("locks"));
    settings.sync = SyncLevel::None;
    Datastore::with_chunks(&"vault".parse().unwrap(), &base, settings, chunks.clone()).unwrap()
}

/// To mark takes as long as to sweep: a server that is restarted every night never came to the end of a large store.
#[test]
fn it_goes_on_where_it_was() {
    let whole = Place::new().collect(&Unwatched).unwrap();
    assert_eq!(whole.sweep.removed_chunks, 20);
    for parts in [1, 2, 31, 62, 63] {
        let mut place = Place::new();
        place.stop_after(parts);
        assert_eq!(place.chunks.touches().len(), 40);
        assert!(place.progress().exists());
        place.reopen();
        let report = place.collect(&Unwatched).unwrap();
        assert_eq!(place.chunks.touches().len(), 0, "all are marked: {parts}");
        assert_eq!(report, whole, "{parts}");
        assert_eq!(place.chunks.inner().digests(), digests(20..60));
        assert!(!place.progress().exists());
        // The next one begins anew.
        place.collect(&Unwatched).unwrap();
        assert_eq!(place.chunks.touches().len(), 40);
    }
}

#[test]
fn it_can_be_stopped_again_and_again() {
    let whole = Place::new().collect(&Unwatched).unwrap();
    let place = Place::new();
    for parts in 1..64 {
        place.stop_after(parts);
    }
    assert_eq!(place.collect(&Unwatched).unwrap(), whole);
}

#[test]
fn what_came_in_between_stays() {
    for parts in [1, 20, 40, 63] {
        let mut place = Place::new();
        place.stop_after(parts);
        place.reopen();
        // Old garbage that is needed again, and what is new; then what became garbage: the next collection's.
        place.back_up("host/b", 0, (0..5).chain(70..75).collect());
        let gone = snapshot("host/a", 1);
        place.store.forget_snapshot(&root(), &gone).unwrap();
        place.chunks.inner().advance(3600);
        place.collect(&Unwatched).unwrap();
        let left = digests((0..5).chain(20..60).chain(70..75));
        assert_eq!(place.chunks.inner().digests(), left, "{parts}");
        assert!(verify(&place.store).0.is_ok());
        place.chunks.inner().advance(2 * DAY);
        place.collect(&Unwatched).unwrap();
        let left = digests((0..5).chain(70..75));
        assert_eq!(place.chunks.inner().digests(), left, "{parts}");
        assert!(verify(&place.store).0.is_ok());
    }
}

/// Wherever it is not certain that the marks still count.
#[test]
fn in_doubt_it_begins_anew() {
    type Change = fn(&Place, &str) -> String;
    let rows: [(&str, Change); 10] = [
        ("damaged", |_, _| "strongroom-gc 2\n1 2 3\n".to_owned()),
        ("empty", |_, _| String::new()),
        ("another start of the machine", |_, text| {
            let (rest, _) = text.trim_end().rsplit_once('\n').unwrap();
            format!("{rest}\nother 1000 2000\n")
        }),
        ("another setting", |_, text| {
            text.replace(" 86700 ", " 600 ")
        }),
        ("another disk", |_, text| {
            with_disk(text, |dev, n| (dev, n + 1))
        }),
        ("another device", |_, text| {
            with_disk(text, |dev, n| (dev + 1, n))
        }),
        ("the list of indexes is another's", |place, text| {
            fs::write(place.seen(), [1; 16]).unwrap();
            text.to_owned()
        }),
        ("the list of indexes is gone", |place, text| {
            fs::remove_file(place.seen()).unwrap();
            text.to_owned()
        }),
        ("a day has gone by", |place, text| {
            place.chunks.inner().advance(DAY + 1);
            text.to_owned()
        }),
        ("it began later than now", |place, text| {
            place.chunks.inner().advance(-3600);
            text.to_owned()
        }),
    ];
    for (name, change) in rows {
        let mut place = Place::new();
        place.stop_after(30);
        place.reopen();
        let text = fs::read_to_string(place.progress()).unwrap();
        fs::write(place.progress(), change(&place, &text)).unwrap();
        place.collect(&Unwatched).unwrap();
        assert_eq!(place.chunks.touches().len(), 40, "{name}");
        assert!(!place.progress().exists(), "{name}");
        assert!(!place.seen().exists(), "{name}");
    }
}

/// The same progress of a datastore on another disk.
fn with_disk(text: &str, change: fn(u64, u64) -> (u64, u64)) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let (device, sequence) = lines[3].split_once(' ').unwrap();
    let (device, sequence) = change(device.parse().unwrap(), sequence.parse().unwrap());
    lines[3] = format!("{device} {sequence}");
    lines.join("\n") + "\n"
}

/// By `mv`, `cp -a`, from a snapshot of the file system, or with a disk that was used elsewhere: nobody marks anything then.
#[test]
fn a_snapshot_that_was_put_back_is_marked() {
    for parts in [1, 20, 40] {
        let mut place = Place::new();
        place.back_up("host/b", 0, (0..20).collect());
        let (folder, aside) = (place.folder("host/b"), place.dir.path().join("aside"));
        fs::rename(&folder, &aside).unwrap();
        place.chunks.inner().advance(2 * DAY);
        place.reopen();
        place.stop_after(parts);
        place.reopen();
        let left = place.chunks.inner().digests();
        assert!(left.len() > 40, "some of its chunks are there yet");
        fs::rename(&aside, &folder).unwrap();
        let report = place.collect(&Unwatched).unwrap();
        assert_eq!(place.chunks.inner().digests(), left, "{parts}");
        assert_eq!(place.chunks.touches().len(), 20, "and no other");
        assert_eq!(report.index_files, 2, "{parts}");
        assert_eq!(report.marked_chunks, 60, "{parts}");
        assert_eq!(usize::try_from(report.missing_chunks), Ok(60 - left.len()));
    }
}

/// What was marked with it counts as old by the right clock.
#[test]
fn backups_by_a_clock_that_was_wrong_for_a_while() {
    let mut place = Place::new();
    place.stop_after(1);
    place.reopen();
    let left = place.chunks.inner().digests();
    place.chunks.inner().advance(-2 * DAY);
    let numbers = (0..40).filter(|n| left.contains(&digests(*n..*n + 1)[0]));
    place.back_up("host/b", 0, numbers.chain(70..75).collect());
    place.reopen();
    place.chunks.inner().advance(2 * DAY);
    let all = place.chunks.inner().digests();
    place.collect(&Unwatched).unwrap();
    assert_eq!(place.chunks.inner().digests(), all);
    assert!(verify(&place.store).0.is_ok());
}

/// A backup that does not end well leaves no index, and may have marked what others need, by a clock that was wrong just then.
#[test]
fn a_session_that_sees_that_the_clock_was_set() {
    let mut place = Place::new();
    place.stop_after(1);
    place.reopen();
    let right = fs::read_to_string(place.progress()).unwrap();
    let (rest, wall) = right.trim_end().rsplit_once(' ').unwrap();
    let later = wall.parse::<i64>().unwrap() + DAY * 1000;
    let begin = || {
        let snapshot = snapshot("host/b", 0);
        let who = "root@pam".parse().unwrap();
        place.store.begin(&root(), &snapshot, &who, false).unwrap()
    };
    drop(begin());
    assert!(place.progress().exists(), "all is well");

    let session = begin();
    fs::write(place.progress(), format!("{rest} {later}\n")).unwrap();
    drop(session);
    assert!(!place.progress().exists(), "seen at the end");

    fs::write(place.progress(), format!("{rest} {later}\n")).unwrap();
    let session = begin();
    assert!(!place.progress().exists(), "seen at the begin");
    fs::write(place.progress(), &right).unwrap();
    drop(session);
    assert!(place.progress().exists(), "the clock is right again");
}

/// It may be stopped again while it marks what came, or just after: nothing of it is forgotten.
#[test]
fn what_came_is_marked_once() {
    let mut place = Place::new();
    place.stop_after(1);
    place.reopen();
    place.back_up("host/b", 0, (70..75).collect());
    place.stop_after(2);
    assert_eq!(place.chunks.touches().len(), 5);
    place.reopen();
    place.collect(&Unwatched).unwrap();
    assert_eq!(place.chunks.touches().len(), 0);
    assert!(verify(&place.store).0.is_ok());
}

/// Progress that was kept before tells of marks that may not be on disk now.
#[test]
fn what_cannot_be_kept_leaves_nothing_behind() {
    let mut place = Place::new();
    place.stop_after(1);
    place.reopen();
    place.back_up("host/b", 0, (70..75).collect());
    let stop = Blocked(place.seen(), AtomicBool::new(false));
    let stopped = place.collect(&stop);
    assert!(matches!(stopped, Err(GcError::Stopped)), "{stopped:?}");
    assert!(!place.progress().exists());
}

#[test]
fn writes_that_were_lost_may_have_been_marks() {
    let mut place = Place::new();
    place.stop_after(1);
    place.reopen();
    place.chunks.lose();
    place.stop_after(2);
    assert!(place.progress().exists(), "lost before it began");
    let stopped = place.collect(&Losing(&place, AtomicBool::new(false)));
    assert!(matches!(stopped, Err(GcError::Stopped)), "{stopped:?}");
    assert!(!place.progress().exists());
}

/// Loses a write once it sweeps, and stops.
struct Losing<'a>(&'a Place, AtomicBool);

impl Watch for Losing<'_> {
    fn log(&self, text: &str) {
        if text.contains("phase2") {
            self.0.chunks.lose();
            self.1.store(true, Ordering::SeqCst);
        }
    }

    fn warn(&self, _: &str) {}

    fn stopped(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

/// Takes away where the list of indexes is kept, and stops.
struct Blocked(PathBuf, AtomicBool);

impl Watch for Blocked {
    fn log(&self, text: &str) {
        if text.contains("phase2") && !self.1.swap(true, Ordering::SeqCst) {
            let _ = fs::remove_file(&self.0);
            fs::create_dir(&self.0).unwrap();
        }
    }

    fn warn(&self, _: &str) {}

    fn stopped(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }
}

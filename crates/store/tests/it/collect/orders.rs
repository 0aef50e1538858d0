//! Every order of a backup's and a prune's steps beside the steps of a collection (formats.md 9.7): nothing that a finished snapshot needs is
//! ever missing.
//!
//! The collector asks its watch at each step whether to stop; there the others make theirs. Two worlds: in one sessions mark what they rely
//! on, as they do; in the other they mark nothing, so that only the repeated reading of the groups keeps what they need. Without the mark
//! of a known chunk or a duplicate the first world loses data, without the second reading the second.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use format::Digest;
use store::{Datastore, Options, Session, SyncLevel, Unwatched, Watch};
use tempfile::TempDir;
use testkit::MemoryChunks;

use super::spy::Spy;
use super::{DAY, options};
use crate::world::{archive, backup, known, manifest, pieces, root, snapshot, user, verify};

/// Someone who works beside the collection, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Begins a backup on top of the first snapshot, and has its chunks made known.
    Begin,
    /// Refers to the known chunks, adds new ones, and one that lies there only for the other group; closes the index.
    Fill,
    Finish,
    /// Removes the snapshot that the backup builds on, and the other group's; tries in vain while they are in use.
    Prune,
}

/// A backup that has begun: what it knows, and what it has written.
struct Open {
    session: Session,
    known: Vec<Digest>,
    files: Vec<format::ManifestFile>,
}

struct House {
    store: Datastore,
    chunks: Arc<Spy<MemoryChunks>>,
    marks: bool,
    open: Mutex<Option<Open>>,
    _dir: TempDir,
}

impl House {
    fn new(marks: bool) -> House {
        let dir = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let base = dir.path().join("vault");
        fs::create_dir(&base).unwrap();
        let chunks = Arc::new(Spy::new(MemoryChunks::new()));
        let mut settings = Options::new(dir.path().join("locks"));
        settings.sync = SyncLevel::None;
        let name = "vault".parse().unwrap();
        let store = Datastore::with_chunks(&name, &base, settings, chunks.clone()).unwrap();
        backup(&store, &root(), &snapshot("host/a", 0), &pieces([1, 2])).unwrap();
        backup(&store, &root(), &snapshot("host/b", 0), &pieces([3])).unwrap();
        chunks.inner().advance(3 * DAY);
        House {
            store,
            chunks,
            marks,
            open: Mutex::default(),
            _dir: dir,
        }
    }

    fn make(&self, step: Step) {
        self.chunks.set_careless(!self.marks);
        let mut place = self.open.lock().unwrap();
        match step {
            Step::Begin => {
                let session = self
                    .store
                    .begin(&root(), &snapshot("host/a", 1), &user(), false)
                    .unwrap();
                let known = match session.previous() {
                    Some(_) => known(&session).unwrap(),
                    None => Vec::new(),
                };
                *place = Some(Open {
                    session,
                    known,
                    files: Vec::new(),
                });
            }
            Step::Fill => {
                let Open {
                    session,
                    known,
                    files,
                } = place.as_mut().unwrap();
                // An uploaded chunk that is there already is always marked; the world without marks has no use for it.
                let more: &[u8] = if self.marks { &[3, 4] } else { &[4] };
                let numbers = [1, 2].into_iter().chain(more.iter().copied());
                let file = archive(session, "root.pxar.didx", &pieces(numbers), |digest| {
                    known.contains(digest)
                });
                files.push(file.unwrap());
            }
            Step::Finish => {
                let Open { session, files, .. } = place.take().unwrap();
                manifest(&session, files).unwrap();
                session.finish().unwrap();
            }
            Step::Prune => {
                for group in ["host/a", "host/b"] {
                    let _ = self.store.forget_snapshot(&root(), &snapshot(group, 0));
                }
            }
        }
        self.chunks.set_careless(false);
    }
}

/// Lets the others make their steps when the collector asks.
struct Turns<'a> {
    house: &'a House,
    /// At which question each step is made, in order.
    plan: &'a [(usize, Step)],
    asked: AtomicUsize,
    made: AtomicUsize,
}

impl Turns<'_> {
    fn catch_up(&self, asked: usize) {
        while let Some((at, step)) = self.plan.get(self.made.load(Ordering::SeqCst)) {
            if *at > asked {
                return;
            }
            self.made.fetch_add(1, Ordering::SeqCst);
            self.house.make(*step);
        }
    }
}

impl Watch for Turns<'_> {
    fn log(&self, _: &str) {}

    fn warn(&self, _: &str) {}

    fn stopped(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        self.catch_up(asked);
        false
    }
}

/// One collection with the steps at their places; gives how often the collector asked.
fn run(marks: bool, plan: &[(usize, Step)]) -> usize {
    let house = House::new(marks);
    let turns = Turns {
        house: &house,
        plan,
        asked: AtomicUsize::new(0),
        made: AtomicUsize::new(0),
    };
    let now = house.chunks.inner().now();
    house
        .store
        .collect_garbage(&options(), now, &turns)
        .unwrap();
    let asked = turns.asked.load(Ordering::SeqCst);
    turns.catch_up(usize::MAX);
    let (report, text) = verify(&house.store);
    assert!(report.is_ok(), "marks: {marks}, {plan:?}\n{text}");
    // A second collection takes nothing either.
    let now = house.chunks.inner().now();
    house
        .store
        .collect_garbage(&options(), now, &Unwatched)
        .unwrap();
    assert!(verify(&house.store).0.is_ok(), "marks: {marks}, {plan:?}");
    asked
}

/// All non-decreasing places for `steps` steps among `places`.
fn all_places(steps: usize, places: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..steps {
        all = all
            .into_iter()
            .flat_map(|plan| {
                let first = plan.last().copied().unwrap_or(0);
                (first..places).map(move |at| [plan.clone(), vec![at]].concat())
            })
            .collect();
    }
    all
}

/// The backup's steps with the prune before, between or after them.
const ORDERS: [[Step; 4]; 4] = [
    [Step::Prune, Step::Begin, Step::Fill, Step::Finish],
    [Step::Begin, Step::Prune, Step::Fill, Step::Finish],
    [Step::Begin, Step::Fill, Step::Prune, Step::Finish],
    [Step::Begin, Step::Fill, Step::Finish, Step::Prune],
];

/// Every place of every step in one of the worlds.
fn every_order(marks: bool) {
    let asked = run(marks, &[]);
    assert!(asked > 10, "the collector asks at every step");
    // Between two of these questions the collector looks at nothing that another's step could change: while the first list is made, and while
    // chunk after chunk is touched.
    let reading = LISTING..=LISTING + 4;
    let places: Vec<usize> = [0]
        .into_iter()
        .chain(reading)
        .chain(asked - 1..=asked)
        .collect();
    let mut runs = 0;
    for order in ORDERS {
        for plan in all_places(order.len(), places.len()) {
            let plan: Vec<(usize, Step)> = plan.iter().map(|at| places[*at]).zip(order).collect();
            run(marks, &plan);
            runs += 1;
        }
    }
    assert!(runs > 1000, "only {runs} orders");
}

/// Questions while the first list is made: the store, `host`, its two groups, their snapshots.
const LISTING: usize = 6;

#[test]
fn sessions_that_mark() {
    every_order(true);
}

#[test]
fn sessions_that_mark_nothing() {
    every_order(false);
}

//! Every order of moves beside the steps of a collection (formats.md 9.4): what moves from a group that was not read yet to one that was is
//! not overlooked. Nobody but the collector marks anything here.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use format::Namespace;
use store::{Datastore, NamespaceMove, Options, Part, SyncLevel, Unwatched, Watch};
use tempfile::TempDir;
use testkit::MemoryChunks;

use super::spy::Spy;
use super::{DAY, options};
use crate::world::{backup, pieces, root, snapshot, verify};

/// What is done beside the collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Moves `host/a` from one namespace to another, into a group that may be there.
    Group(&'static str, &'static str),
    /// Moves a whole namespace.
    Namespace(&'static str, &'static str),
    /// A backup that refers to what is there in this namespace, then removes all others.
    Follow(&'static str),
    /// What one leaves who dies while writing in the journal.
    Torn,
}

struct House {
    store: Datastore,
    chunks: Arc<Spy<MemoryChunks>>,
    dir: TempDir,
}

fn ns(name: &str) -> Namespace {
    name.parse().unwrap()
}

impl House {
    /// `host/a` in `b` and in `c`; the one in `b` is newer, and `a` is empty.
    fn new() -> House {
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
        for name in ["a", "b", "c"] {
            store.create_namespace(&root(), name).unwrap();
        }
        backup(&store, &ns("b"), &snapshot("host/a", 1), &pieces([1, 2])).unwrap();
        backup(&store, &ns("c"), &snapshot("host/a", 0), &pieces([3])).unwrap();
        chunks.inner().advance(3 * DAY);
        House { store, chunks, dir }
    }

    fn make(&self, step: Step) {
        self.chunks.set_careless(true);
        let group = "host/a".parse().unwrap();
        match step {
            Step::Group(from, to) => {
                self.store
                    .move_group(&ns(from), &group, &ns(to), true, &Unwatched)
                    .unwrap();
            }
            Step::Namespace(from, to) => {
                let wish = NamespaceMove {
                    ns: ns(from),
                    target: ns(to),
                    max_depth: None,
                    delete_source: true,
                    merge_groups: true,
                };
                self.store.move_namespace(&wish, &Unwatched).unwrap();
            }
            Step::Torn => {
                let journal = self.dir.path().join("locks/vault/move-journal");
                let torn = fs::OpenOptions::new().append(true).open(journal);
                torn.unwrap().write_all(b"/vault/ns/a/ho").unwrap();
            }
            Step::Follow(place) => {
                let place = ns(place);
                let old = self.store.snapshot_times(&place, &group).unwrap();
                let next = snapshot("host/a", 7);
                backup(&self.store, &place, &next, &pieces([1, 2])).unwrap();
                for time in old {
                    self.store.forget_snapshot(&place, &group.at(time)).unwrap();
                }
            }
        }
        self.chunks.set_careless(false);
    }
}

struct Turns<'a> {
    house: &'a House,
    plan: &'a [(usize, Step)],
    asked: AtomicUsize,
    made: AtomicUsize,
    /// A sweep asks once for each of its parts, which are much the same: two places of it are enough.
    swept: AtomicUsize,
    sweeps: AtomicBool,
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
    fn log(&self, text: &str) {
        if text.starts_with("Start GC phase2") {
            self.sweeps.store(true, Ordering::SeqCst);
        }
    }

    fn warn(&self, _: &str) {}

    fn stopped(&self) -> bool {
        let half = usize::from(Part::COUNT / 2);
        if self.sweeps.load(Ordering::SeqCst)
            && !self
                .swept
                .fetch_add(1, Ordering::SeqCst)
                .is_multiple_of(half)
        {
            return false;
        }
        self.catch_up(self.asked.fetch_add(1, Ordering::SeqCst));
        false
    }
}

/// One collection with the steps at their places; gives how often the collector asked.
fn run(plan: &[(usize, Step)]) -> usize {
    let house = House::new();
    let turns = Turns {
        house: &house,
        plan,
        asked: AtomicUsize::new(0),
        made: AtomicUsize::new(0),
        swept: AtomicUsize::new(0),
        sweeps: AtomicBool::new(false),
    };
    let now = house.chunks.inner().now();
    house
        .store
        .collect_garbage(&options(), now, &turns)
        .unwrap();
    let asked = turns.asked.load(Ordering::SeqCst);
    turns.catch_up(usize::MAX);
    let (report, text) = verify(&house.store);
    assert!(report.is_ok(), "{plan:?}\n{text}");
    asked
}

#[test]
fn moves_at_every_place() {
    let asked = run(&[]);
    assert!(asked > 10, "the collector asks at every step");
    use Step::{Follow, Group, Namespace};
    let orders: [&[Step]; 5] = [
        &[Group("b", "a")],
        &[Group("b", "c"), Group("c", "a")],
        &[Group("c", "a"), Group("b", "a"), Group("a", "c")],
        &[Group("b", "a"), Follow("a")],
        &[Namespace("b", "d"), Namespace("d", "a/e")],
    ];
    let mut runs = 0;
    for order in orders {
        let mut plans = vec![Vec::new()];
        for step in order {
            plans = plans
                .into_iter()
                .flat_map(|plan: Vec<(usize, Step)>| {
                    let first = plan.last().map_or(0, |(at, _)| *at);
                    (first..asked + 2).map(move |at| [plan.clone(), vec![(at, *step)]].concat())
                })
                .collect();
        }
        for plan in plans {
            run(&plan);
            runs += 1;
        }
    }
    assert!(runs > 500, "only {runs} orders");
}

/// Somebody died while writing in the journal; what moves next, into a group that was read, is found all the same.
#[test]
fn behind_a_torn_line() {
    let asked = run(&[]);
    for at in 0..asked + 2 {
        use Step::{Group, Torn};
        run(&[(0, Group("c", "a")), (at, Torn), (at, Group("b", "a"))]);
    }
}

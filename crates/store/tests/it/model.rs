//! Random backups, removals and garbage collections beside a plain table: nothing reachable is ever missing.
//!
//! A collection here is what any collection over this store must be: list all indexes, mark what they name, sweep what was not marked.
//! Between listing and marking anything may happen, which is how the original once lost data (formats.md 9.7).

use std::collections::BTreeMap;

use format::{ArchiveName, Digest, Snapshot};
use proptest::prelude::*;
use store::{Part, Session, Unwatched};

use crate::world::{World, archive, known, manifest, pieces, root, snapshot, user};

#[derive(Debug, Clone)]
enum Op {
    /// A whole backup of these pieces to one of the groups.
    Backup {
        group: u8,
        pieces: u8,
    },
    /// Begins one and makes known what its base holds.
    Open {
        group: u8,
    },
    /// Goes on with it: known pieces are referenced only.
    Fill {
        pieces: u8,
    },
    Finish,
    Abort,
    /// Removes one of the group's snapshots.
    Forget {
        group: u8,
        which: u8,
    },
    /// Lets time go by.
    Wait {
        hours: u8,
    },
    /// Lists the indexes for a collection.
    List,
    /// Marks and sweeps by the last list.
    Sweep,
}

fn op() -> impl Strategy<Value = Op> {
    let group = 0..2_u8;
    prop_oneof![
        4 => (group.clone(), 1..64_u8).prop_map(|(group, pieces)| Op::Backup { group, pieces }),
        3 => group.clone().prop_map(|group| Op::Open { group }),
        3 => (1..64_u8).prop_map(|pieces| Op::Fill { pieces }),
        3 => Just(Op::Finish),
        1 => Just(Op::Abort),
        3 => (group, any::<u8>()).prop_map(|(group, which)| Op::Forget { group, which }),
        3 => (1..40_u8).prop_map(|hours| Op::Wait { hours }),
        3 => Just(Op::List),
        3 => Just(Op::Sweep),
    ]
}

/// A session that stays open over several operations.
struct Open {
    session: Session,
    known: Vec<Digest>,
    /// By the chunks' clock.
    since: i64,
    filled: Option<(u8, Vec<format::ManifestFile>)>,
}

/// A collection between its list and its sweep.
struct Listed {
    snapshots: Vec<Snapshot>,
    start: i64,
    oldest_writer: i64,
}

/// The table: which pieces each finished snapshot holds.
struct Model {
    world: World,
    finished: BTreeMap<Snapshot, u8>,
    open: Option<Open>,
    listed: Option<Listed>,
    next: i64,
}

const CUTOFF: i64 = 86_700;

fn numbers(bits: u8) -> Vec<Vec<u8>> {
    pieces((0..8).filter(|bit| bits >> bit & 1 == 1))
}

impl Model {
    fn new() -> Model {
        Model {
            world: World::new(),
            finished: BTreeMap::new(),
            open: None,
            listed: None,
            next: 0,
        }
    }

    fn now(&self) -> i64 {
        self.world.chunks.inner().now()
    }

    fn begin(&mut self, group: u8) -> Option<Open> {
        self.next += 1;
        let snapshot = snapshot(&format!("host/{group}"), self.next);
        // The group may be busy with the open session.
        let session = self
            .world
            .store
            .begin(&root(), &snapshot, &user(), false)
            .ok()?;
        let known = known(&session).unwrap();
        Some(Open {
            session,
            known,
            since: self.now(),
            filled: None,
        })
    }

    fn fill(open: &mut Open, pieces: u8) {
        if open.filled.is_none() {
            let file = archive(
                &open.session,
                "root.pxar.didx",
                &numbers(pieces),
                |digest| open.known.contains(digest),
            );
            open.filled = Some((pieces, vec![file.unwrap()]));
        }
    }

    fn finish(&mut self, open: Open) {
        let Some((pieces, files)) = open.filled else {
            return;
        };
        manifest(&open.session, files).unwrap();
        open.session.finish().unwrap();
        self.finished
            .insert(open.session.snapshot().clone(), pieces);
    }

    fn forget(&mut self, group: u8, which: u8) {
        let of_group: Vec<Snapshot> = self
            .finished
            .keys()
            .filter(|snapshot| snapshot.group.id.as_str() == group.to_string())
            .cloned()
            .collect();
        if of_group.is_empty() {
            return;
        }
        let chosen = &of_group[usize::from(which) % of_group.len()];
        // The base of the open session cannot be removed.
        if self.world.store.forget_snapshot(&root(), chosen).is_ok() {
            self.finished.remove(chosen);
        }
    }

    fn list(&mut self) {
        let start = self.now();
        let oldest_writer = self.open.as_ref().map_or(start, |open| open.since);
        self.listed = Some(Listed {
            snapshots: self.finished.keys().cloned().collect(),
            start,
            oldest_writer,
        });
    }

    fn sweep(&mut self) {
        let Some(listed) = self.listed.take() else {
            return;
        };
        for snapshot in &listed.snapshots {
            let Ok(dir) = self.world.store.snapshot(&root(), snapshot) else {
                continue;
            };
            let index = dir
                .open_index(&"root.pxar.didx".parse::<ArchiveName>().unwrap())
                .unwrap();
            for (_, digest) in index.iter() {
                assert!(
                    self.world.store.chunks().touch(&digest).unwrap(),
                    "{digest} of {snapshot} is missing"
                );
            }
        }
        let mut cutoff = listed.start - CUTOFF;
        if listed.oldest_writer < cutoff {
            cutoff = listed.oldest_writer - 300;
        }
        self.world
            .store
            .chunks()
            .sweep(Part::ALL, cutoff, listed.oldest_writer, &Unwatched)
            .unwrap();
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Backup { group, pieces } => {
                if let Some(mut open) = self.begin(*group) {
                    Model::fill(&mut open, *pieces);
                    self.finish(open);
                }
            }
            Op::Open { group } => {
                if self.open.is_none() {
                    self.open = self.begin(*group);
                }
            }
            Op::Fill { pieces } => {
                if let Some(open) = &mut self.open {
                    Model::fill(open, *pieces);
                }
            }
            Op::Finish => {
                if let Some(open) = self.open.take() {
                    self.finish(open);
                }
            }
            Op::Abort => self.open = None,
            Op::Forget { group, which } => self.forget(*group, *which),
            Op::Wait { hours } => self.world.chunks.inner().advance(i64::from(*hours) * 3600),
            Op::List => self.list(),
            Op::Sweep => self.sweep(),
        }
    }

    /// Every finished snapshot is there with every chunk.
    fn check(&self) {
        let store = &self.world.store;
        let mut into = Vec::new();
        for (snapshot, pieces) in &self.finished {
            assert!(store.snapshot(&root(), snapshot).unwrap().is_finished());
            for piece in numbers(*pieces) {
                store.chunks().load(&Digest::of(&piece), &mut into).unwrap();
            }
        }
        let on_disk: usize = store
            .groups(&root())
            .unwrap()
            .iter()
            .map(|group| {
                store
                    .snapshots(&root(), group)
                    .unwrap()
                    .iter()
                    .filter(|info| info.is_finished())
                    .count()
            })
            .sum();
        assert_eq!(on_disk, self.finished.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_reachable_is_missing(ops in proptest::collection::vec(op(), 1..40)) {
        let mut model = Model::new();
        for op in &ops {
            model.apply(op);
            model.check();
        }
        let open = model.open.take();
        if let Some(mut open) = open {
            Model::fill(&mut open, 5);
            model.finish(open);
        }
        model.list();
        model.sweep();
        model.check();
    }
}

/// The published accident, step by step: the list is made, a backup that uploads nothing finishes, its base goes, the sweep runs.
#[test]
fn the_accident_of_2025_does_not_happen() {
    let mut model = Model::new();
    model.apply(&Op::Backup {
        group: 0,
        pieces: 7,
    });
    model.apply(&Op::Wait { hours: 39 });
    model.apply(&Op::Wait { hours: 39 });
    model.apply(&Op::List);
    model.apply(&Op::Backup {
        group: 0,
        pieces: 7,
    });
    model.apply(&Op::Forget { group: 0, which: 0 });
    model.apply(&Op::Sweep);
    assert_eq!(model.finished.len(), 1);
    model.check();
}

/// The table would notice: without marking, the sweep takes what is needed.
#[test]
fn the_model_can_fail() {
    let mut model = Model::new();
    model.apply(&Op::Backup {
        group: 0,
        pieces: 7,
    });
    model.apply(&Op::Wait { hours: 39 });
    let now = model.now();
    model
        .world
        .store
        .chunks()
        .sweep(Part::ALL, now, now, &Unwatched)
        .unwrap();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| model.check())).is_err());
}

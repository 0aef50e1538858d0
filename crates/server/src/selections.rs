//! What users selected for a download, for the short while until the download begins (`api::rest::selection`). Kept in memory: few, small, and
//! each for the one who made it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use format::{ArchiveName, AuthId, Namespace, Snapshot, StoreName};

/// Members of an archive, and how they are to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    pub store: StoreName,
    pub ns: Namespace,
    pub snapshot: Snapshot,
    pub archive: ArchiveName,
    pub paths: Vec<Vec<u8>>,
    pub tar: bool,
}

/// How many are kept: of all, of one user with his tokens, and for how long. Each has at most what a request's body holds.
const KEPT_MAX: usize = 64;
const OF_ONE_MAX: usize = 8;
pub const TIME: Duration = Duration::from_secs(300);

#[derive(Debug)]
struct Kept {
    id: String,
    owner: AuthId,
    made: Instant,
    selection: Arc<Selection>,
}

/// See the module.
#[derive(Debug)]
pub struct Selections {
    /// Parts the ids of this run of the server from those of earlier ones.
    run: i64,
    all: Mutex<(u64, VecDeque<Kept>)>,
}

impl Selections {
    /// `run` differs from run to run of the server, as its time does.
    pub fn new(run: i64) -> Selections {
        Selections {
            run,
            all: Mutex::default(),
        }
    }

    /// Keeps one; what leads to it is of use to its owner alone, so it need not be hard to guess. The user's oldest makes room, or, when all is
    /// taken, that of the one who has most; `None` if nobody has more than he would.
    pub fn keep(&self, owner: &AuthId, selection: Selection, now: Instant) -> Option<String> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, kept) = &mut *all;
        kept.retain(|one| now.duration_since(one.made) < TIME);
        let of = |kept: &VecDeque<Kept>, owner: &AuthId| {
            let his = |one: &&Kept| one.owner.user() == owner.user();
            kept.iter().filter(his).count()
        };
        let own = of(kept, owner);
        if own >= OF_ONE_MAX || kept.len() >= KEPT_MAX {
            let richest = kept.iter().max_by_key(|one| of(kept, &one.owner))?;
            let is_richer = own < OF_ONE_MAX && of(kept, &richest.owner) > own + 1;
            let from = if is_richer { &richest.owner } else { owner };
            let oldest = |one: &Kept| one.owner.user() == from.user();
            let oldest = kept.iter().position(oldest)?;
            kept.remove(oldest);
        }
        *count += 1;
        let id = format!("{:x}-{count:x}", self.run);
        kept.push_back(Kept {
            id: id.clone(),
            owner: owner.clone(),
            made: now,
            selection: Arc::new(selection),
        });
        Some(id)
    }

    /// One that this owner made; it stays, since browsers ask again when a download broke.
    pub fn find(&self, owner: &AuthId, id: &str, now: Instant) -> Option<Arc<Selection>> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |one: &&Kept| {
            one.id == id && one.owner == *owner && now.duration_since(one.made) < TIME
        };
        all.1
            .iter()
            .find(fits)
            .map(|one| Arc::clone(&one.selection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(path: &str) -> Selection {
        Selection {
            store: "store".parse().expect("name"),
            ns: Namespace::root(),
            snapshot: "host/x/2020-01-01T00:00:00Z".parse().expect("snapshot"),
            archive: "root.pxar.didx".parse().expect("name"),
            paths: vec![path.into()],
            tar: false,
        }
    }

    #[test]
    fn each_has_his_own_for_a_while() {
        let (all, start) = (Selections::new(7), Instant::now());
        let user = |n: usize| -> AuthId { format!("u{n}@pbs").parse().expect("user") };
        let first = all.keep(&user(0), selection("a"), start).expect("room");
        let found = |user: &AuthId, id: &str, later: Duration| {
            let found = all.find(user, id, start + later)?;
            Some(String::from_utf8_lossy(&found.paths[0]).into_owned())
        };
        let soon = Duration::from_secs(1);
        assert_eq!(found(&user(0), &first, soon).as_deref(), Some("a"));
        assert_eq!(found(&user(0), &first, soon).as_deref(), Some("a"), "again");
        assert_eq!(found(&user(1), &first, soon), None, "another's");
        let token: AuthId = "u0@pbs!tok".parse().expect("token");
        assert_eq!(found(&token, &first, soon), None, "the token's");
        assert_eq!(found(&user(0), "7-9", soon), None);
        assert_eq!(found(&user(0), &first, TIME), None, "over");
        for _ in 0..OF_ONE_MAX {
            all.keep(&user(0), selection("b"), start)
                .expect("his oldest goes");
        }
        assert_eq!(found(&user(0), &first, soon), None, "made room");
        // Tokens are no further users.
        for n in 0..2 * KEPT_MAX {
            let token: AuthId = format!("u0@pbs!t{n}").parse().expect("token");
            all.keep(&token, selection("b"), start).expect("room");
        }
        let len = |all: &Selections| all.all.lock().expect("lock").1.len();
        assert_eq!(len(&all), OF_ONE_MAX);
        for n in (1..KEPT_MAX / OF_ONE_MAX).flat_map(|n| [n; OF_ONE_MAX]) {
            all.keep(&user(n), selection("c"), start).expect("room");
        }
        assert_eq!(len(&all), KEPT_MAX);
        // Who has none gets one of those who have most, until all have one.
        for n in KEPT_MAX / OF_ONE_MAX..KEPT_MAX {
            let id = all.keep(&user(n), selection("d"), start).expect("his");
            assert!(found(&user(n), &id, soon).is_some());
        }
        assert_eq!(len(&all), KEPT_MAX);
        assert!(all.keep(&user(99), selection("d"), start).is_none(), "full");
        assert!(
            all.keep(&user(9), selection("d"), start).is_some(),
            "in place of his own"
        );
        assert!(all.keep(&user(99), selection("d"), start + TIME).is_some());
    }
}

//! Long work on behalf of one request: it has one of a few turns, ends after a while with what it has, and at once when nobody waits any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::turns::StoreTurn;

/// Whether whoever asked is gone.
#[derive(Debug, Clone, Default)]
pub struct Gone(Arc<AtomicBool>);

/// Held by the one who waits; says that he is gone when dropped.
#[derive(Debug)]
pub struct Waiting(Gone);

impl Gone {
    pub fn waiting(&self) -> Waiting {
        Waiting(self.clone())
    }

    pub fn is_gone(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// See the module.
#[derive(Debug)]
pub struct Work {
    gone: Gone,
    end: Instant,
    _turn: Option<StoreTurn>,
}

impl Work {
    pub fn new(gone: Gone, time: Duration, turn: Option<StoreTurn>) -> Work {
        Work {
            gone,
            end: Instant::now() + time,
            _turn: turn,
        }
    }

    /// To be asked before each step.
    pub fn is_over(&self) -> bool {
        self.gone.is_gone() || Instant::now() >= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turns::StoreTurns;

    #[test]
    fn work_ends_with_its_time_or_its_reader() {
        let turns = StoreTurns::new(1, 1, 0);
        let (user, store) = (
            "a@pbs".parse().expect("user"),
            "vault".parse().expect("name"),
        );
        let turn = || turns.take(&user, &store);
        assert!(turn().is_some());
        let gone = Gone::default();
        let waiting = gone.waiting();
        let work = Work::new(gone.clone(), Duration::from_secs(3600), turn());
        assert!(!work.is_over());
        drop(waiting);
        assert!(work.is_over(), "nobody waits");
        drop(work);
        assert!(Work::new(Gone::default(), Duration::ZERO, turn()).is_over());
    }
}

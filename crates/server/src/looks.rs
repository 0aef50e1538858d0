//! Looks at places that may not answer, such as disks: one at a time for each place, and nobody waits for one longer than he likes. Who does not get an
//! answer in time gets what was seen last. A look that hangs keeps one thread; as long as it does, others are told at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::blocking::Blocking;

/// With more places than this those that nobody looks at now are forgotten.
const PLACES_KEPT: usize = 1024;

/// What was seen of each place.
#[derive(Debug)]
pub struct Looks<K, T> {
    places: Mutex<HashMap<K, Arc<Place<T>>>>,
}

impl<K, T> Default for Looks<K, T> {
    fn default() -> Looks<K, T> {
        Looks {
            places: Mutex::default(),
        }
    }
}

/// What came of a look.
#[derive(Debug)]
pub enum Look<T, E> {
    /// The place's answer, or why it cannot be looked at.
    Now(Result<T, E>),
    /// No answer in time; what was seen last.
    Late(Option<T>),
}

/// How long one waits for a look, and how long its answer counts for others who ask.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub wait: Duration,
    pub counts: Duration,
}

#[derive(Debug)]
struct Place<T> {
    turn: Arc<Semaphore>,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    /// When the look began that goes on now.
    began: Option<Instant>,
    /// When it last gave no answer in time.
    late: Option<Instant>,
    last: Option<(Instant, T)>,
}

impl<K, T> Looks<K, T>
where
    K: Eq + Hash + Clone,
    T: Clone + Send + 'static,
{
    /// Looks at a place. `work` runs to its end even if nobody waits for it any more.
    pub async fn look<E: Send + 'static>(
        &self,
        blocking: &Blocking,
        key: &K,
        patience: Patience,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Look<T, E> {
        let place = self.place(key);
        {
            let state = place.state();
            if let Some((at, seen)) = &state.last
                && at.elapsed() < patience.counts
            {
                return Look::Now(Ok(seen.clone()));
            }
            let stuck = state.began.is_some_and(|at| at.elapsed() > patience.wait);
            // Somebody has just waited in vain; the next one does when as much time has gone by.
            let silent = state.late.is_some_and(|at| at.elapsed() < patience.wait);
            if stuck || silent {
                return Look::Late(state.last.as_ref().map(|(_, seen)| seen.clone()));
            }
        }
        let inner = Arc::clone(&place);
        let look = async move {
            let turn = Arc::clone(&inner.turn).acquire_owned().await.ok()?;
            let run = move || {
                let _turn = turn;
                let _begun = Begun::new(&inner);
                let found = work();
                let mut state = inner.state();
                state.late = None;
                if let Ok(seen) = &found {
                    state.last = Some((Instant::now(), seen.clone()));
                }
                drop(state);
                found
            };
            blocking.run(run).await.ok()
        };
        match tokio::time::timeout(patience.wait, look).await {
            Ok(Some(found)) => Look::Now(found),
            _ => {
                let mut state = place.state();
                state.late = Some(Instant::now());
                Look::Late(state.last.as_ref().map(|(_, seen)| seen.clone()))
            }
        }
    }

    fn place(&self, key: &K) -> Arc<Place<T>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_KEPT {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(places.entry(key.clone()).or_default())
    }
}

impl<T> Default for Place<T> {
    fn default() -> Place<T> {
        Place {
            turn: Arc::new(Semaphore::new(1)),
            state: Mutex::new(State {
                began: None,
                late: None,
                last: None,
            }),
        }
    }
}

impl<T> Place<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives a look goes on, however it ends.
struct Begun<'a, T>(&'a Place<T>);

impl<T> Begun<'_, T> {
    fn new(place: &Place<T>) -> Begun<'_, T> {
        place.state().began = Some(Instant::now());
        Begun(place)
    }
}

impl<T> Drop for Begun<'_, T> {
    fn drop(&mut self) {
        self.0.state().began = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SOON: Patience = Patience {
        wait: Duration::from_millis(20),
        counts: Duration::ZERO,
    };

    async fn seen(looks: &Looks<&'static str, u8>, work: Result<u8, &'static str>) -> String {
        let blocking = Blocking::new(1);
        let look = looks.look(&blocking, &"disk", SOON, move || work);
        format!("{:?}", look.await)
    }

    #[tokio::test]
    async fn what_was_seen_last_is_told_when_nothing_is_seen() {
        let looks = Looks::default();
        let (free, stuck) = mpsc::channel::<u8>();
        assert_eq!(seen(&looks, Ok(1)).await, "Now(Ok(1))");
        assert_eq!(seen(&looks, Err("no disk")).await, "Now(Err(\"no disk\"))");
        let (begin, begun) = mpsc::channel();
        let hangs = move || {
            begin.send(()).expect("heard");
            stuck.recv().map_err(drop)
        };
        let blocking = Blocking::new(1);
        let late = looks.look(&blocking, &"disk", SOON, hangs).await;
        assert!(matches!(late, Look::Late(Some(1))), "{late:?}");
        begun.recv().expect("it began");
        // However often one asks: the one that hangs is not joined by others.
        for _ in 0..5 {
            assert_eq!(seen(&looks, Ok(2)).await, "Late(Some(1))");
        }
        free.send(3).expect("it waits");
        while seen(&looks, Ok(4)).await != "Now(Ok(4))" {}
    }

    #[tokio::test]
    async fn an_answer_counts_for_a_while() {
        let looks = Looks::<(), u8>::default();
        let blocking = Blocking::new(1);
        let ask = async |n: u8, counts| {
            let patience = Patience { counts, ..SOON };
            let look = looks.look(&blocking, &(), patience, move || Ok::<_, ()>(n));
            format!("{:?}", look.await)
        };
        let long = Duration::from_secs(1000);
        assert_eq!(ask(1, long).await, "Now(Ok(1))");
        assert_eq!(ask(2, long).await, "Now(Ok(1))");
        assert_eq!(ask(3, Duration::ZERO).await, "Now(Ok(3))");
    }

    #[tokio::test]
    async fn a_look_that_panics_is_over() {
        let looks = Looks::<(), u8>::default();
        let blocking = Blocking::new(1);
        let panics = looks.look(&blocking, &(), SOON, || -> Result<u8, ()> {
            panic!("for the test")
        });
        assert!(matches!(panics.await, Look::Late(None)));
        let look = async || looks.look(&blocking, &(), SOON, || Ok::<_, ()>(1)).await;
        while !matches!(look().await, Look::Now(Ok(1))) {
            tokio::task::yield_now().await;
        }
    }
}

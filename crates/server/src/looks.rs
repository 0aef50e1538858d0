//! Looks at places that may not answer, such as disks: one at a time for each place, and nobody waits for one longer than he likes. Who does not get an
//! answer in time gets what was seen last. A look that hangs keeps one thread; as long as it does, others are told at once. Many who ask together
//! share a look: each takes what another one has seen since he came.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::blocking::Blocking;

/// With more places than this those that nobody looks at now are forgotten.
const PLACES_KEPT: usize = 1024;

/// What was seen of each place, or why it could not be looked at.
#[derive(Debug)]
pub struct Looks<K, T, E> {
    places: Mutex<HashMap<K, Arc<Place<T, E>>>>,
}

impl<K, T, E> Default for Looks<K, T, E> {
    fn default() -> Looks<K, T, E> {
        Looks {
            places: Mutex::default(),
        }
    }
}

/// What came of a look.
#[derive(Debug)]
pub enum Look<T, E> {
    /// The place's answer, or why it cannot be looked at.
    Now(Result<T, Arc<E>>),
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
struct Place<T, E> {
    turn: Arc<Semaphore>,
    state: Mutex<State<T, E>>,
}

#[derive(Debug)]
struct State<T, E> {
    /// When the look began that goes on now.
    began: Option<Instant>,
    /// When it last gave no answer in time.
    late: Option<Instant>,
    last: Option<Last<T>>,
    failed: Option<Last<Arc<E>>>,
}

#[derive(Debug)]
struct Last<T> {
    began: Instant,
    ended: Instant,
    seen: T,
}

impl<T: Clone> Last<T> {
    /// What was seen so lately that it counts, or by a look that began only after `asked`.
    fn fresh(&self, counts: Duration, asked: Instant) -> Option<T> {
        (self.ended.elapsed() < counts || self.began >= asked).then(|| self.seen.clone())
    }
}

impl<T: Clone, E> State<T, E> {
    /// What the newest look came to, if it counts. One that failed does as well: to look again for each who asks would cost as much as before.
    fn fresh(&self, counts: Duration, asked: Instant) -> Option<Result<T, Arc<E>>> {
        let failed = self.failed.as_ref();
        let newer = |failed: &&Last<Arc<E>>| {
            (self.last.as_ref()).is_none_or(|last| last.ended <= failed.ended)
        };
        match failed.filter(newer) {
            Some(failed) => failed.fresh(counts, asked).map(Err),
            None => self.last.as_ref()?.fresh(counts, asked).map(Ok),
        }
    }

    fn seen(&self) -> Option<T> {
        self.last.as_ref().map(|last| last.seen.clone())
    }
}

impl<K, T, E> Looks<K, T, E>
where
    K: Eq + Hash + Clone,
    T: Clone + Send + 'static,
    E: Send + Sync + 'static,
{
    /// Looks at a place. `work` runs to its end even if nobody waits for it any more.
    pub async fn look(
        &self,
        blocking: &Blocking,
        key: &K,
        patience: Patience,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Look<T, E> {
        let asked = Instant::now();
        let place = self.place(key);
        {
            let state = place.state();
            if let Some(seen) = state.fresh(patience.counts, asked) {
                return Look::Now(seen);
            }
            let stuck = state.began.is_some_and(|at| at.elapsed() > patience.wait);
            // Somebody has just waited in vain; the next one does when as much time has gone by.
            let silent = state.late.is_some_and(|at| at.elapsed() < patience.wait);
            if stuck || silent {
                return Look::Late(state.seen());
            }
        }
        let inner = Arc::clone(&place);
        let look = async move {
            let turn = Arc::clone(&inner.turn).acquire_owned().await.ok()?;
            // Those who had the turn before may have seen what this one wants to know.
            if let Some(seen) = inner.state().fresh(patience.counts, asked) {
                return Some(seen);
            }
            let run = move || {
                let _turn = turn;
                let began = Instant::now();
                let _begun = Begun::new(&inner);
                let found = work().map_err(Arc::new);
                let ended = Instant::now();
                let mut state = inner.state();
                state.late = None;
                match found.clone() {
                    Ok(seen) => state.last = Some(Last { began, ended, seen }),
                    Err(seen) => state.failed = Some(Last { began, ended, seen }),
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
                Look::Late(state.seen())
            }
        }
    }

    fn place(&self, key: &K) -> Arc<Place<T, E>> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_KEPT {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        Arc::clone(places.entry(key.clone()).or_default())
    }
}

impl<T, E> Default for Place<T, E> {
    fn default() -> Place<T, E> {
        Place {
            turn: Arc::new(Semaphore::new(1)),
            state: Mutex::new(State {
                began: None,
                late: None,
                last: None,
                failed: None,
            }),
        }
    }
}

impl<T, E> Place<T, E> {
    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives a look goes on, however it ends.
struct Begun<'a, T, E>(&'a Place<T, E>);

impl<T, E> Begun<'_, T, E> {
    fn new(place: &Place<T, E>) -> Begun<'_, T, E> {
        place.state().began = Some(Instant::now());
        Begun(place)
    }
}

impl<T, E> Drop for Begun<'_, T, E> {
    fn drop(&mut self) {
        self.0.state().began = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const SOON: Patience = Patience {
        wait: Duration::from_millis(20),
        counts: Duration::ZERO,
    };

    async fn seen(
        looks: &Looks<&'static str, u8, &'static str>,
        work: Result<u8, &'static str>,
    ) -> String {
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
            stuck.recv().map_err(|_| "gone")
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
        let looks = Looks::<(), u8, ()>::default();
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

    /// All but the first come while it looks. Without age they want a look that begins after they came, and share one; with age they take the first.
    #[tokio::test]
    async fn those_who_ask_together_share_a_look() {
        let long = Duration::from_secs(1000);
        for (counts, expected, fails) in [
            (Duration::ZERO, 2, false),
            (long, 1, false),
            // When a disk was gone all who had asked looked, one after the other.
            (Duration::ZERO, 2, true),
            (long, 1, true),
        ] {
            let looks = Arc::new(Looks::<(), usize, usize>::default());
            let done = Arc::new(AtomicUsize::new(0));
            let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
            let (free, stuck) = mpsc::channel::<()>();
            let mut first = Some((begin, stuck));
            let mut ask = || {
                let (looks, done, first) = (Arc::clone(&looks), Arc::clone(&done), first.take());
                let wait = Duration::from_secs(60);
                tokio::spawn(async move {
                    let work = move || {
                        if let Some((begin, stuck)) = first {
                            begin.send(()).expect("heard");
                            stuck.recv().expect("freed");
                        }
                        let number = done.fetch_add(1, Ordering::SeqCst) + 1;
                        if fails { Err(number) } else { Ok(number) }
                    };
                    let patience = Patience { wait, counts };
                    looks.look(&Blocking::new(8), &(), patience, work).await
                })
            };
            let mut all = vec![ask()];
            begun.recv().await.expect("it began");
            all.extend((0..20).map(|_| ask()));
            // The runtime has one thread: after this all of them have asked.
            tokio::task::yield_now().await;
            free.send(()).expect("it waits");
            for (n, look) in all.into_iter().enumerate() {
                let look = look.await.expect("asked");
                let answer = if n == 0 { 1 } else { expected };
                let Look::Now(seen) = look else {
                    panic!("{n}: {look:?}");
                };
                let seen = if fails {
                    seen.map_err(|e| *e)
                } else {
                    seen.map_err(|_| 0)
                };
                let answer = if fails { Err(answer) } else { Ok(answer) };
                assert_eq!(seen, answer, "{n}");
            }
            assert_eq!(done.load(Ordering::SeqCst), expected);
        }
    }

    #[tokio::test]
    async fn a_look_that_panics_is_over() {
        let looks = Looks::<(), u8, ()>::default();
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

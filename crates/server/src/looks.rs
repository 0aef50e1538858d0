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
    last: Option<Last<T>>,
}

#[derive(Debug)]
struct Last<T> {
    began: Instant,
    ended: Instant,
    seen: T,
}

impl<T: Clone> State<T> {
    /// What was seen so lately that it counts, or by a look that began only after `asked`.
    fn fresh(&self, counts: Duration, asked: Instant) -> Option<T> {
        let last = self.last.as_ref()?;
        (last.ended.elapsed() < counts || last.began >= asked).then(|| last.seen.clone())
    }

    fn seen(&self) -> Option<T> {
        self.last.as_ref().map(|last| last.seen.clone())
    }
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
        let asked = Instant::now();
        let place = self.place(key);
        {
            let state = place.state();
            if let Some(seen) = state.fresh(patience.counts, asked) {
                return Look::Now(Ok(seen));
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
                return Some(Ok(seen));
            }
            let run = move || {
                let _turn = turn;
                let began = Instant::now();
                let _begun = Begun::new(&inner);
                let found = work();
                let mut state = inner.state();
                state.late = None;
                if let Ok(seen) = &found {
                    state.last = Some(Last {
                        began,
                        ended: Instant::now(),
                        seen: seen.clone(),
                    });
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
    use std::sync::atomic::{AtomicUsize, Ordering};
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

    /// All but the first come while it looks. Without age they want a look that begins after they came, and share one; with age they take the first.
    #[tokio::test]
    async fn those_who_ask_together_share_a_look() {
        for (counts, expected) in [(Duration::ZERO, 2), (Duration::from_secs(1000), 1)] {
            let looks = Arc::new(Looks::<(), usize>::default());
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
                        Ok::<_, ()>(done.fetch_add(1, Ordering::SeqCst) + 1)
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
                assert!(
                    matches!(look, Look::Now(Ok(seen)) if seen == answer),
                    "{n}: {look:?}"
                );
            }
            assert_eq!(done.load(Ordering::SeqCst), expected);
        }
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

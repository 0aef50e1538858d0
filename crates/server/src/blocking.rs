//! The only place where the server's async edge meets blocking code: files, datastores, password hashes.
//! Short calls share one bounded pool; long tasks get a thread of their own; streams are pulled piece by piece, so that a slow reader holds
//! no thread. A panic in such code becomes an error of the one call and leaves the server running.

use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::shares::{Held, Line, Parts, Shares};

/// Blocking work that ended without a result: it panicked, or the runtime is being torn down.
#[derive(Debug, thiserror::Error)]
#[error("an internal step of the server failed; its log has the details")]
pub struct Broken;

/// Blocking work that did not begin or gave no result.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There was no turn in time.
    #[error("no turn in time")]
    Late,
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Bounded access to blocking threads; cheap to clone.
#[derive(Debug, Clone)]
pub struct Blocking {
    turns: Turns,
    patience: Duration,
}

#[derive(Debug, Clone)]
enum Turns {
    /// The same for everybody.
    Pool(Arc<Semaphore>),
    /// Those of one key; see [`Lanes`].
    Lane(Line),
}

impl Blocking {
    /// At most `concurrent` calls run at the same time.
    pub fn new(concurrent: usize) -> Blocking {
        Blocking {
            turns: Turns::Pool(Arc::new(Semaphore::new(concurrent))),
            patience: PATIENCE,
        }
    }

    /// Another time for which streams wait for their readers.
    pub fn with_patience(self, patience: Duration) -> Blocking {
        Blocking { patience, ..self }
    }

    /// Runs `work` on a blocking thread. If the caller goes away the work still runs to its end and keeps its turn until then.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let turn = self.turn().await?;
        in_turn(turn, work).await
    }

    /// The same, unless no turn comes in time.
    pub async fn run_within<T, F>(&self, time: Duration, work: F) -> Result<T, NotDone>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let turn = tokio::time::timeout(time, self.turn())
            .await
            .map_err(|_| NotDone::Late)??;
        Ok(in_turn(turn, work).await?)
    }

    async fn turn(&self) -> Result<Turn, Broken> {
        let turn = match &self.turns {
            Turns::Pool(turns) => {
                let turn = Arc::clone(turns).acquire_owned().await;
                turn.ok().map(Turn::Pool)
            }
            Turns::Lane(line) => line.shared_first().await.map(Turn::Lane),
        };
        turn.ok_or(Broken)
    }
}

enum Turn {
    Pool(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit),
    Lane(Held),
}

async fn in_turn<T, F>(turn: Turn, work: F) -> Result<T, Broken>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let is_own = matches!(&turn, Turn::Lane(held) if held.is_own);
    let run = move || {
        let result = work();
        drop(turn);
        result
    };
    match is_own {
        // The shared threads may all be held by those who hold all shared turns.
        true => apart("own-turn", run).await,
        false => tokio::task::spawn_blocking(run).await.map_err(|_| Broken),
    }
}

/// Runs `work` on a thread of its own.
async fn apart<T, F>(name: &str, work: F) -> Result<T, Broken>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let (done, result) = oneshot::channel();
    spawn_task(name, move || drop(done.send(work()))).map_err(|_| Broken)?;
    result.await.map_err(|_| Broken)
}

/// Turns apart from all others, shared out by key (a datastore): where a disk does not answer, calls that wait for it take no more than that key may
/// have, and however many such disks there are, every other key has turns of its own.
#[derive(Debug)]
pub struct Lanes<K> {
    shares: Shares<K>,
    patience: Duration,
}

impl<K: Eq + Hash + Clone> Lanes<K> {
    /// `like` tells the patience.
    pub fn new(parts: Parts, like: &Blocking) -> Lanes<K> {
        Lanes {
            shares: Shares::new(parts),
            patience: like.patience,
        }
    }

    /// The turns of a key.
    pub fn of(&self, key: &K) -> Blocking {
        Blocking {
            turns: Turns::Lane(self.shares.of(key)),
            patience: self.patience,
        }
    }
}

/// Does small work on a blocking thread when one is free, and here where there is no runtime: for whoever may be on a thread that serves others
/// and waits for no result.
pub fn later(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

/// A few threads that live as long as this value and its clones, for work that keeps large tools in its thread (decoders and their space):
/// shared threads come and go and would each collect such tools.
#[derive(Debug, Clone)]
pub struct Crew {
    name: String,
    jobs: std::sync::mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Crew {
    /// `workers` threads, named `name`. If the system gives none, every job is [`Broken`].
    pub fn new(name: &str, workers: usize) -> Crew {
        let (jobs, queue) = std::sync::mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..workers.max(1) {
            let queue = Arc::clone(&queue);
            let work = move || {
                loop {
                    // The guard is gone before the job runs, so the others can take the next one.
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { break };
                    // Its caller sees that no result came; the panic itself was reported by the panic hook.
                    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                }
            };
            if let Err(e) = spawn_task(name, work) {
                tracing::error!("cannot start a thread for {name}: {e}");
            }
        }
        let name = name.to_owned();
        Crew { name, jobs }
    }

    /// Runs `work` beside the crew, on a thread that lives as long as it does.
    pub async fn beside<T, F>(&self, work: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        apart(&self.name, work).await
    }

    /// Runs `work` on one of the threads, in the order of the calls. It runs to its end even if the caller goes away.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        let job = move || drop(done.send(work()));
        self.jobs.send(Box::new(job)).map_err(|_| Broken)?;
        result.await.map_err(|_| Broken)
    }
}

/// Starts `work` on a thread of its own, named `name`: for tasks that last minutes and must not take turns from short calls.
pub fn spawn_task<F>(name: &str, work: F) -> io::Result<()>
where
    F: FnOnce() + Send + 'static,
{
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
}

/// Lets something be awaited on behalf of blocking code, which goes on; an error where no runtime is at work.
pub fn spawn_wait<F>(wait: F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
    drop(runtime.spawn(wait));
    Ok(())
}

/// A stream of bytes that blocking code produces: the next piece, or the error that ends it.
pub type Pieces = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;

/// How long a stream of pieces waits for its reader before it is given up. Whoever reads nothing for so long would keep what the stream holds
/// (a turn, a lock, decoded chunks) for ever; pieces are small, so this is no bound on slow lines.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Polls [`Pieces`] from async code; one piece is computed ahead of the reader.
#[derive(Debug)]
pub struct Pull {
    blocking: Blocking,
    state: State,
}

/// What a producer sends: a piece, or `None` after the last one. If the channel just ends the producer was given up.
type Sent = Option<io::Result<Bytes>>;

enum State {
    Fresh(Pieces),
    Running(mpsc::Receiver<Sent>),
    Ended,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            State::Fresh(_) => "Fresh",
            State::Running(_) => "Running",
            State::Ended => "Ended",
        })
    }
}

impl Pull {
    pub fn new(blocking: Blocking, pieces: Pieces) -> Pull {
        Pull {
            blocking,
            state: State::Fresh(pieces),
        }
    }

    /// Where the pieces come from.
    pub fn blocking(&self) -> &Blocking {
        &self.blocking
    }

    /// The pieces again, if none was asked for yet.
    pub fn into_pieces(mut self) -> Result<Pieces, Pull> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Fresh(pieces) => Ok(pieces),
            state => {
                self.state = state;
                Err(self)
            }
        }
    }

    /// The next piece; `None` after the last one or after an error.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if matches!(self.state, State::Fresh(_))
            && let State::Fresh(pieces) = std::mem::replace(&mut self.state, State::Ended)
        {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(produce(self.blocking.clone(), pieces, sender));
            self.state = State::Running(receiver);
        }
        let State::Running(receiver) = &mut self.state else {
            return Poll::Ready(None);
        };
        let piece = match ready!(receiver.poll_recv(cx)) {
            Some(piece) => piece,
            None => Some(Err(io::ErrorKind::TimedOut.into())),
        };
        if !matches!(piece, Some(Ok(_))) {
            self.state = State::Ended;
        }
        Poll::Ready(piece)
    }
}

/// Pieces that nobody asked for may hold files and locks too: they are not closed on a thread that others are served by.
impl Drop for Pull {
    fn drop(&mut self) {
        if let State::Fresh(pieces) = std::mem::replace(&mut self.state, State::Ended)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let blocking = self.blocking.clone();
            runtime.spawn(async move { blocking.run(move || drop(pieces)).await });
        }
    }
}

/// Computes pieces until they end, the reader goes, or he reads nothing for too long. No thread is held while he is waited for.
async fn produce(blocking: Blocking, mut pieces: Pieces, sender: mpsc::Sender<Sent>) {
    loop {
        let patience = blocking.patience;
        let Ok(Ok(place)) = tokio::time::timeout(patience, sender.reserve()).await else {
            // What the pieces hold may take a while to close.
            let _ = blocking.run(move || drop(pieces)).await;
            return;
        };
        let turn = blocking
            .run(move || {
                let piece = pieces.next();
                // With the last one they are closed here, where that may take a while.
                let rest = matches!(piece, Some(Ok(_))).then_some(pieces);
                (rest, piece)
            })
            .await;
        match turn {
            Ok((Some(rest), Some(Ok(piece)))) => {
                pieces = rest;
                place.send(Some(Ok(piece)));
            }
            Ok((_, end)) => return place.send(end),
            Err(broken) => return place.send(Some(Err(io::Error::other(broken)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collect(mut pull: Pull) -> (Vec<u8>, Option<String>) {
        let mut all = Vec::new();
        while let Some(piece) = std::future::poll_fn(|cx| pull.poll_next(cx)).await {
            match piece {
                Ok(piece) => all.extend_from_slice(&piece),
                Err(e) => return (all, Some(e.to_string())),
            }
        }
        (all, None)
    }

    #[tokio::test]
    async fn pieces_come_in_order_and_an_error_ends_them() {
        let blocking = Blocking::new(2);
        let fine = (0u8..10).map(|n| Ok(Bytes::from(vec![n; 3])));
        let (all, error) = collect(Pull::new(blocking.clone(), Box::new(fine))).await;
        assert_eq!((all.len(), all[29], error), (30, 9, None));

        let broken = (0..10).map(|n| {
            if n == 2 {
                Err(io::Error::other("gone"))
            } else {
                Ok(Bytes::from_static(b"x"))
            }
        });
        let (all, error) = collect(Pull::new(blocking, Box::new(broken))).await;
        assert_eq!((all.len(), error.as_deref()), (2, Some("gone")));
    }

    /// A reader that stopped reading kept one of the few turns for downloads as long as it liked.
    #[tokio::test]
    async fn whoever_reads_nothing_loses_the_stream() {
        let blocking = Blocking::new(2).with_patience(Duration::from_millis(1));
        let held = Arc::new(());
        let gone = Arc::downgrade(&held);
        let endless = std::iter::repeat_with(move || {
            let _held = &held;
            Ok(Bytes::from_static(b"x"))
        });
        let mut pull = Pull::new(blocking, Box::new(endless));
        let first = std::future::poll_fn(|cx| pull.poll_next(cx)).await;
        assert!(matches!(first, Some(Ok(_))));
        while gone.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        let (_, error) = collect(pull).await;
        assert_eq!(
            error,
            Some(io::Error::from(io::ErrorKind::TimedOut).to_string())
        );
    }

    /// What streams held, such as the count of operations in its file, was closed on the thread that serves everybody.
    #[tokio::test]
    async fn streams_are_closed_on_blocking_threads() {
        struct Held(std::sync::mpsc::Sender<std::thread::ThreadId>);
        impl Drop for Held {
            fn drop(&mut self) {
                let _ = self.0.send(std::thread::current().id());
            }
        }
        // The test's runtime has one thread, this one.
        let own = std::thread::current().id();
        for asked in [false, true] {
            let (sender, closed) = std::sync::mpsc::channel();
            let held = Held(sender);
            let pieces = (0..2).map(move |_| {
                let _held = &held;
                Ok(Bytes::from_static(b"x"))
            });
            let pull = Pull::new(Blocking::new(1), Box::new(pieces));
            if asked {
                assert_eq!(collect(pull).await.0, b"xx");
            } else {
                drop(pull);
            }
            let by = loop {
                match closed.try_recv() {
                    Ok(by) => break by,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            assert_ne!(by, own, "asked: {asked}");
        }
    }

    /// A disk that did not answer took turn after turn, until there were none for anybody.
    #[tokio::test]
    async fn a_lane_that_is_stuck_stops_no_other() {
        let parts = Parts {
            shared: 3,
            own: 1,
            most: 2,
        };
        let lanes = Lanes::new(parts, &Blocking::new(1));
        let (free, stuck) = std::sync::mpsc::channel::<()>();
        let stuck = Arc::new(Mutex::new(stuck));
        // Two of them: together they hold all that is shared.
        for hangs in ["hangs", "too"] {
            for _ in 0..4 {
                let (lane, stuck) = (lanes.of(&hangs), Arc::clone(&stuck));
                let wait = move || stuck.lock().expect("lock").recv().is_ok();
                tokio::spawn(async move { lane.run(wait).await });
            }
            let time = Duration::from_millis(20);
            while lanes.of(&hangs).run_within(time, || ()).await.is_ok() {}
            let late = lanes.of(&hangs).run_within(time, || ()).await;
            assert!(matches!(late, Err(NotDone::Late)));
        }
        let thread = || std::thread::current().name().map(str::to_owned);
        let time = Duration::from_secs(10);
        let own = lanes.of(&"fine").run_within(time, thread).await;
        assert_eq!(own.ok().flatten().as_deref(), Some("own-turn"));
        drop(free);
        assert_eq!(lanes.of(&"hangs").run(|| 7).await.ok(), Some(7));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_one_call() {
        let blocking = Blocking::new(1);
        let result: Result<(), Broken> = blocking.run(|| panic!("for the test")).await;
        assert!(result.is_err());
        assert_eq!(blocking.run(|| 7).await.expect("runs"), 7);
    }

    #[tokio::test]
    async fn a_crew_survives_a_panic() {
        let crew = Crew::new("crew", 1);
        let result: Result<(), Broken> = crew.run(|| panic!("for the test")).await;
        assert!(result.is_err());
        let name = crew
            .run(|| std::thread::current().name().map(str::to_owned))
            .await
            .expect("runs");
        assert_eq!(name.as_deref(), Some("crew"));
    }
}

//! Where threads that block meet tasks that await, on the way to the server and back. Only here and in `read_at`.
//!
//! [`run`] puts blocking work on a thread of its own and awaits its result; [`Outlet`] lets a thread hand things to a task, and
//! [`Run`] is what all parts of one backup or restore share in order to end together: the first error wins, everything that anybody
//! could be waiting for is woken, and whoever awaits the run gets that error. A thread that reads a disk cannot be woken; whoever is
//! about to use the same memory again waits for [`Run::ended`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};

use crate::error::Error;
use crate::pool::Stopped;

/// Runs `work` on a thread of its own.
pub(crate) fn spawn<T, F>(name: &str, work: F) -> impl Future<Output = Result<T, Error>> + use<T, F>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let started = start(name, work);
    async move { started?.await.unwrap_or(Err(Error::Worker)) }
}

/// A thread's result, when it comes; nothing comes from one that panicked.
fn start<T, F>(name: &str, work: F) -> Result<oneshot::Receiver<Result<T, Error>>, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let (done, result) = oneshot::channel();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Nobody listens any more if the run was given up.
            let _ = done.send(work());
        })
        .map_err(|source| Error::Thread { source })?;
    Ok(result)
}

/// Runs a closure that blocks, such as one that uses [`crate::RemoteArchive`], and awaits its result.
pub async fn run_blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    spawn("blocking", work).await
}

/// The thread's end of a channel.
pub(crate) struct Outlet<T>(mpsc::Sender<T>);

impl<T> Outlet<T> {
    /// Waits until there is room.
    pub fn send(&self, item: T) -> Result<(), Stopped> {
        self.0.blocking_send(item).map_err(|_| Stopped)
    }
}

/// The task's end.
pub(crate) type Inlet<T> = mpsc::Receiver<T>;

pub(crate) fn channel<T>(len: usize) -> (Outlet<T>, Inlet<T>) {
    let (sender, receiver) = mpsc::channel(len);
    (Outlet(sender), receiver)
}

/// The threads that were started for something and have not ended. They cannot be ended from outside; whoever needs them gone tells
/// them to end by other ways, and waits here.
#[derive(Default)]
pub(crate) struct Threads {
    count: Mutex<usize>,
    /// Told when the last one ends.
    ended: Notify,
}

impl Threads {
    fn count(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When none is left, and with them nothing that they held.
    pub async fn ended(&self) {
        loop {
            let ended = self.ended.notified();
            if *self.count() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// [`run_blocking`] as one of these.
    pub fn run_blocking<T, F>(
        self: &Arc<Self>,
        work: F,
    ) -> impl Future<Output = Result<T, Error>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let alive = Alive::new(self);
        spawn("blocking", move || {
            let _alive = alive;
            work()
        })
    }
}

/// One backup or restore. Everything that can wait registers how it is woken.
#[derive(Default)]
pub(crate) struct Run {
    state: Mutex<State>,
    failed: Notify,
    threads: Arc<Threads>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    failure: Option<Error>,
    wakers: Vec<Box<dyn Fn() + Send>>,
}

impl Run {
    pub fn new() -> Arc<Run> {
        Arc::default()
    }

    /// One whose threads are among these.
    pub fn among(threads: &Arc<Threads>) -> Arc<Run> {
        Arc::new(Run {
            threads: Arc::clone(threads),
            ..Run::default()
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the run has ended early.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// When no thread of the run is left, and with it none of its buffers. They must have been told to end.
    pub async fn ended(&self) {
        self.threads.ended().await;
    }

    /// `stop` is called once when the run ends early, or now if it has.
    pub fn on_stop(&self, stop: impl Fn() + Send + 'static) {
        let mut state = self.lock();
        if state.stopped {
            drop(state);
            stop();
        } else {
            state.wakers.push(Box::new(stop));
        }
    }

    /// Ends the run. Later errors are consequences of the first and are dropped.
    pub fn fail(&self, error: Error) {
        self.end(Some(error));
    }

    /// Ends all threads of the run, after success or when its future was dropped.
    pub fn stop(&self) {
        self.end(None);
    }

    fn end(&self, error: Option<Error>) {
        let mut state = self.lock();
        if state.stopped {
            return;
        }
        state.stopped = true;
        state.failure = error;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.iter().for_each(|wake| wake());
        self.failed.notify_one();
    }

    /// Awaits `work`; if a part of the run fails meanwhile, the result is that part's error. All parts have been told to end when this
    /// returns, and also when it is dropped.
    pub async fn drive<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        struct StopOnDrop<'a>(&'a Run);
        impl Drop for StopOnDrop<'_> {
            fn drop(&mut self) {
                self.0.stop();
            }
        }
        let _stop = StopOnDrop(self);
        tokio::select! {
            biased;
            () = self.failed.notified() => Err(self.failure()),
            // A failure may be the cause of what `work` ran into.
            result = work => result.map_err(|error| self.take_failure().unwrap_or(error)),
        }
    }

    fn failure(&self) -> Error {
        self.take_failure().unwrap_or(Error::Stopped(Stopped))
    }

    fn take_failure(&self) -> Option<Error> {
        self.lock().failure.take()
    }

    /// Runs `work` on a thread. Its error ends the run, and so does a panic, or that the thread cannot be started: others may wait for
    /// what it would have done, and nobody need await its result.
    pub fn spawn<T, F>(
        self: &Arc<Self>,
        name: &str,
        work: F,
    ) -> impl Future<Output = Result<T, Error>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let run = Arc::clone(self);
        let alive = Alive::new(&self.threads);
        let started = start(name, move || {
            // What `work` holds is gone before.
            let _alive = alive;
            let _panic = run.fails_on_panic();
            let result = work();
            match result {
                // A consequence of what somebody else ran into and reports.
                Ok(_) | Err(Error::Stopped(_)) => result,
                Err(error) => {
                    run.fail(error);
                    Err(Error::Stopped(Stopped))
                }
            }
        });
        let started = started.map_err(|error| {
            self.fail(error);
            Error::Stopped(Stopped)
        });
        async move { started?.await.unwrap_or(Err(Error::Worker)) }
    }

    /// To be held by whoever works for the run without anybody awaiting it.
    pub fn fails_on_panic(self: &Arc<Self>) -> impl Drop + use<> {
        FailsOnPanic(Arc::clone(self))
    }
}

/// One thread, until it ends or turns out not to start.
struct Alive(Arc<Threads>);

impl Alive {
    fn new(threads: &Arc<Threads>) -> Alive {
        *threads.count() += 1;
        Alive(Arc::clone(threads))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let mut count = self.0.count();
        *count -= 1;
        if *count == 0 {
            self.0.ended.notify_waiters();
        }
    }
}

struct FailsOnPanic(Arc<Run>);

impl Drop for FailsOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Error::Worker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::Pool;

    #[tokio::test]
    async fn the_first_error_wins_and_wakes_everybody() {
        let run = Run::new();
        let pool = Pool::filled(1, 1);
        let held = pool.take().unwrap();
        let closing = pool.clone();
        run.on_stop(move || closing.close());
        let waiting = pool.clone();
        let waiter = run.spawn("waiter", move || match waiting.take() {
            Ok(_) => panic!("the only buffer is held"),
            Err(stopped) => Err::<(), _>(stopped.into()),
        });
        let failing = run.spawn("failing", || Err::<(), _>(Error::ChunkSize { size: 7 }));
        let result = run
            .drive(async {
                let (a, b) = tokio::join!(waiter, failing);
                a.and(b)
            })
            .await;
        assert!(matches!(result, Err(Error::ChunkSize { size: 7 })));
        drop(held);
    }

    #[tokio::test]
    async fn a_dropped_run_stops_its_threads() {
        let run = Run::new();
        let (outlet, mut inlet) = channel::<u8>(1);
        let pool = Pool::filled(0, 1);
        let closing = pool.clone();
        run.on_stop(move || closing.close());
        let thread = run.spawn("waiter", move || {
            let result = pool.take().map(drop);
            outlet.send(1)?;
            Ok(result?)
        });
        let driving = run.drive(thread);
        drop(driving);
        // The future was never polled, so nobody was told to stop; a polled one tells on drop.
        assert!(inlet.try_recv().is_err());
        let mut driving = Box::pin(run.drive(std::future::pending::<Result<(), Error>>()));
        tokio::select! {
            biased;
            _ = &mut driving => unreachable!("pending"),
            () = std::future::ready(()) => {}
        }
        drop(driving);
        assert_eq!(inlet.recv().await, Some(1));
    }

    #[tokio::test]
    async fn a_panic_that_nobody_awaits_ends_the_run() {
        let run = Run::new();
        drop(run.spawn("panics", || -> Result<(), Error> { panic!("on purpose") }));
        let result = run.drive(std::future::pending::<Result<(), Error>>()).await;
        assert!(matches!(result, Err(Error::Worker)));
    }

    /// A thread that is held by its disk counts until it is back, with all that it holds; one that panics is gone too.
    #[tokio::test]
    async fn a_run_has_ended_when_its_threads_have() {
        let run = Run::new();
        run.ended().await;
        let (free, held) = std::sync::mpsc::channel::<()>();
        let buffers = Arc::new(());
        let (left, holds) = (Arc::downgrade(&buffers), buffers);
        drop(run.spawn("disk", move || {
            held.recv().map_err(|_| Error::Worker)?;
            drop(holds);
            Ok(())
        }));
        drop(run.spawn("panics", || -> Result<(), Error> { panic!("on purpose") }));
        run.stop();
        let mut ending = Box::pin(run.ended());
        tokio::select! {
            biased;
            () = &mut ending => panic!("the disk holds it"),
            () = tokio::task::yield_now() => {}
        }
        assert!(left.upgrade().is_some());
        free.send(()).unwrap();
        ending.await;
        assert!(left.upgrade().is_none());
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let result = spawn("panics", || -> Result<(), Error> { panic!("on purpose") }).await;
        assert!(matches!(result, Err(Error::Worker)));
    }
}

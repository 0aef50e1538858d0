//! A running task: what those see who watch it ([`Task`]), and what belongs to the one who works on it ([`Worker`]).

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use api::Upid;
use tokio::sync::watch;

use crate::tasks::Shared;
use crate::tasks::ending::{After, Ending};
use crate::tasks::log::LogFile;
use crate::tasks::room::Room;

/// A running task, for logging into it and for asking it to stop. Implements `store::Watch`, so that the store's long work reports here.
#[derive(Debug)]
pub struct Task {
    upid: Upid,
    text: String,
    room: Room,
    log: Mutex<LogFile>,
    warnings: AtomicU64,
    abort: watch::Sender<bool>,
    /// When it was first asked to stop.
    asked: OnceLock<Instant>,
    ending: Mutex<Ending>,
}

impl Task {
    pub(super) fn new(upid: Upid, room: Room, log: LogFile) -> Task {
        let text = upid.to_string();
        Task {
            upid,
            text,
            room,
            log: Mutex::new(log),
            warnings: AtomicU64::new(0),
            abort: watch::Sender::new(false),
            asked: OnceLock::new(),
            ending: Mutex::default(),
        }
    }

    pub(super) fn ending(&self) -> MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::Relaxed)
    }

    /// Whether it was asked to stop so long ago.
    pub(super) fn ignores_stop(&self, since: Duration) -> bool {
        (self.asked.get()).is_some_and(|asked| asked.elapsed() >= since)
    }

    pub(super) fn book(&self) -> MutexGuard<'_, LogFile> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn upid(&self) -> &Upid {
        &self.upid
    }

    pub(super) fn room(&self) -> Room {
        self.room
    }

    /// The task id as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Writes one line.
    pub fn log(&self, text: &str) {
        self.book().line(text);
    }

    /// Writes one line that counts as a warning.
    pub fn warn(&self, text: &str) {
        self.warnings.fetch_add(1, Ordering::Relaxed);
        self.log(text);
    }

    /// Asks the work to stop at the next good place.
    pub fn abort(&self) {
        self.asked.get_or_init(Instant::now);
        self.abort.send_if_modified(|abort| {
            let first = !std::mem::replace(abort, true);
            if first {
                // Before anybody can react: the last line of a log tells how the task ended.
                self.log("received abort request ...");
            }
            first
        });
    }

    pub fn aborted(&self) -> bool {
        *self.abort.borrow()
    }

    /// Returns when the task is asked to stop.
    pub async fn abort_requested(&self) {
        // The sender is part of `self`, so waiting cannot fail.
        let _ = self.abort.subscribe().wait_for(|abort| *abort).await;
    }
}

impl store::Watch for Task {
    fn log(&self, text: &str) {
        Task::log(self, text);
    }

    fn warn(&self, text: &str) {
        Task::warn(self, text);
    }

    fn stopped(&self) -> bool {
        self.aborted()
    }
}

/// Holds a task while somebody works on it. Dropping it without [`Worker::finish`] ends the task as failed.
#[derive(Debug)]
pub struct Worker {
    task: Arc<Task>,
    shared: Arc<Shared>,
    outcome: Option<Result<(), String>>,
}

impl Worker {
    pub(super) fn new(task: Arc<Task>, shared: Arc<Shared>) -> Worker {
        Worker {
            task,
            shared,
            outcome: None,
        }
    }

    /// The task itself, to share with threads that log into it.
    pub fn task(&self) -> Arc<Task> {
        Arc::clone(&self.task)
    }

    /// What is to be done when the task has ended, whoever ends it.
    pub(super) fn then(&self, after: After) {
        let ended = self.task.ending().then(after);
        if let Some((after, status, end)) = ended {
            after(status, end);
        }
    }

    /// Ends the task: writes its last line and moves it to the finished ones.
    pub fn finish(mut self, outcome: Result<(), String>) {
        self.outcome = Some(outcome);
    }
}

impl Deref for Worker {
    type Target = Task;

    fn deref(&self) -> &Task {
        &self.task
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let outcome = self
            .outcome
            .take()
            .unwrap_or_else(|| Err("the task was given up without a result".to_owned()));
        self.shared.end(&self.task, outcome);
    }
}

//! A running task: what those see who watch it ([`Task`]), and what belongs to the one who works on it ([`Worker`]).

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::Upid;
use tokio::sync::watch;

use crate::tasks::Shared;
use crate::tasks::log::LogFile;
use crate::tasks::room::Room;
use crate::tasks::status::TaskStatus;

/// A running task, for logging into it and for asking it to stop. Implements `store::Watch`, so that the store's long work reports here.
#[derive(Debug)]
pub struct Task {
    upid: Upid,
    text: String,
    room: Room,
    log: Mutex<LogFile>,
    warnings: AtomicU64,
    abort: watch::Sender<bool>,
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
        }
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
        let status = TaskStatus::of(outcome, self.task.warnings.load(Ordering::Relaxed));
        self.task.book().last_line(&status.last_line());
        let end = jiff::Timestamp::now().as_second();
        self.shared.finish(&self.task, end, &status);
        self.shared
            .counters
            .task_ended(self.task.upid(), status.word());
        self.shared.running().remove(self.task.text());
        // Last: whoever asks now finds it among those that ended.
        self.shared
            .events
            .task_ended(self.task.upid(), end, &status.to_string());
        self.shared.count.send_modify(|count| *count -= 1);
    }
}

//! How a task ends, exactly once: by the one who works on it, or by whoever stops it when that one does not answer.
//!
//! A thread that waits for a disk cannot be ended. Its task can: it is listed as aborted, says nothing more, and is *left* until the thread comes
//! back. As long as it is left it counts against the bounds of running tasks, so that threads stay bounded, and its job and its datastore are told to
//! be busy with it.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use api::Upid;
use format::StoreName;

use crate::tasks::status::TaskStatus;
use crate::tasks::worker::Task;
use crate::tasks::{Shared, Tasks};

/// What follows the end of a task.
pub type After = Box<dyn FnOnce(TaskStatus, i64) + Send>;

/// How far a task is.
pub enum Ending {
    Open(Option<After>),
    Ended(TaskStatus, i64),
}

impl Default for Ending {
    fn default() -> Ending {
        Ending::Open(None)
    }
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Open(_) => f.write_str("Open"),
            Ending::Ended(status, end) => write!(f, "Ended({status}, {end})"),
        }
    }
}

impl Ending {
    /// Keeps what follows for the end; gives it back if the task has ended already.
    pub fn then(&mut self, after: After) -> Option<(After, TaskStatus, i64)> {
        match self {
            Ending::Open(kept) => {
                *kept = Some(after);
                None
            }
            Ending::Ended(status, end) => Some((after, status.clone(), *end)),
        }
    }
}

/// One task less runs, also if what follows its end breaks.
struct Counted<'a>(&'a Shared);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| *count -= 1);
    }
}

impl Shared {
    /// Ends a task whose work has ended.
    pub(super) fn end(&self, task: &Arc<Task>, outcome: Result<(), String>) {
        let status = TaskStatus::of(outcome, task.warnings());
        if !self.conclude(task, &status, || ()) {
            self.left().remove(task.text());
            tracing::info!(
                "what task {} was left with has ended: {status}",
                task.text()
            );
        }
    }

    /// Ends a task on whose work nobody waits any more.
    fn leave(&self, task: &Arc<Task>, patience: Duration) {
        let seconds = patience.as_secs_f64();
        let keep = || {
            task.log(&format!(
                "it has not stopped within {seconds} s; what it waits for, such as a disk, may not answer"
            ));
            task.log("it is left to itself, and goes no further when that answers");
            self.left().insert(task.text().to_owned(), Arc::clone(task));
        };
        let status = TaskStatus::Error("task aborted".to_owned());
        if self.conclude(task, &status, keep) {
            tracing::warn!(
                "task {} has not stopped within {seconds} s and is left to itself",
                task.text()
            );
        }
    }

    /// Whether this was the end of the task. `first` is done before anybody can see that it has ended.
    fn conclude(&self, task: &Arc<Task>, status: &TaskStatus, first: impl FnOnce()) -> bool {
        let end = jiff::Timestamp::now().as_second();
        let after = {
            let mut ending = task.ending();
            let Ending::Open(after) = &mut *ending else {
                return false;
            };
            first();
            let after = after.take();
            *ending = Ending::Ended(status.clone(), end);
            after
        };
        let _counted = Counted(self);
        task.book().end(&status.last_line());
        self.finish(task, end, status);
        self.counters.task_ended(task.upid(), status.word());
        self.running().remove(task.text());
        // Last: whoever asks now finds it among those that ended.
        self.events
            .task_ended(task.upid(), end, &status.to_string());
        if let Some(after) = after {
            after(status.clone(), end);
        }
        true
    }

    pub(super) fn left(&self) -> MutexGuard<'_, HashMap<String, Arc<Task>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks {
    /// Asks a running task to stop; one that was asked before, and has had `patience`, is ended and left to itself. `false` if it is not running
    /// (any more).
    pub fn stop(&self, upid: &Upid, patience: Duration) -> bool {
        let task = self.shared.running().get(&upid.to_string()).cloned();
        let Some(task) = task else { return false };
        match task.ignores_stop(patience) {
            true => self.shared.leave(&task, patience),
            false => task.abort(),
        }
        true
    }

    /// Those that were left to themselves and still hold a thread.
    pub fn left(&self) -> Vec<Upid> {
        let left = self.shared.left();
        left.values().map(|task| task.upid().clone()).collect()
    }

    /// Of these the ones that work on a datastore.
    pub fn left_at(&self, store: &StoreName) -> Vec<Upid> {
        let mut left = self.left();
        left.retain(|upid| is_at(upid, store.as_str()));
        left
    }
}

/// Whether a task works on a datastore (protocol.md 7.2).
fn is_at(upid: &Upid, store: &str) -> bool {
    let mut parts = upid.worker_id.as_deref().unwrap_or_default().split(':');
    let first = parts.next();
    match upid.worker_type.as_str() {
        // The remote, the datastore there, the datastore here. Without a remote both are here.
        "syncjob" => {
            let there = parts.next();
            parts.next() == Some(store) || (first == Some("-") && there == Some(store))
        }
        _ => first == Some(store),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sync job was looked for under the name of its remote.
    #[test]
    fn where_a_task_works() {
        for (kind, id, expected) in [
            ("verificationjob", "main:nightly", &["main"][..]),
            ("garbage_collection", "main", &["main"]),
            ("backup", "main:host/far", &["main"]),
            ("sync", "main", &["main"]),
            ("syncjob", "far:there:main:a:nightly", &["main"]),
            ("syncjob", "main:there:far::nightly", &["far"]),
            ("syncjob", "-:there:main::nightly", &["main", "there"]),
            ("syncjob", "main", &[]),
            ("logrotate", "", &[]),
        ] {
            let escaped = api::upid::escape_id(id);
            let upid =
                format!("UPID:pbs:00000001:00000001:00000001:60000000:{kind}:{escaped}:a@pbs:")
                    .parse()
                    .expect("upid");
            let mut found = vec!["main", "there", "far", "nightly", "a", "-"];
            found.retain(|store| is_at(&upid, store));
            assert_eq!(found, expected, "{kind} {id}");
        }
    }
}

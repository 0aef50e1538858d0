//! Tasks that wait for each other: of costly work on one thing, such as verifying a datastore, only so many run at once; further ones wait in the
//! order in which they came, say so in their log, and can be stopped while they wait. Who waits holds no thread: [`Tasks::run_in_turn`] gives him
//! one when his turn has come. How many may wait is bounded by the room for them ([`Room::Line`](super::Room)).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use api::Upid;
use tokio::sync::Semaphore;

use crate::blocking;
use crate::tasks::{Task, TaskError, TaskStatus, Tasks, Worker};

/// The lines, one per key. Remembers only keys that somebody works on or waits for.
#[derive(Debug)]
pub struct Queue<K: Eq + Hash> {
    each: usize,
    /// A line lives as long as somebody holds or awaits a place in it.
    lines: Mutex<HashMap<K, Weak<Semaphore>>>,
}

impl<K: Eq + Hash + Clone> Queue<K> {
    /// `each` at once for one key, at least one.
    pub fn new(each: usize) -> Queue<K> {
        Queue {
            each: each.max(1),
            lines: Mutex::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.values().all(|line| line.strong_count() == 0)
    }

    fn line(&self, key: &K) -> Arc<Semaphore> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| line.strong_count() > 0);
        if let Some(line) = lines.get(key).and_then(Weak::upgrade) {
            return line;
        }
        let line = Arc::new(Semaphore::new(self.each));
        lines.insert(key.clone(), Arc::downgrade(&line));
        line
    }
}

impl Tasks {
    /// [`Tasks::run`] when a place for the key is free; a task that is asked to stop before does not begin its work.
    pub fn run_in_turn<K, F, A>(
        &self,
        (queue, key): (&Queue<K>, &K),
        worker: Worker,
        work: F,
        after: A,
    ) -> Result<Upid, TaskError>
    where
        K: Eq + Hash + Clone,
        F: FnOnce(&Task) -> Result<(), String> + Send + 'static,
        A: FnOnce(TaskStatus, i64) + Send + 'static,
    {
        let line = queue.line(key);
        // Overtakes nobody: with somebody waiting no place is free.
        if let Ok(place) = Arc::clone(&line).try_acquire_owned() {
            let work = move |task: &Task| {
                let _place = place;
                work(task)
            };
            return self.run(worker, work, after);
        }
        worker.log("waiting until another task of this kind has ended");
        let (tasks, upid) = (self.clone(), worker.upid().clone());
        let wait = async move {
            let place = tokio::select! {
                biased;
                () = worker.abort_requested() => None,
                place = line.acquire_owned() => place.ok(),
            };
            let work = move |task: &Task| match place {
                Some(_place) => work(task),
                None => Err("task aborted".to_owned()),
            };
            if let Err(error) = tasks.run(worker, work, after) {
                tracing::error!("a task that waited cannot go on: {error}");
            }
        };
        blocking::spawn_wait(wait).map_err(TaskError::Thread)?;
        Ok(upid)
    }
}

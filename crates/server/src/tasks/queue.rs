//! Tasks that wait for each other: of costly work on one thing, such as verifying a datastore, only so many run at once; further ones wait in the
//! order in which they came, say so in their log, and can be stopped while they wait.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::tasks::worker::Task;

/// How often one that waits looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(100);

/// The queues, one per key. Remembers only keys that somebody works on or waits for.
#[derive(Debug)]
pub struct Queue<K: Eq + Hash> {
    each: usize,
    lines: Mutex<HashMap<K, Line>>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    at_work: usize,
    /// Numbers of those who wait.
    waiting: VecDeque<u64>,
    next: u64,
}

/// The right to work, until dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    queue: Arc<Queue<K>>,
    key: K,
}

impl<K: Eq + Hash + Clone> Queue<K> {
    /// `each` at once for one key, at least one.
    pub fn new(each: usize) -> Arc<Queue<K>> {
        Arc::new(Queue {
            each: each.max(1),
            lines: Mutex::default(),
            moved: Condvar::new(),
        })
    }

    /// Waits until it is the task's turn; nothing if the task is asked to stop before.
    pub fn enter(self: &Arc<Queue<K>>, key: &K, task: &Task) -> Option<Place<K>> {
        let mut lines = self.lines();
        let line = lines.entry(key.clone()).or_default();
        let number = line.next;
        line.next += 1;
        line.waiting.push_back(number);
        if !line.has_turn(number, self.each) {
            task.log("waiting until another task of this kind has ended");
        }
        loop {
            let line = lines.entry(key.clone()).or_default();
            if task.aborted() {
                line.waiting.retain(|waiting| *waiting != number);
                forget_idle(&mut lines, key);
                self.moved.notify_all();
                return None;
            }
            if line.has_turn(number, self.each) {
                line.waiting.pop_front();
                line.at_work += 1;
                self.moved.notify_all();
                let queue = Arc::clone(self);
                return Some(Place {
                    queue,
                    key: key.clone(),
                });
            }
            let waited = self.moved.wait_timeout(lines, LOOK);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<K: Eq + Hash> Queue<K> {
    fn lines(&self) -> MutexGuard<'_, HashMap<K, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn has_turn(&self, number: u64, each: usize) -> bool {
        self.at_work < each && self.waiting.front() == Some(&number)
    }
}

fn forget_idle<K: Eq + Hash>(lines: &mut HashMap<K, Line>, key: &K) {
    if lines
        .get(key)
        .is_some_and(|line| line.at_work == 0 && line.waiting.is_empty())
    {
        lines.remove(key);
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut lines = self.queue.lines();
        if let Some(line) = lines.get_mut(&self.key) {
            line.at_work -= 1;
        }
        forget_idle(&mut lines, &self.key);
        self.queue.moved.notify_all();
    }
}

//! Work for several threads. Its length is bounded by what the items hold: each carries a buffer of a [`crate::pool::Pool`].

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    ended: bool,
}

impl<T> Queue<T> {
    pub fn new() -> Queue<T> {
        Queue {
            state: Mutex::new(State {
                items: VecDeque::new(),
                ended: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Appends an item; one that comes after the end is dropped.
    pub fn push(&self, item: T) {
        let mut state = self.lock();
        if !state.ended {
            state.items.push_back(item);
            self.changed.notify_one();
        }
    }

    /// The next item; waits for one. Nothing after the end.
    pub fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
                return Some(item);
            }
            if state.ended {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next item if there is one by now.
    pub fn try_pop(&self) -> Option<T> {
        self.lock().items.pop_front()
    }

    /// No item follows; those inside are still handed out.
    pub fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Ends and forgets what is inside.
    pub fn abort(&self) {
        let mut state = self.lock();
        state.ended = true;
        let items = std::mem::take(&mut state.items);
        drop(state);
        self.changed.notify_all();
        // Outside of the lock: items give buffers back, which takes other locks.
        drop(items);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn items_are_handed_out_until_the_end() {
        let queue = Queue::new();
        (1..=3).for_each(|i| queue.push(i));
        assert_eq!(queue.pop(), Some(1));
        queue.end();
        queue.push(4);
        assert_eq!(
            [queue.pop(), queue.pop(), queue.pop()],
            [Some(2), Some(3), None]
        );
        let queue = Queue::new();
        queue.push(1);
        queue.abort();
        assert_eq!(queue.pop(), None);
    }
}

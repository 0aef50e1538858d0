//! Buffers of megabytes that are used again and again. A fresh one costs a page fault for each of its pages, so nothing on a chunk's
//! way allocates once a pool is warm.
//!
//! A pool makes at most its number of buffers; who wants one more waits until one comes home, which a buffer does when it is dropped,
//! wherever it is then. The one used last is lent first, as it is still in the cache. A closed pool lends nothing, so that a run that
//! has failed ends promptly.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The run has ended early; somebody else reports why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

impl From<Stopped> for std::io::Error {
    fn from(stopped: Stopped) -> std::io::Error {
        std::io::Error::other(stopped)
    }
}

#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    len: usize,
    count: usize,
    /// Buffers are lent with all their length, else empty.
    filled: bool,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Vec<u8>>,
    made: usize,
    closed: bool,
}

impl Pool {
    /// Buffers to read into: `len` initialised bytes each.
    pub fn filled(count: usize, len: usize) -> Pool {
        Pool::new(count, len, true)
    }

    /// Buffers to append to: empty, with room for `len` bytes each.
    pub fn empty(count: usize, len: usize) -> Pool {
        Pool::new(count, len, false)
    }

    fn new(count: usize, len: usize, filled: bool) -> Pool {
        Pool(Arc::new(Shared {
            len,
            count,
            filled,
            state: Mutex::default(),
            returned: Condvar::new(),
        }))
    }

    /// A buffer; waits for one if all are out.
    pub fn take(&self) -> Result<Buffer, Stopped> {
        let mut state = self.0.lock();
        loop {
            if state.closed {
                return Err(Stopped);
            }
            if let Some(bytes) = state.idle.pop() {
                return Ok(self.lend(bytes));
            }
            if state.made < self.0.count {
                state.made += 1;
                drop(state);
                return Ok(self.lend(self.0.make()));
            }
            state = self
                .0
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Wakes all who wait and lends nothing any more.
    pub fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.idle.clear();
        self.0.returned.notify_all();
    }

    fn lend(&self, bytes: Vec<u8>) -> Buffer {
        Buffer {
            bytes,
            home: Arc::clone(&self.0),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory from the system is zero already and is touched only when used.
    fn make(&self) -> Vec<u8> {
        if self.filled {
            vec![0; self.len]
        } else {
            Vec::with_capacity(self.len)
        }
    }

    fn fits(&self, bytes: &Vec<u8>) -> bool {
        bytes.capacity() <= self.len.next_multiple_of(4096)
            && (!self.filled || bytes.len() == self.len)
    }
}

/// A borrowed buffer.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    home: Arc<Shared>,
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if !self.home.filled {
            bytes.clear();
        }
        let keep = self.home.fits(&bytes);
        let mut state = self.home.lock();
        if keep && !state.closed {
            state.idle.push(bytes);
        } else {
            // One that has grown would break the budget: it is made anew when wanted.
            state.made = state.made.saturating_sub(1);
        }
        self.home.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn the_last_one_returned_is_lent_first() {
        let pool = Pool::filled(2, 8);
        let (mut a, b) = (pool.take().unwrap(), pool.take().unwrap());
        a[0] = 7;
        drop(b);
        drop(a);
        assert_eq!(**pool.take().unwrap(), [7, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn buffers_to_append_to_come_empty_and_grown_ones_are_not_kept() {
        let pool = Pool::empty(1, 8);
        pool.take().unwrap().extend_from_slice(b"abc");
        assert!(pool.take().unwrap().is_empty());
        pool.take().unwrap().reserve_exact(100_000);
        assert!(pool.take().unwrap().capacity() <= 4096);
    }

    #[test]
    fn waiting_ends_when_a_buffer_returns_or_the_pool_closes() {
        let pool = Pool::filled(1, 4);
        for close in [false, true] {
            let out = pool.take().unwrap();
            let other = pool.clone();
            let waiter = thread::spawn(move || other.take().map(|_| ()));
            if close {
                pool.close();
                assert_eq!(waiter.join().unwrap(), Err(Stopped));
                drop(out);
            } else {
                drop(out);
                assert_eq!(waiter.join().unwrap(), Ok(()));
            }
        }
        assert!(pool.take().is_err());
    }
}

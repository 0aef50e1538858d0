//! Results that come in any order and are wanted in the order of their numbers, and the stream that reads them one after the other.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::pool::Stopped;

/// How many wait here is bounded by what makes them: each holds a slot of the window.
pub(crate) struct Ordered<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    ready: BTreeMap<u64, T>,
    next: u64,
    stopped: bool,
}

impl<T> Ordered<T> {
    pub fn new() -> Ordered<T> {
        Ordered {
            state: Mutex::new(State {
                ready: BTreeMap::new(),
                next: 0,
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    pub fn put(&self, number: u64, item: T) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.stopped {
            state.ready.insert(number, item);
            self.changed.notify_one();
        }
    }

    /// The item with the next number; waits for it.
    pub fn next(&self) -> Result<T, Stopped> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped {
                return Err(Stopped);
            }
            let number = state.next;
            if let Some(item) = state.ready.remove(&number) {
                state.next += 1;
                return Ok(item);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        let ready = std::mem::take(&mut state.ready);
        drop(state);
        self.changed.notify_all();
        drop(ready);
    }
}

/// Reads `count` items as one stream, from their own memory.
pub(crate) struct Stream<T> {
    items: Arc<Ordered<T>>,
    left: u64,
    current: Option<T>,
    used: usize,
}

impl<T: AsRef<[u8]>> Stream<T> {
    pub fn new(items: Arc<Ordered<T>>, count: u64) -> Stream<T> {
        Stream {
            items,
            left: count,
            current: None,
            used: 0,
        }
    }
}

impl<T: AsRef<[u8]>> BufRead for Stream<T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let len = |item: &Option<T>| item.as_ref().map_or(0, |item| item.as_ref().len());
        while self.used == len(&self.current) && self.left > 0 {
            // First give back, then wait: the window may need it.
            self.current = None;
            self.used = 0;
            self.current = Some(self.items.next()?);
            self.left -= 1;
        }
        let all = self.current.as_ref().map_or(&[][..], AsRef::as_ref);
        Ok(&all[self.used..])
    }

    fn consume(&mut self, amount: usize) {
        let len = self.current.as_ref().map_or(0, |item| item.as_ref().len());
        self.used = (self.used + amount).min(len);
    }
}

impl<T: AsRef<[u8]>> Read for Stream<T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let len = ready.len().min(out.len());
        out[..len].copy_from_slice(&ready[..len]);
        self.consume(len);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_in_order_whatever_comes_first() {
        let items = Arc::new(Ordered::new());
        for (number, text) in [(2, "ef"), (0, "abc"), (3, ""), (1, "d"), (4, "g")] {
            items.put(number, text.as_bytes().to_vec());
        }
        let mut text = String::new();
        Stream::new(items, 5).read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdefg");
    }

    #[test]
    fn a_reader_waits_until_the_item_comes_or_never_will() {
        for stop in [false, true] {
            let items = Arc::new(Ordered::new());
            items.put(1, vec![2]);
            let mut stream = Stream::new(Arc::clone(&items), 2);
            let reader = std::thread::spawn(move || {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).map(|_| all).ok()
            });
            if stop {
                items.stop();
                assert_eq!(reader.join().unwrap(), None);
            } else {
                items.put(0, vec![1]);
                assert_eq!(reader.join().unwrap(), Some(vec![1, 2]));
            }
        }
    }
}

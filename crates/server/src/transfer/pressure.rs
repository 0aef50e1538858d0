//! When a connection's bodies must go to disk instead of waiting for memory.
//!
//! All streams of a connection share one flow control window. Bodies that wait for memory keep their part of it closed, which is the wish: the
//! client slows down. But a client that sends many bodies in turns can close the whole window with parts of bodies that wait, while the
//! bodies that have memory starve for their rest. Nothing would ever move again. So: if waiting bodies hold much of the window and no
//! body of this connection is complete (a complete one gives its memory back soon), waiting bodies must go elsewhere.

use tokio::sync::watch;

#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// Bytes received that still count against the window.
    held_bytes: usize,
    /// Bodies that are complete and wait for a worker or are with one.
    complete: usize,
}

/// What the streams of one connection tell each other; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pressure {
    state: watch::Sender<State>,
    held_bytes_max: usize,
}

/// Bytes of one waiting body that are not released; forgotten when dropped.
#[derive(Debug)]
pub struct Held {
    pressure: Pressure,
    bytes: usize,
}

/// One complete body, from its last byte until its memory is free again.
#[derive(Debug)]
pub struct Complete {
    pressure: Pressure,
}

impl Pressure {
    /// Of a window of so many bytes waiting bodies may hold half when no complete body is about to make room; the rest keeps bytes flowing.
    pub fn new(window_bytes: u32) -> Pressure {
        Pressure {
            state: watch::Sender::new(State::default()),
            held_bytes_max: window_bytes as usize / 2,
        }
    }

    /// A body that begins to wait.
    pub fn hold(&self) -> Held {
        Held {
            pressure: self.clone(),
            bytes: 0,
        }
    }

    /// A body that is complete.
    pub fn complete(&self) -> Complete {
        self.state.send_modify(|state| state.complete += 1);
        Complete {
            pressure: self.clone(),
        }
    }

    /// Resolves once waiting bodies must go to disk.
    pub async fn stuck(&self) {
        let mut state = self.state.subscribe();
        let stuck = |state: &State| state.held_bytes > self.held_bytes_max && state.complete == 0;
        state
            .wait_for(stuck)
            .await
            .expect("the sender lives in self");
    }
}

impl Held {
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.pressure
            .state
            .send_modify(|state| state.held_bytes += bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pressure
            .state
            .send_modify(|state| state.held_bytes -= self.bytes);
    }
}

impl Drop for Complete {
    fn drop(&mut self) {
        self.pressure.state.send_modify(|state| state.complete -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn stuck_means_much_held_and_nothing_complete() {
        let pressure = Pressure::new(2000);
        let is_stuck = || pressure.stuck().now_or_never().is_some();
        let mut held = pressure.hold();
        held.add(1000);
        assert!(!is_stuck());
        let mut more = pressure.hold();
        more.add(1);
        assert!(is_stuck());
        let complete = pressure.complete();
        assert!(!is_stuck(), "memory will come back");
        drop(complete);
        assert!(is_stuck());
        drop(held);
        assert!(!is_stuck());
    }
}

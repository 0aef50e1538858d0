//! How much each client may send ahead: the flow control window of its connection. Whatever lies in windows is memory of the server that no budget
//! sees, so many sessions share what a few have alone (protocol.md 3.2 gives each 32 MiB).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::defaults::H2_SERVER_WINDOW_BYTES;

use crate::transfer::memory::Memory;

/// Least window of a session; enough for 20 MB/s over a line with a round trip of 50 ms.
const WINDOW_BYTES_MIN: u32 = 1 << 20;

/// What is left to be given to new sessions.
#[derive(Debug)]
pub struct Windows {
    total: u64,
    left: Mutex<u64>,
    /// What lies idle in them is given back when no session is left.
    memories: [Memory; 2],
}

/// The window of one session, until dropped.
#[derive(Debug)]
pub struct Window {
    windows: Arc<Windows>,
    bytes: u32,
    /// Its part of the sum.
    taken: u64,
}

impl Windows {
    /// `total` bytes for all sessions, except that each gets [`WINDOW_BYTES_MIN`].
    pub fn new(total: u64, memories: [Memory; 2]) -> Arc<Windows> {
        Arc::new(Windows {
            total,
            left: Mutex::new(total),
            memories,
        })
    }

    /// Half of what is left, but not more than a session needs.
    pub fn open(self: &Arc<Windows>) -> Window {
        let mut left = self.left();
        let half = u32::try_from(*left / 2).unwrap_or(u32::MAX);
        let bytes = half.clamp(WINDOW_BYTES_MIN, H2_SERVER_WINDOW_BYTES);
        let taken = u64::from(bytes).min(*left);
        *left -= taken;
        Window {
            windows: Arc::clone(self),
            bytes,
            taken,
        }
    }

    fn left(&self) -> MutexGuard<'_, u64> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    pub fn bytes(&self) -> u32 {
        self.bytes
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let last = {
            let mut left = self.windows.left();
            *left += self.taken;
            *left == self.windows.total
        };
        if last {
            self.windows.memories.iter().for_each(Memory::give_back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixty-four sessions that uploaded chunks of 16 MiB made the server hold 860 MiB, most of it in their windows.
    #[test]
    fn many_sessions_share_what_a_few_have_alone() {
        const TOTAL: u64 = 64 << 20;
        let memories = [Memory::new(1 << 20), Memory::new(1 << 20)];
        let windows = Windows::new(TOTAL, memories.clone());
        drop(memories[0].try_take(1 << 20));
        assert!(memories[0].idle_bytes() > 0);
        let first = windows.open();
        assert_eq!(first.bytes(), H2_SERVER_WINDOW_BYTES, "as the original");
        let others: Vec<Window> = (1..64).map(|_| windows.open()).collect();
        let sum: u64 = others.iter().map(|window| u64::from(window.bytes())).sum();
        assert!(sum + u64::from(first.bytes()) < 2 * TOTAL, "{sum}");
        assert!(
            others
                .iter()
                .all(|window| window.bytes() >= WINDOW_BYTES_MIN)
        );
        drop((first, others));
        assert_eq!(*windows.left(), TOTAL, "all came back");
        assert_eq!(memories[0].idle_bytes(), 0, "nobody needs it now");
    }
}

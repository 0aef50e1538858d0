//! Whether a client takes what it asked for. Each answer of a connection has a [`Load`]; a client that takes nothing of one for too long is given
//! up together with its connection, whatever keeps it from taking: a closed window of one HTTP/2 stream, or of the whole connection. What waits for
//! the server's own work (a handler, a disk, an event) is never late. Pieces are small, so that slow lines are no silence.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// Bytes that are given to the connection at once. Some of them in the time of patience are enough.
pub const PIECE_BYTES: usize = 32 << 10;

/// The answers of one connection.
#[derive(Debug, Default)]
pub struct Deliveries {
    loads: Mutex<Vec<Arc<Load>>>,
    /// Since when the system takes no bytes for this client.
    blocked: Mutex<Option<Instant>>,
}

/// One request, from its head to the last byte of its answer.
#[derive(Debug)]
pub struct Load(Mutex<Progress>);

#[derive(Debug)]
struct Progress {
    /// When something was taken, or could have been for the first time.
    since: Instant,
    /// Pieces that were given and are not yet on their way.
    out: usize,
    /// Whether the client could have more if it took it.
    more: bool,
}

/// Bytes that note when they are on their way.
struct Piece {
    bytes: Bytes,
    load: Arc<Load>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut progress = self.load.progress();
        progress.out = progress.out.saturating_sub(1);
        progress.since = Instant::now();
    }
}

impl Deliveries {
    /// A request has come.
    pub fn begin(&self) -> Arc<Load> {
        let load = Arc::new(Load(Mutex::new(Progress {
            since: Instant::now(),
            out: 0,
            more: false,
        })));
        let mut loads = self.open();
        loads.push(Arc::clone(&load));
        load
    }

    /// Whether anything is asked or answered.
    pub fn is_busy(&self) -> bool {
        !self.open().is_empty()
    }

    /// Notes whether the system takes bytes for this client.
    pub fn blocked(&self, is_blocked: bool) {
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        match is_blocked {
            true => drop(blocked.get_or_insert_with(Instant::now)),
            false => *blocked = None,
        }
    }

    /// Returns when the client has taken nothing of some answer for so long.
    pub async fn given_up(&self, patience: Duration) {
        loop {
            let now = Instant::now();
            let oldest = self.oldest();
            if oldest.is_some_and(|since| now.saturating_duration_since(since) >= patience) {
                return;
            }
            // Whatever begins to wait from here on waits at least so long.
            tokio::time::sleep_until(oldest.unwrap_or(now) + patience).await;
        }
    }

    /// Since when the client has taken nothing of what it takes slowest.
    fn oldest(&self) -> Option<Instant> {
        let blocked = *self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.open();
        let waiting = waiting.iter().filter_map(|load| load.waits_since());
        waiting.chain(blocked).min()
    }

    /// Those that are still needed.
    fn open(&self) -> MutexGuard<'_, Vec<Arc<Load>>> {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        loads.retain(|load| Arc::strong_count(load) > 1);
        loads
    }
}

impl Load {
    /// There is more to take, or there is nothing now.
    pub fn more(&self, more: bool) {
        let mut progress = self.progress();
        if more && !progress.more {
            progress.since = Instant::now();
        }
        progress.more = more;
    }

    /// Something was taken from the answer; it is not yet on its way.
    pub fn piece(self: &Arc<Load>, bytes: Bytes) -> Bytes {
        let mut progress = self.progress();
        progress.since = Instant::now();
        progress.out += 1;
        progress.more = true;
        drop(progress);
        Bytes::from_owner(Piece {
            bytes,
            load: Arc::clone(self),
        })
    }

    fn waits_since(&self) -> Option<Instant> {
        let progress = self.progress();
        (progress.more || progress.out > 0).then_some(progress.since)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_is_waited_for() {
        // What happened, and whether the client is late from then on.
        type Did = fn(&Deliveries, &Arc<Load>, &mut Vec<Bytes>);
        let rows: [(&str, Did, bool); 7] = [
            ("the server works", |_, _, _| (), false),
            ("there is an answer", |_, load, _| load.more(true), true),
            (
                "some of it is taken",
                |_, load, _| drop(load.piece(Bytes::from_static(b"x"))),
                true,
            ),
            (
                "all of it lies in buffers",
                |_, load, held| {
                    held.push(load.piece(Bytes::from_static(b"x")));
                    load.more(false);
                },
                true,
            ),
            ("the buffers are empty", |_, _, held| held.clear(), false),
            ("the system takes none", |all, _, _| all.blocked(true), true),
            ("now it does", |all, _, _| all.blocked(false), false),
        ];
        let deliveries = Deliveries::default();
        let load = deliveries.begin();
        let mut held = Vec::new();
        for (name, did, late) in rows {
            did(&deliveries, &load, &mut held);
            assert_eq!(deliveries.oldest().is_some(), late, "{name}");
        }
    }

    #[test]
    fn what_is_taken_counts_from_then() {
        let deliveries = Deliveries::default();
        let load = deliveries.begin();
        load.more(true);
        let mut before = deliveries.oldest();
        for taken in [false, true, false] {
            std::thread::sleep(Duration::from_millis(2));
            if taken {
                drop(load.piece(Bytes::from_static(b"x")));
            } else {
                load.more(true);
            }
            assert_eq!(deliveries.oldest() > before, taken);
            before = deliveries.oldest();
        }
    }

    #[tokio::test]
    async fn who_takes_nothing_is_given_up() {
        let deliveries = Deliveries::default();
        let load = deliveries.begin();
        load.more(true);
        deliveries.given_up(Duration::from_millis(5)).await;
    }

    #[test]
    fn what_was_taken_is_forgotten() {
        let deliveries = Deliveries::default();
        let load = deliveries.begin();
        let piece = load.piece(Bytes::from_static(b"x"));
        drop(load);
        assert!(deliveries.is_busy(), "it lies in a buffer");
        drop(piece);
        assert!(!deliveries.is_busy());
    }
}

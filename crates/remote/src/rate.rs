//! A token bucket over time that is passed in: how long to wait so that a stream keeps to its rate.
//!
//! The bucket may go into debt by one operation, which is then waited for; so an operation is never split for the bucket's sake.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A limit on the bytes of a connection, each direction for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub bytes_per_second: u64,
    /// What may pass at once after a pause.
    pub burst_bytes: u64,
}

/// Shared by all connections of a client, one per direction.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub fn new(rate: Rate, now: Instant) -> Bucket {
        let per_second = rate.bytes_per_second.max(1) as f64;
        let burst = rate.burst_bytes.max(1) as f64;
        Bucket {
            per_second,
            burst,
            state: Mutex::new(State {
                tokens: burst,
                at: now,
            }),
        }
    }

    /// Takes `bytes` out and says how long to wait before the next operation.
    pub fn take(&self, bytes: usize, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(state.at).as_secs_f64();
        state.tokens = (state.tokens + passed * self.per_second).min(self.burst);
        state.at = state.at.max(now);
        state.tokens -= bytes as f64;
        if state.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-state.tokens / self.per_second).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_debt_and_refills_up_to_the_burst() {
        let start = Instant::now();
        let bucket = Bucket::new(
            Rate {
                bytes_per_second: 1000,
                burst_bytes: 500,
            },
            start,
        );
        let at = |ms| start + Duration::from_millis(ms);
        // (time, bytes, wait in milliseconds)
        let rows = [
            (0, 500, 0),
            (0, 1000, 1000),
            (1000, 0, 0),
            (1000, 250, 250),
            (60_000, 400, 0),
            (60_000, 200, 100),
        ];
        for (ms, bytes, wait) in rows {
            assert_eq!(
                bucket.take(bytes, at(ms)),
                Duration::from_millis(wait),
                "{bytes} bytes at {ms} ms"
            );
        }
    }
}

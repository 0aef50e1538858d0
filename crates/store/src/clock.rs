//! The one place that reads the clock: for the age of locks, and for dates in index headers that nothing decides upon.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds; 0 if the clock stands before 1970.
pub(crate) fn unix_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}

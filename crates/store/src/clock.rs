//! The one place that reads the clock: for the age of locks, for stamps that only have to differ, and for dates in index headers that
//! nothing decides upon.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Unix seconds; 0 if the clock stands before 1970.
pub(crate) fn unix_now() -> i64 {
    since_epoch().as_secs() as i64
}

/// As fine as the clock goes; nothing if it stands before 1970.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

//! The one place that reads the clock: for the age of locks, for stamps that only have to differ, and for dates in index headers that
//! nothing decides upon.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

/// Notices when the clock is set while something runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    began: Instant,
    wall: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch {
            began: Instant::now(),
            wall: since_epoch(),
        }
    }

    /// Whether the clock went another way than time since the start.
    pub(crate) fn was_set(&self) -> bool {
        jumped(self.wall, since_epoch(), self.began.elapsed())
    }
}

/// A clock that is pulled right slowly may be off by a thousandth of the time that passed, and some seconds more.
fn jumped(before: Duration, now: Duration, passed: Duration) -> bool {
    let allowed = Duration::from_secs(10) + passed / 1000;
    now.abs_diff(before + passed) > allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_clock_is_noticed() {
        for (name, before, now, passed, expected) in [
            ("nothing happened", 1000, 1000, 0, false),
            ("an hour passed", 1000, 4600, 3600, false),
            ("some seconds off", 1000, 4605, 3600, false),
            ("pulled right over a day", 0, 86_480, 86_400, false),
            ("set back", 100_000, 96_400, 60, true),
            ("set forward", 1000, 9000, 60, true),
            ("stood still", 1000, 1000, 3600, true),
        ] {
            let seconds = Duration::from_secs;
            assert_eq!(
                jumped(seconds(before), seconds(now), seconds(passed)),
                expected,
                "{name}"
            );
        }
        assert!(!Stopwatch::start().was_set());
    }
}

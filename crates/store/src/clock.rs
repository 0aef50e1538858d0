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

/// A point in time that a later process can compare with its own, as long as the machine was not started anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Which start of the machine; empty if nothing tells.
    boot: String,
    /// Since that start, also while the machine slept.
    up: Duration,
    wall: Duration,
}

impl Moment {
    pub(crate) fn now() -> Moment {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let up = read("/proc/uptime");
        let up = up.split(' ').next().and_then(|up| up.parse().ok());
        Moment {
            boot: read("/proc/sys/kernel/random/boot_id").trim().to_owned(),
            up: Duration::try_from_secs_f64(up.unwrap_or_default()).unwrap_or_default(),
            wall: since_epoch(),
        }
    }

    /// Whether this certainly came later, and nobody has set the clock in between.
    pub(crate) fn follows(&self, before: &Moment) -> bool {
        let Some(passed) = self.up.checked_sub(before.up) else {
            return false;
        };
        !self.boot.is_empty()
            && self.boot == before.boot
            && !before.up.is_zero()
            && !jumped(before.wall, self.wall, passed)
    }

    /// `<boot> <milliseconds since it> <milliseconds since the epoch>`
    pub(crate) fn text(&self) -> String {
        let [up, wall] = [self.up, self.wall].map(|time| time.as_millis());
        format!("{} {up} {wall}", self.boot)
    }

    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let (boot, times) = text.split_once(' ')?;
        let (up, wall) = times.split_once(' ')?;
        Some(Moment {
            boot: boot.to_owned(),
            up: Duration::from_millis(up.parse().ok()?),
            wall: Duration::from_millis(wall.parse().ok()?),
        })
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

    #[test]
    fn moments_of_one_start_can_be_compared() {
        let at = |text: &str| Moment::parse(text).expect("a moment");
        let before = at("boot-1 1000000 5000000");
        for (name, now, expected) in [
            ("the same", "boot-1 1000000 5000000", true),
            ("an hour later", "boot-1 4600000 8600000", true),
            ("another start", "boot-2 4600000 8600000", false),
            ("nobody knows which", " 4600000 8600000", false),
            ("before it", "boot-1 999999 5000000", false),
            ("the clock was set back", "boot-1 4600000 5000000", false),
            ("and forward", "boot-1 1060000 9000000", false),
        ] {
            assert_eq!(at(now).follows(&before), expected, "{name}");
        }
        let now = Moment::now();
        assert!(Moment::now().follows(&at(&now.text())), "{now:?}");
        for wrong in ["", "x", "x 1", "x 1 y", "x -1 2"] {
            assert_eq!(Moment::parse(wrong), None, "{wrong:?}");
        }
    }
}

//! How far long work has come: a moving line on a terminal, a quiet line a minute elsewhere.
//!
//! [`Meter`] decides from values and instants that it is given; [`Progress`] draws what it
//! says. The quiet line is the original's `processed <bytes> in <duration>, uploaded <bytes>`.

use std::time::{Duration, Instant};

use crate::human;
use crate::screen::Screen;

mod stream;

pub use stream::{INTERVAL, Place, ProgressArgs, ProgressFormat, Stream};

/// Time between two quiet lines.
pub const QUIET_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two drawings of the moving line.
pub const MOVING_INTERVAL: Duration = Duration::from_millis(200);
/// The rate shown is that of about this much time back.
const RATE_WINDOW_S: f64 = 5.0;

/// Counters of one upload or download, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub processed: u64,
    /// What really crossed the wire.
    pub transferred: u64,
    /// What there will be in all, if known.
    pub total: Option<u64>,
}

/// Works out rate, time left and when to speak.
#[derive(Debug)]
pub struct Meter {
    label: String,
    interval: Duration,
    started: Instant,
    last: Instant,
    last_processed: u64,
    rate_bytes_per_s: Option<f64>,
}

impl Meter {
    /// `interval` is the least time between two answers that are not `None`.
    pub fn new(label: impl Into<String>, interval: Duration, now: Instant) -> Meter {
        Meter {
            label: label.into(),
            interval,
            started: now,
            last: now,
            last_processed: 0,
            rate_bytes_per_s: None,
        }
    }

    /// Whether it is time to speak; then also takes the rate's next sample.
    fn due(&mut self, processed: u64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.last);
        if passed < self.interval {
            return false;
        }
        let seconds = passed.as_secs_f64().max(1e-3);
        let sample = processed.saturating_sub(self.last_processed) as f64 / seconds;
        let weight = (seconds / RATE_WINDOW_S).min(1.0);
        self.rate_bytes_per_s = Some(match self.rate_bytes_per_s {
            Some(rate) => rate + (sample - rate) * weight,
            None => sample,
        });
        (self.last, self.last_processed) = (now, processed);
        true
    }

    /// The minute's line of an upload, when it is due.
    pub fn quiet(&mut self, amount: Amount, now: Instant) -> Option<String> {
        self.due(amount.processed, now).then(|| {
            let elapsed = now.saturating_duration_since(self.started).as_secs_f64();
            format!(
                "processed {} in {}, uploaded {}",
                human::bytes(amount.processed),
                human::duration(elapsed),
                human::bytes(amount.transferred)
            )
        })
    }

    /// The moving line, when it is due: amount, share, rate and time left.
    pub fn moving(&mut self, amount: Amount, now: Instant) -> Option<String> {
        if !self.due(amount.processed, now) {
            return None;
        }
        let rate = self.rate_bytes_per_s.unwrap_or(0.0);
        let mut text = format!("{}: {}", self.label, human::bytes(amount.processed));
        if let Some(total) = amount.total.filter(|total| *total > 0) {
            let share = amount.processed as f64 * 100.0 / total as f64;
            text += &format!(" of {} ({:.0}%)", human::bytes(total), share.min(100.0));
        }
        text += &format!(", {}", human::speed(rate));
        let left = amount
            .total
            .map(|total| total.saturating_sub(amount.processed));
        if let Some(left) = left.filter(|left| *left > 0)
            && rate >= 1.0
        {
            text += &format!(", {} left", human::duration((left as f64 / rate).ceil()));
        }
        Some(text)
    }
}

/// A [`Meter`] bound to the screen. Dropping it takes the moving line away.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    meter: Meter,
}

impl Progress {
    pub fn new(screen: &Screen, label: impl Into<String>) -> Progress {
        let interval = if screen.is_terminal() {
            MOVING_INTERVAL
        } else {
            QUIET_INTERVAL
        };
        Progress {
            screen: screen.clone(),
            meter: Meter::new(label, interval, Instant::now()),
        }
    }

    /// To be called as often as there is news; it costs little when nothing is due.
    pub fn update(&mut self, amount: Amount) {
        let now = Instant::now();
        if self.screen.is_terminal() {
            if let Some(text) = self.meter.moving(amount, now) {
                self.screen.status(&text);
            }
        } else if let Some(text) = self.meter.quiet(amount, now) {
            self.screen.line(&text);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.screen.clear();
    }
}

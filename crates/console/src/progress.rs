//! How far long work has come: a moving line on a terminal, a quiet line now and then elsewhere.
//!
//! [`Meter`] decides from values and instants that it is given; [`Progress`] draws what it
//! says, also while there is no news: a line that is due is not kept back by a slow chunk.
//! The quiet lines are the original's (cli.md 3.1, 3.4): of an upload each minute
//! `processed <bytes> in <duration>, uploaded <bytes>`, of a download after 5 s and then with
//! doubling distance up to a minute `progress P% (X of Y in D, S/s)`.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::human;
use crate::screen::Screen;

mod stream;

pub use stream::{INTERVAL, Place, ProgressArgs, ProgressFormat, Stream};

/// Time between two quiet lines.
pub const QUIET_INTERVAL: Duration = Duration::from_secs(60);
/// Time until the first quiet line of a download.
pub const FIRST_INTERVAL: Duration = Duration::from_secs(5);
/// Time between two drawings of the moving line.
pub const MOVING_INTERVAL: Duration = Duration::from_millis(200);
/// The rate shown is that of about this much time back.
const RATE_WINDOW_S: f64 = 5.0;
/// How often it is looked whether a line is due while there is no news.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Upload,
    Download,
}

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
    /// Each interval is twice the one before until it is this long.
    interval_max: Duration,
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
            interval_max: interval,
            started: now,
            last: now,
            last_processed: 0,
            rate_bytes_per_s: None,
        }
    }

    /// One whose answers become rarer: the first after 5 s, in the end one a minute.
    pub fn rarer(label: impl Into<String>, now: Instant) -> Meter {
        Meter {
            interval_max: QUIET_INTERVAL,
            ..Meter::new(label, FIRST_INTERVAL, now)
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
        if self.interval < self.interval_max {
            self.interval = (self.interval * 2).min(self.interval_max);
        }
        true
    }

    /// The line for a log, when it is due.
    pub fn quiet(&mut self, direction: Direction, amount: Amount, now: Instant) -> Option<String> {
        if !self.due(amount.processed, now) {
            return None;
        }
        let elapsed = now.saturating_duration_since(self.started).as_secs_f64();
        let processed = human::bytes(amount.processed);
        // A line is a moment late; nobody asks for the milliseconds.
        let time = human::duration(elapsed.floor());
        Some(match (direction, amount.total) {
            (Direction::Download, Some(total)) => {
                // Whole percents, rounded down: 100 % is said when all is there.
                let share = u128::from(amount.processed) * 100 / u128::from(total.max(1));
                let speed = human::speed(amount.processed as f64 / elapsed.max(1e-3));
                let (share, total) = (share.min(100), human::bytes(total));
                format!("progress {share}% ({processed} of {total} in {time}, {speed})")
            }
            (direction, _) => {
                let done = match direction {
                    Direction::Upload => "uploaded",
                    Direction::Download => "downloaded",
                };
                let transferred = human::bytes(amount.transferred);
                format!("processed {processed} in {time}, {done} {transferred}")
            }
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
    shared: Arc<Shared>,
    /// Looks whether a line is due; begun with the first news.
    looking: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    screen: Screen,
    direction: Direction,
    look_interval: Duration,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug)]
struct State {
    meter: Meter,
    amount: Amount,
    ended: bool,
}

impl Progress {
    pub fn new(screen: &Screen, direction: Direction, label: impl Into<String>) -> Progress {
        let now = Instant::now();
        let meter = match (screen.is_terminal(), direction) {
            (true, _) => Meter::new(label, MOVING_INTERVAL, now),
            (false, Direction::Upload) => Meter::new(label, QUIET_INTERVAL, now),
            (false, Direction::Download) => Meter::rarer(label, now),
        };
        Progress::with_meter(screen, direction, meter, LOOK_INTERVAL)
    }

    /// One that speaks when `meter` says so, and looks every `look_interval` whether it does.
    pub fn with_meter(
        screen: &Screen,
        direction: Direction,
        meter: Meter,
        look_interval: Duration,
    ) -> Progress {
        let state = State {
            meter,
            amount: Amount::default(),
            ended: false,
        };
        let shared = Shared {
            screen: screen.clone(),
            direction,
            look_interval,
            state: Mutex::new(state),
            ended: Condvar::new(),
        };
        Progress {
            shared: Arc::new(shared),
            looking: None,
        }
    }

    /// To be called as often as there is news; it costs little when nothing is due.
    pub fn update(&mut self, amount: Amount) {
        let mut state = self.shared.state();
        state.amount = amount;
        self.shared.draw(&mut state);
        drop(state);
        if self.looking.is_none() {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("progress".to_owned());
            // Without it lines come with the news, only.
            self.looking = thread.spawn(move || shared.look()).ok();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, state: &mut State) {
        let (amount, now) = (state.amount, Instant::now());
        if self.screen.is_terminal() {
            if let Some(text) = state.meter.moving(amount, now) {
                self.screen.status(&text);
            }
        } else if let Some(text) = state.meter.quiet(self.direction, amount, now) {
            self.screen.line(&text);
        }
    }

    /// Draws what is due until all ends.
    fn look(&self) {
        let mut state = self.state();
        while !state.ended {
            let waited = self.ended.wait_timeout(state, self.look_interval);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !state.ended {
                self.draw(&mut state);
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.ended.notify_all();
        if let Some(looking) = self.looking.take() {
            // It only looks; nothing follows from how it ended.
            let _ = looking.join();
        }
        self.shared.screen.clear();
    }
}

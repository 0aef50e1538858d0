//! Traffic control (server.md 9): which rule a connection is under, and how much may go through now. Connections that are under the same rule
//! share its limits. Nothing is read here and nobody waits here; `front` asks before it moves bytes.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::calendar::DailyDuration;
use api::human::ByteSize;
use api::network::Network;
use config::files::TrafficRule;
use format::Userid;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

/// No rule makes connections slower than this, in bytes per second: they would stand still for longer than anybody waits for them.
const RATE_MIN: f64 = 500.0;
/// Shorter waits are not worth it.
const WAIT_MIN: Duration = Duration::from_millis(10);
/// A current rate is that of at least so long.
const RATE_WINDOW_MIN: Duration = Duration::from_millis(200);
/// and begins anew after so long.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// All rules that are in force.
#[derive(Debug, Default)]
pub struct Traffic {
    rules: Mutex<Vec<Arc<Rule>>>,
    /// How often they were replaced: whoever holds a rule looks whether there are others by now.
    generation: AtomicU64,
}

/// One rule with what goes through it.
#[derive(Debug)]
pub struct Rule {
    name: String,
    networks: Vec<Network>,
    timeframes: Vec<DailyDuration>,
    users: Vec<Userid>,
    /// What the server receives.
    pub inward: Arc<Direction>,
    /// What it sends.
    pub outward: Arc<Direction>,
}

/// A moment on the server's clock.
#[derive(Debug, Clone, Copy)]
pub struct LocalTime {
    /// 0 is Monday.
    pub weekday: u8,
    pub hour: u8,
    pub minute: u8,
}

impl LocalTime {
    pub fn now(zone: &TimeZone) -> LocalTime {
        let now = Timestamp::now().to_zoned(zone.clone());
        let number = |number: i8| number.unsigned_abs();
        LocalTime {
            weekday: number(now.weekday().to_monday_zero_offset()),
            hour: number(now.hour()),
            minute: number(now.minute()),
        }
    }
}

impl Traffic {
    /// Puts rules in force. One that was there before goes on with what has gone through it.
    pub fn load(&self, rules: &[TrafficRule]) {
        let mut known = self.rules();
        *known = rules
            .iter()
            .map(|rule| {
                let before = known.iter().find(|known| known.name == rule.name);
                Arc::new(Rule::of(rule, before))
            })
            .collect();
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Another number means other rules.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The rule for a connection: one that names its user before one for all, then the one with the smallest network, then the first.
    pub fn choose(&self, peer: IpAddr, user: Option<&Userid>, now: LocalTime) -> Option<Arc<Rule>> {
        let mut best: Option<((bool, u8), &Arc<Rule>)> = None;
        let rules = self.rules();
        for rule in rules.iter() {
            if let Some(rank) = rule.rank(peer, user, now)
                && best.is_none_or(|(known, _)| rank > known)
            {
                best = Some((rank, rule));
            }
        }
        best.map(|(_, rule)| Arc::clone(rule))
    }

    /// Bytes per second that a rule receives and sends now.
    pub fn current(&self, name: &str, now: Instant) -> (u64, u64) {
        let rules = self.rules();
        let rule = rules.iter().find(|rule| rule.name == name);
        rule.map_or((0, 0), |rule| {
            (rule.inward.current(now), rule.outward.current(now))
        })
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Arc<Rule>>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn of(rule: &TrafficRule, before: Option<&Arc<Rule>>) -> Rule {
        let rates = &rule.rates;
        let direction = |before: Option<&Arc<Direction>>, rate, burst| {
            let direction = before.cloned().unwrap_or_default();
            direction.limit(Limit::of(rate, burst));
            direction
        };
        Rule {
            name: rule.name.clone(),
            // The schema has checked all of them.
            networks: parsed(&rule.network),
            timeframes: parsed(&rule.timeframe),
            users: rule.users.clone(),
            inward: direction(before.map(|b| &b.inward), rates.rate_in, rates.burst_in),
            outward: direction(before.map(|b| &b.outward), rates.rate_out, rates.burst_out),
        }
    }

    /// How well it fits a connection; nothing if it does not.
    fn rank(&self, peer: IpAddr, user: Option<&Userid>, now: LocalTime) -> Option<(bool, u8)> {
        let in_time = self.timeframes.is_empty()
            || self
                .timeframes
                .iter()
                .any(|time| time.contains(now.weekday, now.hour, now.minute));
        let of_user = user.is_some_and(|user| self.users.contains(user));
        if !in_time || !(self.users.is_empty() || of_user) {
            return None;
        }
        let prefix = self.networks.iter().filter_map(|net| net.matches(peer));
        Some((of_user, prefix.max()?))
    }
}

fn parsed<T: std::str::FromStr>(texts: &[String]) -> Vec<T> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// A rate, and how much may go at once.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Limit {
    rate: f64,
    burst: f64,
}

impl Limit {
    fn of(rate: Option<ByteSize>, burst: Option<ByteSize>) -> Option<Limit> {
        let rate = rate?.as_f64().max(RATE_MIN);
        let burst = burst.map_or(rate, ByteSize::as_f64);
        Some(Limit { rate, burst })
    }
}

/// One direction of a rule: a bucket that runs empty at the rate of the limit, and a count.
#[derive(Debug, Default)]
pub struct Direction(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    limit: Option<Limit>,
    /// Bytes in the bucket, as of `at`.
    consumed: f64,
    at: Option<Instant>,
    /// Bytes since the window began.
    counted: f64,
    window: Option<Instant>,
    rate: f64,
}

impl Direction {
    fn limit(&self, limit: Option<Limit>) {
        let mut state = self.state();
        match (state.limit, limit) {
            // A bucket begins full: the first bytes wait already.
            (None, Some(new)) => state.consumed = new.burst,
            (Some(_), Some(new)) => state.consumed = state.consumed.min(new.burst),
            (_, None) => {}
        }
        state.limit = limit;
    }

    /// How long whoever wants to move bytes waits first; zero if he need not.
    pub fn wait(&self, now: Instant) -> Duration {
        let mut state = self.state();
        state.drain(now);
        let Some(limit) = state.limit else {
            return Duration::ZERO;
        };
        let over = state.consumed - limit.burst;
        let wait = Duration::try_from_secs_f64(over / limit.rate).unwrap_or(Duration::ZERO);
        if wait < WAIT_MIN {
            Duration::ZERO
        } else {
            wait
        }
    }

    /// So many bytes have gone through.
    pub fn count(&self, bytes: usize, now: Instant) {
        let mut state = self.state();
        state.drain(now);
        // No connection moves more at once than a double counts exactly.
        let bytes = bytes as f64;
        state.consumed += bytes;
        state.counted += bytes;
        state.roll(now, RATE_WINDOW);
    }

    /// Bytes per second.
    pub fn current(&self, now: Instant) -> u64 {
        let mut state = self.state();
        state.roll(now, RATE_WINDOW_MIN);
        state.rate.max(0.0).round() as u64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drain(&mut self, now: Instant) {
        let elapsed = self.at.map_or(Duration::ZERO, |at| now - at);
        let rate = self.limit.map_or(0.0, |limit| limit.rate);
        self.consumed = match self.limit {
            Some(_) => (self.consumed - elapsed.as_secs_f64() * rate).max(0.0),
            None => 0.0,
        };
        self.at = Some(now);
    }

    /// Ends the window of the current rate, if it is that long.
    fn roll(&mut self, now: Instant, least: Duration) {
        let begun = *self.window.get_or_insert(now);
        let elapsed = now - begun;
        if elapsed >= least {
            self.rate = self.counted / elapsed.as_secs_f64();
            self.counted = 0.0;
            self.window = Some(now);
        }
    }
}

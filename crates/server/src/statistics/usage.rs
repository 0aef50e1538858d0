//! How full a datastore was in the last month, and when it will be full if it goes on like that (server.md 3.5).

use std::io;

use api::rest::statistics::{Consolidation, Timeframe};
use format::StoreName;

use super::{Object, Statistics};

/// Points that a line through them needs to mean something.
const POINTS_MIN: usize = 7;

/// Used part of a datastore over the last 30 days, for `GET /status/datastore-usage`.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageHistory {
    /// `history-start`: begin of the first slot.
    pub start: i64,
    /// `history-delta`: seconds from slot to slot.
    pub delta: u32,
    /// `history`: 0 to 1 for each slot, nothing where nothing was seen.
    pub usage: Vec<Option<f64>>,
}

impl Statistics {
    /// The history of a datastore's usage up to `now`; blocking. A store that was never observed has only gaps.
    pub fn usage_history(&self, store: &StoreName, now: i64) -> io::Result<UsageHistory> {
        let series = self.series(&Object::Store(store.clone()), Timeframe::Month, now)?;
        let usage = |row| {
            let average = |field| series.value(row, field, Consolidation::Average);
            let (used, total) = (average("used")?, average("total"));
            // Beside what is used and available a file system may keep some for root.
            let whole = average("available").map(|available| used + available);
            let whole = whole.filter(|whole| *whole > 0.0).or(total)?;
            (whole > 0.0).then(|| used / whole)
        };
        Ok(UsageHistory {
            start: series.slots.first().map_or(now, |(time, _)| *time),
            delta: series.step,
            // Without the slot that is still open.
            usage: series
                .slots
                .iter()
                .rev()
                .skip(1)
                .rev()
                .map(|(_, row)| usage(row))
                .collect(),
        })
    }
}

impl UsageHistory {
    /// `estimated-full-date`: when a line through the points reaches 1. Nothing if there are too few; 0 if it does not rise or fall. What lies in
    /// the past means never.
    pub fn full_at(&self) -> Option<i64> {
        // Times are counted from the start: squares of seconds since the epoch would eat the digits.
        let points: Vec<(f64, f64)> = (0u32..)
            .zip(&self.usage)
            .filter_map(|(n, usage)| Some((f64::from(n) * f64::from(self.delta), (*usage)?)))
            .collect();
        if points.len() < POINTS_MIN {
            return None;
        }
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (time, usage) = (mean(|p| p.0), mean(|p| p.1));
        let product = |of: fn(f64, f64) -> f64| -> f64 {
            points
                .iter()
                .map(|(t, u)| of(t - time, u - usage))
                .sum::<f64>()
        };
        let slope = product(|t, u| t * u) / product(|t, _| t * t);
        if slope == 0.0 {
            return Some(0);
        }
        let seconds = (time + (1.0 - usage) / slope).floor();
        // Saturates at the ends of the type, which are as good as never.
        Some(self.start.saturating_add(seconds as i64))
    }
}

//! What is due: a function from schedules, last runs and the time to the jobs that run now (server.md 4.2). It reads no clock and no file.

use api::calendar::Event;
use jiff::tz::TimeZone;

/// A job as its schedule sees it.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    pub job: T,
    /// The calendar event; a job without one runs on request only.
    pub schedule: Option<String>,
    /// From [`crate::jobs::state::JobState::last_run`].
    pub last_run: i64,
}

/// When a job runs next after `last`; nothing if it has no schedule, or one that cannot be read or never comes.
pub fn next_run(schedule: Option<&str>, last: i64, zone: &TimeZone) -> Option<i64> {
    schedule?.parse::<Event>().ok()?.next(last, zone)
}

/// The jobs that are due at `now`, in their order. Runs that were missed are caught up by one, however many they were.
pub fn due<T>(entries: Vec<Entry<T>>, now: i64, zone: &TimeZone) -> Vec<T> {
    entries
        .into_iter()
        .filter(|entry| {
            next_run(entry.schedule.as_deref(), entry.last_run, zone)
                .is_some_and(|next| next <= now)
        })
        .map(|entry| entry.job)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().expect("time").as_second()
    }

    #[test]
    fn what_is_due() {
        let rows = [
            (
                "without a schedule",
                None,
                "2026-01-01T00:00:00Z",
                "2026-02-01T00:00:00Z",
                false,
            ),
            (
                "that cannot be read",
                Some("sometimes"),
                "2026-01-01T00:00:00Z",
                "2026-02-01T00:00:00Z",
                false,
            ),
            (
                "that never comes",
                Some("02-30"),
                "2026-01-01T00:00:00Z",
                "2026-02-01T00:00:00Z",
                false,
            ),
            (
                "not yet",
                Some("daily"),
                "2026-01-01T12:00:00Z",
                "2026-01-01T22:58:00Z",
                false,
            ),
            (
                "on time",
                Some("daily UTC"),
                "2026-01-01T12:00:00Z",
                "2026-01-02T00:00:00Z",
                true,
            ),
            (
                "missed long ago",
                Some("daily"),
                "2026-01-01T12:00:00Z",
                "2026-03-02T15:00:00Z",
                true,
            ),
            (
                "it ran just now",
                Some("hourly"),
                "2026-03-02T15:00:00Z",
                "2026-03-02T15:00:59Z",
                false,
            ),
            // Vienna: the clocks go forward on 2026-03-29 and back on 2026-10-25.
            (
                "a time that is skipped",
                Some("02:30"),
                "2026-03-28T12:00:00Z",
                "2026-03-29T12:00:00Z",
                false,
            ),
            (
                "the day after",
                Some("02:30"),
                "2026-03-28T12:00:00Z",
                "2026-03-30T00:30:00Z",
                true,
            ),
            (
                "a time that comes twice, first",
                Some("02:30"),
                "2026-10-24T12:00:00Z",
                "2026-10-25T00:30:00Z",
                true,
            ),
            (
                "and not again",
                Some("02:30"),
                "2026-10-25T00:30:05Z",
                "2026-10-25T01:30:00Z",
                false,
            ),
        ];
        let vienna = TimeZone::get("Europe/Vienna").expect("time zone data");
        for (name, schedule, last, now, expected) in rows {
            let entry = Entry {
                job: (),
                schedule: schedule.map(str::to_owned),
                last_run: at(last),
            };
            assert_eq!(
                !due(vec![entry], at(now), &vienna).is_empty(),
                expected,
                "{name}"
            );
        }
    }

    /// A year of minutes with a job that runs when it is due: it runs once a day whatever the clocks do, and after a stop once.
    #[test]
    fn a_year_of_nights() {
        let vienna = TimeZone::get("Europe/Vienna").expect("time zone data");
        let (mut now, mut last) = (at("2026-01-01T00:00:00Z"), at("2025-12-31T23:59:30Z"));
        let stopped = at("2026-06-01T00:00:00Z")..at("2026-06-11T00:00:00Z");
        let mut runs = Vec::new();
        while now < at("2027-01-01T00:00:00Z") {
            let entry = Entry {
                job: (),
                schedule: Some("3:15".to_owned()),
                last_run: last,
            };
            if !stopped.contains(&now) && !due(vec![entry], now, &vienna).is_empty() {
                runs.push(now);
                last = now;
            }
            now += 300;
        }
        assert_eq!(
            runs.len(),
            365 - 9,
            "ten nights without a server are caught up by one run"
        );
        for pair in runs.windows(2) {
            let hours = (pair[1] - pair[0]) / 3600;
            let caught_up = stopped.end <= pair[1] && pair[0] < stopped.end;
            assert!(
                (22..=25).contains(&hours) || caught_up || pair[0] == stopped.end,
                "{pair:?}"
            );
        }
    }
}

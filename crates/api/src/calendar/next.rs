//! When an event happens next (server.md 4.1): the first matching time after another, on the clock of a time zone.
//!
//! A time that the clocks skip in spring is skipped; of an hour that comes twice in autumn the first is taken, unless the search begins in
//! the second. The answer is always later than where the search began.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, ToSpan};

use super::{Event, Item};

/// So many steps a search takes at most; what is not found then, such as the 30th of February, never happens.
const STEPS_MAX: usize = 1001;

const YEAR_MAX: u32 = 2199;

/// What comes of one look at a time.
enum Step {
    Matches,
    /// Look there next.
    Later(DateTime),
    Never,
}

impl Event {
    /// The first time after `last` (Unix seconds) at which the event happens, if there is one. `zone` is where the server stands; events
    /// that say UTC do not look at it.
    pub fn next(&self, last: i64, zone: &TimeZone) -> Option<i64> {
        let zone = if self.utc { &TimeZone::UTC } else { zone };
        let start = Timestamp::from_second(last.checked_add(1)?).ok()?;
        let mut time = zone.to_datetime(start);
        for _ in 0..STEPS_MAX {
            time = match self.step(time)? {
                Step::Never => return None,
                Step::Later(later) => later,
                Step::Matches => match resolve(time, zone, last)? {
                    Ok(found) => return Some(found),
                    Err(later) => later,
                },
            };
        }
        None
    }

    /// The fields from year to second; the first one that does not match decides how far to go. `None` at the end of the calendar.
    fn step(&self, time: DateTime) -> Option<Step> {
        let [years, months, days] = &self.date;
        let [hours, minutes, seconds] = &self.time;
        let (year, month, day) = (time.year(), time.month(), time.day());
        if !Event::matches(years, u32::from(year.unsigned_abs())) {
            return match following(years, u32::from(year.unsigned_abs()), YEAR_MAX) {
                Some(year) => Some(Step::Later(midnight(i16::try_from(year).ok()?, 1, 1)?)),
                None => Some(Step::Never),
            };
        }
        if !Event::matches(months, month.unsigned_abs().into()) {
            let later = match following(months, month.unsigned_abs().into(), 12) {
                Some(month) => midnight(year, month as i8, 1),
                None => midnight(year.checked_add(1)?, 1, 1),
            };
            return Some(Step::Later(later?));
        }
        if !Event::matches(days, day.unsigned_abs().into()) {
            let last = time.date().days_in_month().unsigned_abs().into();
            let later = match following(days, day.unsigned_abs().into(), last) {
                Some(day) => midnight(year, month, day as i8),
                None => day_after(time.date().last_of_month()),
            };
            return Some(Step::Later(later?));
        }
        let weekday = time.weekday().to_monday_zero_offset();
        if self.weekdays != 0 && self.weekdays >> weekday & 1 == 0 {
            return Some(Step::Later(day_after(time.date())?));
        }
        let at = |hour, minute, second| {
            let time_of_day = Time::new(hour, minute, second, 0).ok()?;
            Some(Step::Later(time.date().to_datetime(time_of_day)))
        };
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        if !Event::matches(hours, hour.unsigned_abs().into()) {
            return match following(hours, hour.unsigned_abs().into(), 23) {
                Some(hour) => at(hour as i8, 0, 0),
                None => Some(Step::Later(day_after(time.date())?)),
            };
        }
        let next_hour = || later(at_hour(time)?, 1.hour());
        if !Event::matches(minutes, minute.unsigned_abs().into()) {
            return match following(minutes, minute.unsigned_abs().into(), 59) {
                Some(minute) => at(hour, minute as i8, 0),
                None => next_hour(),
            };
        }
        if !Event::matches(seconds, second.unsigned_abs().into()) {
            return match following(seconds, second.unsigned_abs().into(), 59) {
                Some(second) => at(hour, minute, second as i8),
                None => later(at_minute(time)?, 1.minute()),
            };
        }
        Some(Step::Matches)
    }
}

/// The next larger number of a field.
fn following(field: &[Item], number: u32, max: u32) -> Option<u32> {
    (number + 1..=max).find(|number| Event::matches(field, *number))
}

fn midnight(year: i16, month: i8, day: i8) -> Option<DateTime> {
    Some(
        Date::new(year, month, day)
            .ok()?
            .to_datetime(Time::midnight()),
    )
}

fn day_after(date: Date) -> Option<DateTime> {
    Some(date.tomorrow().ok()?.to_datetime(Time::midnight()))
}

fn at_hour(time: DateTime) -> Option<DateTime> {
    Some(
        time.date()
            .to_datetime(Time::new(time.hour(), 0, 0, 0).ok()?),
    )
}

fn at_minute(time: DateTime) -> Option<DateTime> {
    let time_of_day = Time::new(time.hour(), time.minute(), 0, 0).ok()?;
    Some(time.date().to_datetime(time_of_day))
}

fn later(time: DateTime, by: Span) -> Option<Step> {
    Some(Step::Later(time.checked_add(by).ok()?))
}

/// The instant of a time on the clock, after `last`; or where to look next if the clock never shows it.
fn resolve(time: DateTime, zone: &TimeZone, last: i64) -> Option<Result<i64, DateTime>> {
    let instant = |offset: jiff::tz::Offset| Some(offset.to_timestamp(time).ok()?.as_second());
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            let found = instant(offset)?;
            // Only where clocks were set back by less than the search went on; then the time is over.
            if found > last {
                Some(Ok(found))
            } else {
                Some(Err(time.checked_add(1.second()).ok()?))
            }
        }
        AmbiguousOffset::Fold { before, after } => {
            let (first, second) = (instant(before)?, instant(after)?);
            if first > last {
                Some(Ok(first))
            } else if second > last {
                Some(Ok(second))
            } else {
                Some(Err(time.checked_add(1.second()).ok()?))
            }
        }
        AmbiguousOffset::Gap { after, .. } => {
            // With the later offset the time lies before the change; what follows is the first time that the clock shows again.
            let before_gap = after.to_timestamp(time).ok()?;
            let change = zone.following(before_gap).next()?;
            Some(Err(zone.to_datetime(change.timestamp())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("time zone data")
    }

    fn epoch(text: &str, zone: &TimeZone) -> i64 {
        match text.parse::<Timestamp>() {
            Ok(instant) => instant.as_second(),
            Err(_) => {
                let time: DateTime = text.parse().expect("time");
                zone.to_timestamp(time).expect("instant").as_second()
            }
        }
    }

    /// The first few times after another, as UTC or with their offset.
    fn series(event: &str, from: &str, zone: &TimeZone, count: usize) -> Vec<String> {
        let event: Event = event.parse().expect("event");
        let mut last = epoch(from, zone);
        let mut all = Vec::new();
        while all.len() < count {
            let Some(next) = event.next(last, zone) else {
                break;
            };
            assert!(next > last, "{event}: {next} after {last}");
            let shown = Timestamp::from_second(next)
                .expect("instant")
                .to_zoned(zone.clone());
            all.push(shown.strftime("%a %Y-%m-%dT%H:%M:%S%:z").to_string());
            last = next;
        }
        all
    }

    #[test]
    fn events_of_the_specification() {
        // A Sunday.
        let from = "2026-11-22T17:14:39Z";
        let rows: [(&str, &[&str]); 22] = [
            (
                "*/15",
                &["Sun 2026-11-22T17:15:00", "Sun 2026-11-22T17:30:00"],
            ),
            (
                "2,22:30",
                &["Sun 2026-11-22T22:30:00", "Mon 2026-11-23T02:30:00"],
            ),
            ("8..17,22:0/15", &["Sun 2026-11-22T17:15:00"]),
            (
                "mon..fri 8..17,22:0/15",
                &["Mon 2026-11-23T08:00:00", "Mon 2026-11-23T08:15:00"],
            ),
            (
                "sat *-1..7 15:00",
                &["Sat 2026-12-05T15:00:00", "Sat 2027-01-02T15:00:00"],
            ),
            (
                "fri 12..13:5/20",
                &[
                    "Fri 2026-11-27T12:05:00",
                    "Fri 2026-11-27T12:25:00",
                    "Fri 2026-11-27T12:45:00",
                    "Fri 2026-11-27T13:05:00",
                ],
            ),
            ("2027-10-21", &["Thu 2027-10-21T00:00:00"]),
            ("2015-10-21", &[]),
            ("12,14,16,18,20,22:5", &["Sun 2026-11-22T18:05:00"]),
            ("*:3:5", &["Sun 2026-11-22T18:03:05"]),
            (
                "22",
                &["Sun 2026-11-22T17:22:00", "Sun 2026-11-22T18:22:00"],
            ),
            ("22:00", &["Sun 2026-11-22T22:00:00"]),
            (
                "minutely",
                &["Sun 2026-11-22T17:15:00", "Sun 2026-11-22T17:16:00"],
            ),
            ("hourly", &["Sun 2026-11-22T18:00:00"]),
            (
                "daily",
                &["Mon 2026-11-23T00:00:00", "Tue 2026-11-24T00:00:00"],
            ),
            (
                "weekly",
                &["Mon 2026-11-23T00:00:00", "Mon 2026-11-30T00:00:00"],
            ),
            (
                "monthly",
                &["Tue 2026-12-01T00:00:00", "Fri 2027-01-01T00:00:00"],
            ),
            (
                "quarterly",
                &["Fri 2027-01-01T00:00:00", "Thu 2027-04-01T00:00:00"],
            ),
            (
                "semiannually",
                &["Fri 2027-01-01T00:00:00", "Thu 2027-07-01T00:00:00"],
            ),
            (
                "yearly",
                &["Fri 2027-01-01T00:00:00", "Sat 2028-01-01T00:00:00"],
            ),
            (
                "02-29",
                &["Tue 2028-02-29T00:00:00", "Sun 2032-02-29T00:00:00"],
            ),
            (
                "sat..mon *-*-31 1:2:3",
                &["Sun 2027-01-31T01:02:03", "Mon 2027-05-31T01:02:03"],
            ),
        ];
        for (event, expected) in rows {
            let found = series(event, from, &TimeZone::UTC, expected.len().max(1));
            let expected: Vec<String> = expected
                .iter()
                .map(|time| format!("{time}+00:00"))
                .collect();
            assert_eq!(found, expected, "{event}");
        }
        for never in ["02-30", "2026-1-1", "*-0-1", "*-1-0"] {
            assert!(series(never, from, &TimeZone::UTC, 1).is_empty(), "{never}");
        }
    }

    #[test]
    fn clocks_that_change() {
        let berlin = "Europe/Berlin";
        let rows: [(&str, &str, &str, &str, &[&str]); 11] = [
            // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
            (
                "a time that is skipped",
                berlin,
                "02:30",
                "2026-03-28T00:00:00",
                &[
                    "Sat 2026-03-28T02:30:00+01:00",
                    "Mon 2026-03-30T02:30:00+02:00",
                ],
            ),
            (
                "every half hour",
                berlin,
                "*:30",
                "2026-03-29T01:00:00",
                &[
                    "Sun 2026-03-29T01:30:00+01:00",
                    "Sun 2026-03-29T03:30:00+02:00",
                ],
            ),
            (
                "every second in spring",
                berlin,
                "*:*:*",
                "2026-03-29T01:59:58",
                &[
                    "Sun 2026-03-29T01:59:59+01:00",
                    "Sun 2026-03-29T03:00:00+02:00",
                ],
            ),
            (
                "a time that comes twice",
                berlin,
                "02:30",
                "2026-10-24T12:00:00",
                &[
                    "Sun 2026-10-25T02:30:00+02:00",
                    "Mon 2026-10-26T02:30:00+01:00",
                ],
            ),
            (
                "quarters of an hour that comes twice",
                berlin,
                "*/15",
                "2026-10-25T02:29:00",
                &[
                    "Sun 2026-10-25T02:30:00+02:00",
                    "Sun 2026-10-25T02:45:00+02:00",
                    "Sun 2026-10-25T03:00:00+01:00",
                ],
            ),
            (
                "begun in the second hour",
                berlin,
                "*/15",
                "2026-10-25T01:10:00Z",
                &[
                    "Sun 2026-10-25T02:15:00+01:00",
                    "Sun 2026-10-25T02:30:00+01:00",
                ],
            ),
            (
                "daily over the change",
                berlin,
                "daily",
                "2026-10-24T12:00:00",
                &[
                    "Sun 2026-10-25T00:00:00+02:00",
                    "Mon 2026-10-26T00:00:00+01:00",
                ],
            ),
            (
                "UTC whatever the clocks show",
                berlin,
                "02:30 UTC",
                "2026-03-28T12:00:00",
                &[
                    "Sun 2026-03-29T04:30:00+02:00",
                    "Mon 2026-03-30T04:30:00+02:00",
                ],
            ),
            (
                "no midnight on that day",
                "America/Sao_Paulo",
                "daily",
                "2018-11-03T12:00:00",
                &["Mon 2018-11-05T00:00:00-02:00"],
            ),
            (
                "a day that was left out",
                "Pacific/Apia",
                "12:00",
                "2011-12-29T13:00:00",
                &["Sat 2011-12-31T12:00:00+14:00"],
            ),
            (
                "half an hour of change",
                "Australia/Lord_Howe",
                "02:15",
                "2026-10-03T12:00:00",
                &["Mon 2026-10-05T02:15:00+11:00"],
            ),
        ];
        for (name, place, event, from, expected) in rows {
            let zone = zone(place);
            assert_eq!(
                series(event, from, &zone, expected.len()),
                expected,
                "{name}"
            );
        }
    }
}

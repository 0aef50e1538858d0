//! A span of each day: `mon..fri 8-17:30` (server.md 9.3). Local time, whole minutes, the end is not part of it; none goes over midnight.

use std::str::FromStr;

use super::parse_days;

/// When, on which days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyDuration {
    /// Bit 0 is Monday; 0 is every day.
    weekdays: u8,
    /// Minutes since midnight.
    start: u16,
    /// The first minute after it.
    end: u16,
}

/// Why a text is none.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("unable to parse daily duration '{text}': {reason}")]
pub struct DailyDurationError {
    /// The text, cut to a readable length.
    pub text: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl DailyDuration {
    /// Whether a moment lies in it; `weekday` is 0 on Mondays, the clock shows `hour` and `minute`.
    ///
    /// ```
    /// let office: api::calendar::DailyDuration = "mon..fri 8-17:30".parse().expect("a duration");
    /// assert!(office.contains(4, 17, 29) && !office.contains(4, 17, 30) && !office.contains(5, 9, 0));
    /// ```
    pub fn contains(&self, weekday: u8, hour: u8, minute: u8) -> bool {
        let minute = u16::from(hour) * 60 + u16::from(minute);
        let on_day =
            self.weekdays == 0 || self.weekdays & 1u8.checked_shl(weekday.into()).unwrap_or(0) != 0;
        on_day && (self.start..self.end).contains(&minute)
    }
}

impl FromStr for DailyDuration {
    type Err = DailyDurationError;

    fn from_str(text: &str) -> Result<DailyDuration, DailyDurationError> {
        parse(text).map_err(|reason| DailyDurationError {
            text: text.chars().take(80).collect(),
            reason,
        })
    }
}

fn parse(text: &str) -> Result<DailyDuration, &'static str> {
    let blank = [' ', '\t'];
    let days_end = text
        .find(|c: char| c.is_ascii_digit() || blank.contains(&c))
        .ok_or("a time is missing")?;
    let (days, times) = text.split_at(days_end);
    let weekdays = if days.is_empty() {
        0
    } else {
        parse_days(days)?
    };
    let (start, end) = times
        .trim_matches(blank)
        .split_once('-')
        .ok_or("'-' and the end are missing")?;
    let (start, end) = (
        time(start.trim_end_matches(blank))?,
        time(end.trim_start_matches(blank))?,
    );
    if start > end {
        return Err("it ends before it starts; make two of one that goes over midnight");
    }
    Ok(DailyDuration {
        weekdays,
        start,
        end,
    })
}

/// Minutes since midnight.
fn time(text: &str) -> Result<u16, &'static str> {
    let (hour, minute) = text.split_once(':').unwrap_or((text, "0"));
    let number = |text: &str, max: u16| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = digits.then(|| text.parse::<u16>().ok()).flatten();
        number
            .filter(|number| *number <= max)
            .ok_or("a time is hour or hour:minute, up to 23:59")
    };
    Ok(number(hour, 23)? * 60 + number(minute, 59)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_contain() {
        // Text, then moments within (day from Monday, hour, minute), then moments outside.
        type Moments = &'static [(u8, u8, u8)];
        let rows: &[(&str, Moments, Moments)] = &[
            ("8-17", &[(0, 8, 0), (6, 16, 59)], &[(0, 7, 59), (0, 17, 0)]),
            (
                "8:30 - 9",
                &[(3, 8, 30), (3, 8, 59)],
                &[(3, 8, 29), (3, 9, 0)],
            ),
            (
                "mon..fri 8-17:30",
                &[(0, 8, 0), (4, 17, 29)],
                &[(5, 9, 0), (4, 17, 30)],
            ),
            (
                "sat,Sunday0-23:59",
                &[(5, 0, 0), (6, 23, 58)],
                &[(6, 23, 59), (0, 1, 0)],
            ),
            (
                "fri..mon  6:05-6:06",
                &[(4, 6, 5), (0, 6, 5)],
                &[(1, 6, 5), (4, 6, 6)],
            ),
            ("7-7", &[], &[(0, 7, 0)]),
            (" 7-8 ", &[(2, 7, 1)], &[(2, 8, 0)]),
        ];
        for (text, within, outside) in rows {
            let duration: DailyDuration = text.parse().expect(text);
            for (expected, moments) in [(true, within), (false, outside)] {
                for (day, hour, minute) in *moments {
                    assert_eq!(
                        duration.contains(*day, *hour, *minute),
                        expected,
                        "{text} {day} {hour}:{minute}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_none() {
        for (text, reason) in [
            ("", "a time is missing"),
            ("mon..fri", "a time is missing"),
            ("8", "'-' and the end are missing"),
            (
                "17-8",
                "it ends before it starts; make two of one that goes over midnight",
            ),
            ("8-24:00", "a time is hour or hour:minute, up to 23:59"),
            ("8-9:60", "a time is hour or hour:minute, up to 23:59"),
            ("8-", "a time is hour or hour:minute, up to 23:59"),
            ("8-9-10", "a time is hour or hour:minute, up to 23:59"),
            ("8:1:2-9", "a time is hour or hour:minute, up to 23:59"),
            ("+8-9", "a day of the week is unknown"),
            ("day 8-9", "a day of the week is unknown"),
        ] {
            let error = text.parse::<DailyDuration>().expect_err(text);
            assert_eq!(error.reason, reason, "{text}");
        }
    }
}

//! Times as text: RFC 3339 in UTC for snapshots and logs, with a numeric offset for key files.
//!
//! Times are Unix seconds and always an argument; nothing here asks a clock or a time zone. The years 0000 to 9999 can be written,
//! anything else is an error. A second 60 is read as the original reads it: as the next minute's first second.

use std::fmt;
use std::str::FromStr;

use crate::text::NameError;

/// First second of the year 0000.
const EPOCH_MIN: i64 = -62_167_219_200;
/// Last second of the year 9999.
const EPOCH_MAX: i64 = 253_402_300_799;
const DAY_S: i64 = 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("time {0} is outside of the years 0000 to 9999 and cannot be written")]
pub struct TimeRangeError(pub i64);

/// `2023-11-14T22:13:20Z`.
pub fn rfc3339_utc(epoch: i64) -> Result<String, TimeRangeError> {
    Ok(format!("{}Z", civil(epoch)?))
}

/// Reads exactly the form that [`rfc3339_utc`] writes.
pub fn parse_rfc3339_utc(text: &str) -> Result<i64, NameError> {
    text.strip_suffix('Z')
        .and_then(parse_civil)
        .ok_or_else(|| NameError::new("time", text, "YYYY-MM-DDTHH:MM:SSZ"))
}

/// A moment together with the offset from UTC in which it is written: `2026-11-22T17:13:43+00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetTime {
    epoch: i64,
    offset_s: i32,
}

impl OffsetTime {
    /// `offset_s` is east of Greenwich; it is cut to whole minutes within a day, which is all the text can hold.
    pub fn new(epoch: i64, offset_s: i32) -> Result<OffsetTime, TimeRangeError> {
        let day_s = DAY_S as i32;
        let offset_s = offset_s.clamp(-day_s + 60, day_s - 60) / 60 * 60;
        civil(epoch.saturating_add(offset_s.into()))?;
        Ok(OffsetTime { epoch, offset_s })
    }

    pub fn utc(epoch: i64) -> Result<OffsetTime, TimeRangeError> {
        OffsetTime::new(epoch, 0)
    }

    /// Unix seconds.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    pub fn offset_s(&self) -> i32 {
        self.offset_s
    }
}

impl fmt::Display for OffsetTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = civil(self.epoch + i64::from(self.offset_s)).expect("checked when made");
        let sign = if self.offset_s < 0 { '-' } else { '+' };
        let minutes = self.offset_s.abs() / 60;
        write!(f, "{civil}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl FromStr for OffsetTime {
    type Err = NameError;

    fn from_str(text: &str) -> Result<OffsetTime, NameError> {
        parse_offset_time(text).ok_or_else(|| {
            NameError::new(
                "time",
                text,
                "YYYY-MM-DDTHH:MM:SS followed by Z or by +HH:MM",
            )
        })
    }
}

serde_as_text!(OffsetTime);

fn parse_offset_time(text: &str) -> Option<OffsetTime> {
    let (date_time, zone) = text.split_at_checked(19)?;
    let offset_s = if zone == "Z" {
        0
    } else {
        let bytes = zone.as_bytes();
        if bytes.len() != 6 || bytes[3] != b':' {
            return None;
        }
        let (hours, minutes) = (number(&bytes[1..3])?, number(&bytes[4..6])?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        let offset_s = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        match bytes[0] {
            b'+' => offset_s,
            b'-' => -offset_s,
            _ => return None,
        }
    };
    OffsetTime::new(parse_civil(date_time)? - i64::from(offset_s), offset_s).ok()
}

/// `YYYY-MM-DDTHH:MM:SS` without a zone.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    second: i64,
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let Civil {
            year, month, day, ..
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )
    }
}

fn civil(epoch: i64) -> Result<Civil, TimeRangeError> {
    if !(EPOCH_MIN..=EPOCH_MAX).contains(&epoch) {
        return Err(TimeRangeError(epoch));
    }
    // Years are counted from March, so that a leap day is the last day of its year; eras are 400 years.
    let days = epoch.div_euclid(DAY_S) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Ok(Civil {
        year,
        month,
        day,
        second: epoch.rem_euclid(DAY_S),
    })
}

fn parse_civil(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if text.len() != 19 || marks.iter().any(|(at, mark)| text[*at] != *mark) {
        return None;
    }
    let (year, month, day) = (
        number(&text[..4])?,
        number(&text[5..7])?,
        number(&text[8..10])?,
    );
    let (hour, minute, second) = (
        number(&text[11..13])?,
        number(&text[14..16])?,
        number(&text[17..19])?,
    );
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * DAY_S + hour * 3600 + minute * 60 + second)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + i64::from(digit - b'0'))
    })
}

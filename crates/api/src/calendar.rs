//! Calendar events: `daily`, `mon..fri 22:30`, `*-1..7 15:00` (server.md 4.1).
//!
//! An event keeps its text as given, since files and replies show it unchanged. [`Event::next`] says when it happens next. Beside it stands
//! the span of a day, which takes the same words for days: [`DailyDuration`].

mod daily;
mod next;

use std::fmt;
use std::str::FromStr;

pub use daily::{DailyDuration, DailyDurationError};

/// Longest accepted text.
pub const TEXT_BYTES_MAX: usize = 1024;

/// One entry of a list of numbers; without step `start` alone, with `end` a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// First number.
    pub start: u32,
    /// Last number of a range.
    pub end: Option<u32>,
    /// Distance of the repeated numbers; they go on to `end` or to the maximum of the field.
    pub step: Option<u32>,
}

/// A field of a date or a time. No items: any number.
pub type Field = Vec<Item>;

/// A parsed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    text: String,
    /// In UTC, not in local time.
    pub utc: bool,
    /// Bit 0 is Monday; 0 is every day.
    pub weekdays: u8,
    /// Year, month, day.
    pub date: [Field; 3],
    /// Hour, minute, second.
    pub time: [Field; 3],
}

/// Why a text is no calendar event.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("unable to parse calendar event at '{text}' - {reason}")]
pub struct CalendarError {
    /// The text, cut to a readable length.
    pub text: String,
    /// What is wrong.
    pub reason: &'static str,
}

/// Range of the typed numbers, and where `*/n` starts.
#[derive(Clone, Copy)]
struct Range {
    max: u32,
    star: u32,
}

const YEAR: Range = Range { max: 2199, star: 0 };
const MONTH: Range = Range { max: 12, star: 1 };
const DAY: Range = Range { max: 31, star: 1 };
const HOUR: Range = Range { max: 23, star: 0 };
const SIXTY: Range = Range { max: 59, star: 0 };

impl Event {
    /// True if `number` is in the field; a field without items takes any.
    pub fn matches(field: &[Item], number: u32) -> bool {
        field.is_empty() || field.iter().any(|item| item.contains(number))
    }
}

impl Item {
    /// True if `number` is meant by the entry.
    pub fn contains(&self, number: u32) -> bool {
        let within = number >= self.start && self.end.is_none_or(|end| number <= end);
        match self.step {
            Some(0) => number == self.start,
            Some(step) => within && (number - self.start).is_multiple_of(step),
            None => within && (self.end.is_some() || number == self.start),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Event {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Event, CalendarError> {
        let error = |reason| CalendarError {
            text: text.chars().take(80).collect(),
            reason,
        };
        if text.len() > TEXT_BYTES_MAX {
            return Err(error("it is too long"));
        }
        parse(text).map_err(error)
    }
}

fn parse(text: &str) -> Result<Event, &'static str> {
    let blank = [' ', '\t'];
    let (body, utc) = match text.strip_suffix("UTC") {
        Some(rest) => (rest.trim_end_matches(blank), true),
        None => (text, false),
    };
    let fixed = |number: u32| {
        vec![Item {
            start: number,
            end: None,
            step: None,
        }]
    };
    let mut event = Event {
        text: text.to_owned(),
        utc,
        weekdays: 0,
        date: [vec![], vec![], vec![]],
        time: [fixed(0), fixed(0), fixed(0)],
    };
    if keyword(body, &mut event) {
        return Ok(event);
    }
    let mut words = body.split(blank).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_none() {
        return Err("it is empty");
    }
    // Nothing need stand between the days and what follows.
    let (days, rest) = match words.peek() {
        Some(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let end = word.find(|c: char| c.is_ascii_digit() || c == '*');
            word.split_at(end.unwrap_or(word.len()))
        }
        _ => ("", ""),
    };
    if !days.is_empty() {
        event.weekdays = parse_days(days)?;
        words.next();
    }
    let mut words = std::iter::once(rest)
        .filter(|rest| !rest.is_empty())
        .chain(words)
        .peekable();
    if let Some(word) = words.next_if(|word| word.contains('-')) {
        event.date = parse_date(word)?;
    }
    if let Some(word) = words.next() {
        event.time = parse_time(word)?;
    }
    if words.next().is_some() {
        Err("there is unexpected text at the end")
    } else {
        Ok(event)
    }
}

fn keyword(word: &str, event: &mut Event) -> bool {
    let numbers = |list: &[u32]| {
        list.iter()
            .map(|number| Item {
                start: *number,
                end: None,
                step: None,
            })
            .collect::<Field>()
    };
    let (months, days): (&[u32], &[u32]) = match word {
        "minutely" => {
            event.time = [vec![], vec![], numbers(&[0])];
            return true;
        }
        "hourly" => {
            event.time = [vec![], numbers(&[0]), numbers(&[0])];
            return true;
        }
        "daily" => (&[], &[]),
        "weekly" => {
            event.weekdays = 1;
            (&[], &[])
        }
        "monthly" => (&[], &[1]),
        "quarterly" => (&[1, 4, 7, 10], &[1]),
        "semiannually" | "semi-annually" => (&[1, 7], &[1]),
        "yearly" | "annually" => (&[1], &[1]),
        _ => return false,
    };
    event.date = [vec![], numbers(months), numbers(days)];
    true
}

fn parse_days(word: &str) -> Result<u8, &'static str> {
    let mut mask = 0u8;
    for part in word.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (first, last) = (weekday(first)?, weekday(last)?);
        let mut day = first;
        loop {
            mask |= 1 << day;
            if day == last {
                break;
            }
            day = (day + 1) % 7;
        }
    }
    Ok(mask)
}

fn weekday(name: &str) -> Result<u8, &'static str> {
    const NAMES: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let lower = name.to_ascii_lowercase();
    let found = NAMES
        .iter()
        .position(|full| lower == *full || lower == full[..3]);
    found
        .map(|place| place as u8)
        .ok_or("a day of the week is unknown")
}

fn parse_date(word: &str) -> Result<[Field; 3], &'static str> {
    let parts: Vec<&str> = word.split('-').collect();
    match parts.as_slice() {
        [year, month, day] => Ok([list(year, YEAR)?, list(month, MONTH)?, list(day, DAY)?]),
        [month, day] => Ok([vec![], list(month, MONTH)?, list(day, DAY)?]),
        _ => Err("a date is year-month-day or month-day"),
    }
}

fn parse_time(word: &str) -> Result<[Field; 3], &'static str> {
    let zero = || {
        vec![Item {
            start: 0,
            end: None,
            step: None,
        }]
    };
    let parts: Vec<&str> = word.split(':').collect();
    match parts.as_slice() {
        [minute] => Ok([vec![], list(minute, SIXTY)?, zero()]),
        [hour, minute] => Ok([list(hour, HOUR)?, list(minute, SIXTY)?, zero()]),
        [hour, minute, second] => Ok([
            list(hour, HOUR)?,
            list(minute, SIXTY)?,
            list(second, SIXTY)?,
        ]),
        _ => Err("a time is minute, hour:minute or hour:minute:second"),
    }
}

fn list(text: &str, range: Range) -> Result<Field, &'static str> {
    if let Some(rest) = text.strip_prefix('*') {
        return match rest.strip_prefix('/') {
            None if rest.is_empty() => Ok(vec![]),
            None => Err("unexpected text after '*'"),
            Some(step) => Ok(match number(step, range.max)? {
                0 => vec![],
                step => vec![Item {
                    start: range.star,
                    end: None,
                    step: Some(step),
                }],
            }),
        };
    }
    text.split(',').map(|part| item(part, range)).collect()
}

fn item(text: &str, range: Range) -> Result<Item, &'static str> {
    let (span, step) = match text.split_once('/') {
        Some((span, step)) => (span, Some(number(step, range.max)?)),
        None => (text, None),
    };
    let (start, end) = match span.split_once("..") {
        Some((start, end)) => (number(start, range.max)?, Some(number(end, range.max)?)),
        None => (number(span, range.max)?, None),
    };
    if end.is_some_and(|end| end < start) {
        return Err("a range ends before it starts");
    }
    Ok(Item { start, end, step })
}

fn number(text: &str, max: u32) -> Result<u32, &'static str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("a number is expected");
    }
    text.parse()
        .ok()
        .filter(|number| *number <= max)
        .ok_or("a number is out of range")
}

//! `/nodes/{node}/syslog` and `/nodes/{node}/journal`: the server's own log, as far back as memory keeps it. The machine's log is for its own tools.

use api::rest::host::{JournalQuery, SyslogQuery};
use api::rest::task::LogLine;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::fault::Fault;
use crate::log_book::{Line, LogBook};
use crate::reply::Answer;
use crate::route::Call;

/// Lines of the system log that are sent if no number is asked for.
const LIMIT: u64 = 50;
/// Whose lines these are.
const SERVICES: [&str; 3] = ["proxmox-backup", "proxmox-backup-proxy", "strongroomd"];

/// `GET syslog`
pub fn syslog(call: &Call) -> Result<Answer, Fault> {
    let query: SyslogQuery = call.params.read()?;
    let zone = &call.ctx.settings().zone;
    let edge = |text: &Option<String>, otherwise| match text {
        Some(text) => at(text, zone).unwrap_or(otherwise),
        None => otherwise,
    };
    let (since, until) = (edge(&query.since, i64::MIN), edge(&query.until, i64::MAX));
    let is_ours = |service: &String| SERVICES.contains(&service.trim_end_matches(".service"));
    let lines = match query.service.as_ref().is_none_or(is_ours) {
        true => call.ctx.log_book().lines(),
        false => Vec::new(),
    };
    let found: Vec<String> = lines
        .iter()
        .filter(|line| line.time >= since && line.time <= until)
        .map(|line| shown(call, line))
        .collect();
    if found.is_empty() {
        let none = [LogLine {
            n: 1,
            t: "no content".to_owned(),
        }];
        return Ok(Answer::data(&none)?.beside("total", 1));
    }
    let start = query.start.unwrap_or(0);
    let limit = match query.limit.unwrap_or(LIMIT) {
        0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let total = found.len();
    let page: Vec<LogLine> = (1u64..)
        .zip(found)
        .skip(usize::try_from(start).unwrap_or(usize::MAX))
        .take(limit)
        .map(|(n, t)| LogLine { n, t })
        .collect();
    Ok(Answer::data(&page)?.beside("total", total))
}

/// `YYYY-MM-DD[ HH:MM[:SS]]` in the server's zone.
fn at(text: &str, zone: &TimeZone) -> Option<i64> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00"),
        16 => format!("{}:00", text.replace(' ', "T")),
        _ => text.replace(' ', "T"),
    };
    let time: DateTime = full.parse().ok()?;
    Some(zone.to_zoned(time).ok()?.timestamp().as_second())
}

/// `GET journal`: the first and the last element are cursors. A cursor given as start or end is not among the answer's lines.
pub fn journal(call: &Call) -> Result<Answer, Fault> {
    let query: JournalQuery = call.params.read()?;
    let book = call.ctx.log_book();
    Answer::data(&window(book, &query, |line| shown(call, line)))
}

fn window(book: &LogBook, query: &JournalQuery, show: impl Fn(&Line) -> String) -> Vec<String> {
    let number = |cursor: &Option<String>| cursor.as_ref().and_then(|cursor| book.number(cursor));
    let (after, before) = (number(&query.startcursor), number(&query.endcursor));
    let mut lines = book.lines();
    lines.retain(|line| {
        after.is_none_or(|after| line.number > after)
            && before.is_none_or(|before| line.number < before)
            && query.since.is_none_or(|since| line.time >= since)
            && query.until.is_none_or(|until| line.time <= until)
    });
    if let Some(last) = query
        .lastentries
        .and_then(|last| usize::try_from(last).ok())
    {
        lines.drain(..lines.len().saturating_sub(last));
    }
    // Where there is nothing new the reader stays where it was.
    let stay = query
        .startcursor
        .clone()
        .or_else(|| query.endcursor.clone())
        .unwrap_or_else(|| book.cursor(0));
    let cursor = |line: Option<&Line>| line.map_or_else(|| stay.clone(), |l| book.cursor(l.number));
    let (first, last) = (cursor(lines.first()), cursor(lines.last()));
    std::iter::once(first)
        .chain(lines.iter().map(show))
        .chain(std::iter::once(last))
        .collect()
}

/// As system logs show lines.
fn shown(call: &Call, line: &Line) -> String {
    let settings = call.ctx.settings();
    let time = jiff::Timestamp::from_second(line.time)
        .map(|time| time.to_zoned(settings.zone.clone()))
        .map(|time| time.strftime("%b %d %H:%M:%S").to_string())
        .unwrap_or_default();
    let (node, process) = (&settings.node, std::process::id());
    format!("{time} {node} strongroomd[{process}]: {}", line.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_time() {
        for (text, expected) in [
            ("2026-11-29", Some(1_795_910_400)),
            ("2026-11-29 00:01", Some(1_795_910_460)),
            ("2026-11-29 00:01:05", Some(1_795_910_465)),
            ("2026-13-29", None),
        ] {
            assert_eq!(at(text, &TimeZone::UTC), expected, "{text}");
        }
    }

    #[test]
    fn the_journal_is_read_in_both_directions() {
        let book = LogBook::default();
        for n in 1..=5 {
            book.note(n * 100, &format!("line {n}"));
        }
        let read = |query: &JournalQuery| window(&book, query, |line| line.text.clone());
        let all = read(&JournalQuery::default());
        assert_eq!(
            all[1..6],
            ["line 1", "line 2", "line 3", "line 4", "line 5"]
        );
        let last = read(&JournalQuery {
            lastentries: Some(2),
            ..JournalQuery::default()
        });
        assert_eq!(last[1..3], ["line 4", "line 5"]);
        let earlier = read(&JournalQuery {
            endcursor: Some(last[0].clone()),
            lastentries: Some(2),
            ..JournalQuery::default()
        });
        assert_eq!(earlier[1..3], ["line 2", "line 3"]);
        let mut newer = JournalQuery {
            startcursor: last.last().cloned(),
            ..JournalQuery::default()
        };
        let cursor = newer.startcursor.clone().expect("cursor");
        assert_eq!(read(&newer), [cursor.clone(), cursor]);
        book.note(600, "line 6");
        assert_eq!(read(&newer)[1..2], ["line 6"]);
        newer.startcursor = None;
        newer.since = Some(200);
        newer.until = Some(300);
        assert_eq!(read(&newer)[1..3], ["line 2", "line 3"]);
    }
}

//! What a prune keeps of one group: a function from times and marks to a plan (formats.md 10.3). It takes no handle and reads no clock.
//!
//! [`plan`] decides; `Datastore::prune_plan` asks the disk what there is, `Datastore::prune` removes what a plan says. Periods are counted in
//! the time zone that the caller names: the original's is the server's local time.

use std::collections::BTreeSet;
use std::fmt;

use format::BackupTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How many snapshots, or periods, each rule keeps; no number at all keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    pub last: Option<u64>,
    pub hourly: Option<u64>,
    pub daily: Option<u64>,
    pub weekly: Option<u64>,
    pub monthly: Option<u64>,
    pub yearly: Option<u64>,
}

impl Keep {
    /// Whether any rule is given; without one nothing is removed.
    pub fn keeps_something(&self) -> bool {
        self.rules().iter().any(|(_, count)| *count > 0)
    }

    /// In the order in which they are applied; 0 is no rule.
    fn rules(&self) -> [(Rule, u64); 6] {
        [
            (Rule::Last, self.last),
            (Rule::Hourly, self.hourly),
            (Rule::Daily, self.daily),
            (Rule::Weekly, self.weekly),
            (Rule::Monthly, self.monthly),
            (Rule::Yearly, self.yearly),
        ]
        .map(|(rule, count)| (rule, count.unwrap_or(0)))
    }
}

/// `last 3, daily 7`, or `everything`.
impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parted = "";
        for (rule, count) in self.rules().iter().filter(|(_, count)| *count > 0) {
            write!(f, "{parted}{} {count}", rule.name())?;
            parted = ", ";
        }
        if parted.is_empty() {
            f.write_str("everything")
        } else {
            Ok(())
        }
    }
}

/// What a plan says of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A rule wants it.
    Keep,
    /// Unfinished, but nothing newer is there: it may be on its way.
    KeepPartial,
    /// Its owner said that it stays.
    Protected,
    Remove,
}

impl Mark {
    /// Whether the snapshot stays.
    pub fn keeps(self) -> bool {
        self != Mark::Remove
    }
}

/// The word of logs and tables.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mark::Keep => "keep",
            Mark::KeepPartial => "keep-partial",
            Mark::Protected => "protected",
            Mark::Remove => "remove",
        })
    }
}

/// What a plan has to know of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub time: BackupTime,
    /// It has a manifest.
    pub finished: bool,
    pub protected: bool,
}

/// Marks the snapshots of one group, in the order given, whatever that is.
///
/// Rules come in the order last, hourly, daily, weekly, monthly, yearly. Each goes from new to old over what is still unmarked and keeps the
/// newest of each of its first so many periods; the others of such a period go. A period in which an earlier rule keeps something
/// counts for no later rule, and a protected snapshot stands outside of all counting. What no rule marked goes.
pub fn plan(group: &[Candidate], keep: &Keep, zone: &TimeZone) -> Vec<Mark> {
    if !keep.keeps_something() {
        let untouched = |candidate: &Candidate| match candidate.protected {
            true => Mark::Protected,
            false => Mark::Keep,
        };
        return group.iter().map(untouched).collect();
    }
    let mut newest_first: Vec<usize> = (0..group.len()).collect();
    newest_first.sort_by_key(|at| std::cmp::Reverse(group[*at].time));
    let mut marks: Vec<Option<Mark>> = vec![None; group.len()];
    for (place, at) in newest_first.iter().enumerate() {
        if !group[*at].finished {
            marks[*at] = Some(match place {
                0 => Mark::KeepPartial,
                _ => Mark::Remove,
            });
        }
    }
    for (rule, count) in keep.rules() {
        apply(rule, count, group, &newest_first, zone, &mut marks);
    }
    let end = |(candidate, mark): (&Candidate, Option<Mark>)| match candidate.protected {
        true => Mark::Protected,
        false => mark.unwrap_or(Mark::Remove),
    };
    group.iter().zip(marks).map(end).collect()
}

fn apply(
    rule: Rule,
    count: u64,
    group: &[Candidate],
    newest_first: &[usize],
    zone: &TimeZone,
    marks: &mut [Option<Mark>],
) {
    if count == 0 {
        return;
    }
    let taken: BTreeSet<Period> = newest_first
        .iter()
        .filter(|at| marks[**at] == Some(Mark::Keep))
        .map(|at| rule.period(group[*at].time, zone))
        .collect();
    let mut seen = BTreeSet::new();
    for at in newest_first {
        if marks[*at].is_some() || group[*at].protected {
            continue;
        }
        let period = rule.period(group[*at].time, zone);
        if taken.contains(&period) {
            continue;
        }
        if seen.contains(&period) {
            marks[*at] = Some(Mark::Remove);
        } else if seen.len() as u64 >= count {
            break;
        } else {
            seen.insert(period);
            marks[*at] = Some(Mark::Keep);
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Last,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// Equal for two times that lie in the same period of the same rule.
type Period = [i64; 4];

impl Rule {
    fn name(self) -> &'static str {
        match self {
            Rule::Last => "last",
            Rule::Hourly => "hourly",
            Rule::Daily => "daily",
            Rule::Weekly => "weekly",
            Rule::Monthly => "monthly",
            Rule::Yearly => "yearly",
        }
    }

    fn period(self, time: BackupTime, zone: &TimeZone) -> Period {
        let epoch = time.epoch();
        if matches!(self, Rule::Last) {
            return [epoch, 0, 0, 0];
        }
        // The last days of the year 9999 are beyond the calendar; they count as one.
        let end = if epoch < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        let local = zone.to_datetime(Timestamp::from_second(epoch).unwrap_or(end));
        let (year, month) = (i64::from(local.year()), i64::from(local.month()));
        let (day, hour) = (i64::from(local.day()), i64::from(local.hour()));
        match self {
            Rule::Last => [epoch, 0, 0, 0],
            Rule::Hourly => [year, month, day, hour],
            Rule::Daily => [year, month, day, 0],
            Rule::Weekly => {
                let week = local.date().iso_week_date();
                [i64::from(week.year()), i64::from(week.week()), 0, 0]
            }
            Rule::Monthly => [year, month, 0, 0],
            Rule::Yearly => [year, 0, 0, 0],
        }
    }
}

#[cfg(test)]
mod tests;

//! Which tasks a listing shows (protocol.md 6.7): the filter as plain values, and one page of what it lets through.

use std::collections::HashSet;

use api::Upid;

use crate::tasks::TaskError;
use crate::tasks::status::TaskStatus;

/// A task in a list; `end` is missing while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub upid: Upid,
    pub end: Option<(i64, TaskStatus)>,
}

/// The kinds by which a list can be filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusKind {
    Ok,
    Warning,
    Error,
    Unknown,
}

impl StatusKind {
    /// `ok`, `warning`, `error` or `unknown`.
    pub fn from_word(word: &str) -> Option<StatusKind> {
        match word {
            "ok" => Some(StatusKind::Ok),
            "warning" => Some(StatusKind::Warning),
            "error" => Some(StatusKind::Error),
            "unknown" => Some(StatusKind::Unknown),
            _ => None,
        }
    }
}

/// What is asked for. Times are seconds since the epoch and compare with the start.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub start: u64,
    /// 0: all.
    pub limit: u64,
    pub running_only: bool,
    /// Everything but OK.
    pub errors_only: bool,
    pub store: Option<String>,
    pub user_part: Option<String>,
    pub type_part: Option<String>,
    pub since: Option<i64>,
    pub until: Option<i64>,
    pub kinds: Option<Vec<StatusKind>>,
}

impl Filter {
    fn lets_through(&self, entry: &Entry) -> bool {
        let Entry { upid, end } = entry;
        let contains = |part: &Option<String>, text: &str| {
            part.as_ref()
                .is_none_or(|part| text.contains(part.as_str()))
        };
        contains(&self.user_part, &upid.auth_id.to_string())
            && contains(&self.type_part, &upid.worker_type)
            && self.since.is_none_or(|since| upid.start >= since)
            && self.until.is_none_or(|until| upid.start <= until)
            && self
                .store
                .as_ref()
                .is_none_or(|store| belongs_to(upid, store))
            && match end {
                None => !self.errors_only && self.kinds.is_none(),
                Some((_, status)) => {
                    !self.running_only
                        && (!self.errors_only || *status != TaskStatus::Ok)
                        && self
                            .kinds
                            .as_ref()
                            .is_none_or(|kinds| kinds.contains(&kind(status)))
                }
            }
    }
}

fn kind(status: &TaskStatus) -> StatusKind {
    match status {
        TaskStatus::Ok => StatusKind::Ok,
        TaskStatus::Warnings(_) => StatusKind::Warning,
        TaskStatus::Unknown => StatusKind::Unknown,
        TaskStatus::Error(_) => StatusKind::Error,
    }
}

/// Whether a task works on this datastore, as the original decides it: reader sessions and manual sync never do.
fn belongs_to(upid: &Upid, store: &str) -> bool {
    let id = upid.worker_id.as_deref().unwrap_or_default();
    let first = id.split(':').next().unwrap_or_default();
    match upid.worker_type.as_str() {
        "backup" | "prune" | "prunejob" | "garbage_collection" => first == store,
        "syncjob" => id.split(':').nth(2) == Some(store),
        other => other.starts_with("verif") && first == store,
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// Position of the page's end, one more if there may be more: not the number of tasks.
    pub total: u64,
}

/// Takes a page out of the running tasks and, after them, the finished ones.
pub fn list(
    running: Vec<Upid>,
    finished: impl Iterator<Item = Result<Entry, TaskError>>,
    filter: &Filter,
    visible: impl Fn(&Upid) -> bool,
) -> Result<Page, TaskError> {
    // A task that ends at this moment may stand in both lists.
    let seen: HashSet<Upid> = running.iter().cloned().collect();
    let finished = finished.filter(|entry| {
        entry
            .as_ref()
            .map_or(true, |entry| !seen.contains(&entry.upid))
    });
    let running = running
        .into_iter()
        .map(|upid| Ok(Entry { upid, end: None }));
    let limit = if filter.limit == 0 {
        u64::MAX
    } else {
        filter.limit
    };
    let (mut entries, mut skipped) = (Vec::new(), 0);
    for entry in running.chain(finished.take_while(|_| !filter.running_only)) {
        let entry = entry?;
        if !filter.lets_through(&entry) || !visible(&entry.upid) {
            continue;
        }
        if skipped < filter.start {
            skipped += 1;
            continue;
        }
        entries.push(entry);
        if entries.len() as u64 >= limit {
            break;
        }
    }
    let more = u64::from(entries.len() as u64 >= limit);
    let total = filter
        .start
        .saturating_add(entries.len() as u64)
        .saturating_add(more);
    Ok(Page { entries, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(worker: &str, id: &str, user: &str, status: Option<&str>) -> Entry {
        let id = api::upid::escape_id(id);
        let upid = format!("UPID:pbs:00000001:00000001:00000001:60000000:{worker}:{id}:{user}:")
            .parse()
            .expect("upid");
        Entry {
            upid,
            end: status.map(|s| (0x6000_0001, TaskStatus::from_list(s))),
        }
    }

    #[test]
    fn filters() {
        let all = [
            entry("backup", "peer:host/x", "a@pbs", None),
            entry("reader", "peer:host/x/6553F100", "a@pbs!t", Some("OK")),
            entry("verify_group", "peer:/host/x", "b@pbs", Some("WARNINGS: 1")),
            entry("syncjob", "r:rs:peer::j", "root@pam", Some("broken")),
            entry("garbage_collection", "peer2", "root@pam", Some("unknown")),
        ];
        let store = |name: &str| Filter {
            store: Some(name.into()),
            ..Filter::default()
        };
        let kinds = |kinds: &[StatusKind]| Filter {
            kinds: Some(kinds.to_vec()),
            ..Filter::default()
        };
        for (name, filter, expected) in [
            ("all", Filter::default(), "01234"),
            ("store", store("peer"), "023"),
            ("store whose name starts alike", store("pee"), ""),
            (
                "running",
                Filter {
                    running_only: true,
                    ..Filter::default()
                },
                "0",
            ),
            (
                "errors",
                Filter {
                    errors_only: true,
                    ..Filter::default()
                },
                "234",
            ),
            (
                "user",
                Filter {
                    user_part: Some("a@pbs".into()),
                    ..Filter::default()
                },
                "01",
            ),
            (
                "type",
                Filter {
                    type_part: Some("verif".into()),
                    ..Filter::default()
                },
                "2",
            ),
            (
                "since",
                Filter {
                    since: Some(0x6000_0001),
                    ..Filter::default()
                },
                "",
            ),
            (
                "until",
                Filter {
                    until: Some(0x6000_0000),
                    ..Filter::default()
                },
                "01234",
            ),
            ("ok", kinds(&[StatusKind::Ok]), "1"),
            (
                "not ok",
                kinds(&[StatusKind::Error, StatusKind::Unknown, StatusKind::Warning]),
                "234",
            ),
        ] {
            let got: String = (0..all.len())
                .filter(|&i| filter.lets_through(&all[i]))
                .map(|i| i.to_string())
                .collect();
            assert_eq!(got, expected, "{name}");
        }
    }

    #[test]
    fn total_tells_whether_there_may_be_more() {
        let finished: Vec<Entry> = (0..5)
            .map(|_| entry("backup", "s:host/x", "a@pbs", Some("OK")))
            .collect();
        for (start, limit, count, total) in [
            (0, 0, 5, 5),
            (0, 50, 5, 5),
            (1, 2, 2, 4),
            (4, 2, 1, 5),
            (9, 2, 0, 9),
            (0, 5, 5, 6),
        ] {
            let filter = Filter {
                start,
                limit,
                ..Filter::default()
            };
            let page = list(
                Vec::new(),
                finished.clone().into_iter().map(Ok),
                &filter,
                |_| true,
            )
            .expect("page");
            assert_eq!(
                (page.entries.len(), page.total),
                (count, total),
                "start {start} limit {limit}"
            );
        }
    }
}

//! Which journals go: the old ones, and the oldest where there are too many or they take too much.

use std::path::PathBuf;

/// A journal that nobody has added to for so long goes. Chunks that no index names are collected much earlier.
const AGE_MAX_S: i64 = 7 * 86_400;
/// Journals of one datastore.
const COUNT_MAX: usize = 1024;
/// What the journals of one datastore take together.
const BYTES_MAX: u64 = 1 << 30;

/// A journal as its folder shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub path: PathBuf,
    /// When it was last added to, in Unix seconds.
    pub changed: i64,
    pub bytes: u64,
}

/// Those that nobody needs any more.
pub(super) fn too_old(found: &[Found], now: i64) -> Vec<PathBuf> {
    let old = found.iter().filter(|found| is_too_old(found.changed, now));
    old.map(|found| found.path.clone()).collect()
}

pub(super) fn is_too_old(changed: i64, now: i64) -> bool {
    changed < now.saturating_sub(AGE_MAX_S)
}

/// What goes so that there is room for one more.
pub(super) fn make_room(mut found: Vec<Found>, now: i64) -> Vec<PathBuf> {
    found.sort_by_key(|found| std::cmp::Reverse(found.changed));
    let mut bytes: u64 = 0;
    let mut going = Vec::new();
    for (before, found) in found.into_iter().enumerate() {
        bytes = bytes.saturating_add(found.bytes);
        let is_too_much = before + 1 >= COUNT_MAX || bytes > BYTES_MAX;
        if is_too_much || is_too_old(found.changed, now) {
            going.push(found.path);
        }
    }
    going
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, changed: i64, bytes: u64) -> Found {
        Found {
            path: name.into(),
            changed,
            bytes,
        }
    }

    #[test]
    fn what_goes() {
        const DAY: i64 = 86_400;
        let now = 100 * DAY;
        for (name, all, old, room) in [
            ("nothing there", vec![], &[][..], &[][..]),
            (
                "a week",
                vec![
                    found("old", 93 * DAY - 1, 1),
                    found("border", 93 * DAY, 1),
                    found("tomorrow", 101 * DAY, 1),
                ],
                &["old"],
                &["old"],
            ),
            (
                "too much",
                vec![
                    found("oldest", 98 * DAY, 1),
                    found("older", 99 * DAY, BYTES_MAX / 2),
                    found("new", now, BYTES_MAX / 2 + 1),
                ],
                &[],
                &["older", "oldest"],
            ),
        ] {
            let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
            assert_eq!(too_old(&all, now), paths(old), "{name}");
            assert_eq!(make_room(all, now), paths(room), "{name}");
        }
        let many: Vec<_> = (0..COUNT_MAX)
            .map(|n| found(&n.to_string(), now - n as i64, 1))
            .collect();
        let going = make_room(many, now);
        assert_eq!(going, [PathBuf::from((COUNT_MAX - 1).to_string())]);
    }
}

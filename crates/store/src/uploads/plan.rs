//! Which journals go: the old ones, and the oldest where there are too many or they take too much.

use std::path::{Path, PathBuf};

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

/// Whose a journal is, as seen by a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The session's own.
    This,
    /// Another one of the same user.
    SameUser,
    Others,
}

/// What a session needs room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A journal: where the user has no others, those of others go.
    One,
    /// More in a journal that is there: nobody else's goes for it.
    More,
}

/// What goes, and whether there is room then.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub going: Vec<PathBuf>,
    pub is_enough: bool,
}

/// Makes room for a session: what is too old goes, then its user's oldest ones, then perhaps the oldest of all.
pub(super) fn make_room(
    mut found: Vec<Found>,
    now: i64,
    need: Need,
    whose: impl Fn(&Path) -> Whose,
) -> Room {
    let mut going = too_old(&found, now);
    found.retain(|found| !is_too_old(found.changed, now));
    let count_max = match need {
        Need::One => COUNT_MAX - 1,
        Need::More => COUNT_MAX,
    };
    let mut count = found.len();
    let sizes = found.iter().map(|found| found.bytes);
    let mut bytes = sizes.fold(0, u64::saturating_add);
    let fits = |count: usize, bytes: u64| count <= count_max && bytes <= BYTES_MAX;
    if fits(count, bytes) {
        return Room {
            going,
            is_enough: true,
        };
    }
    found.sort_by_key(|found| found.changed);
    let found: Vec<_> = found
        .into_iter()
        .map(|found| (whose(&found.path), found))
        .collect();
    let order: &[Whose] = match need {
        Need::One => &[Whose::SameUser, Whose::Others],
        Need::More => &[Whose::SameUser],
    };
    for wanted in order {
        for (_, found) in found.iter().filter(|(whose, _)| whose == wanted) {
            if fits(count, bytes) {
                break;
            }
            count -= 1;
            bytes = bytes.saturating_sub(found.bytes);
            going.push(found.path.clone());
        }
    }
    Room {
        going,
        is_enough: fits(count, bytes),
    }
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
                &["oldest", "older"],
            ),
        ] {
            let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
            assert_eq!(too_old(&all, now), paths(old), "{name}");
            let made = make_room(all, now, Need::One, |_| Whose::Others);
            assert_eq!((made.going, made.is_enough), (paths(room), true), "{name}");
        }
        let many: Vec<_> = (0..COUNT_MAX)
            .map(|n| found(&n.to_string(), now - n as i64, 1))
            .collect();
        let made = make_room(many.clone(), now, Need::One, |_| Whose::Others);
        assert_eq!(made.going, [PathBuf::from((COUNT_MAX - 1).to_string())]);
        let made = make_room(many, now, Need::More, |_| Whose::Others);
        assert_eq!((made.going, made.is_enough), (Vec::new(), true));
    }

    /// Somebody with many groups took everybody's journals, and those that were open grew as they liked.
    #[test]
    fn whose_goes() {
        let now = 1_000_000;
        let whose = |path: &Path| match path.to_str() {
            Some("this") => Whose::This,
            Some(name) if name.starts_with("own") => Whose::SameUser,
            _ => Whose::Others,
        };
        let half = BYTES_MAX / 2;
        let (this, own, other) = (
            |bytes| found("this", now - 9, bytes),
            |age, bytes| found(&format!("own{age}"), now - age, bytes),
            |age, bytes| found(&format!("other{age}"), now - age, bytes),
        );
        for (name, all, need, going, is_enough) in [
            (
                "his own first",
                vec![other(5, half), own(1, half), own(2, half)],
                Need::One,
                &["own2"][..],
                true,
            ),
            (
                "he has too few",
                vec![other(5, half), other(4, half), other(3, half), own(1, 1)],
                Need::One,
                &["own1", "other5"],
                true,
            ),
            (
                "for more, only his own",
                vec![other(5, half), own(2, half), own(3, half), this(1)],
                Need::More,
                &["own3", "own2"],
                true,
            ),
            (
                "for more, never itself nor others'",
                vec![other(5, half), other(4, half), this(1)],
                Need::More,
                &[],
                false,
            ),
        ] {
            let made = make_room(all, now, need, whose);
            let going: Vec<_> = going.iter().map(PathBuf::from).collect();
            assert_eq!((made.going, made.is_enough), (going, is_enough), "{name}");
        }
    }
}

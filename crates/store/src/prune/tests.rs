//! The example of the specification (formats.md V14), time zones, and what holds for every group and every choice of rules.

use proptest::prelude::*;

use super::*;

fn time(text: &str) -> BackupTime {
    format!("{text}:00Z").parse().expect("time")
}

fn candidate(text: &str, finished: bool, protected: bool) -> Candidate {
    Candidate {
        time: time(text),
        finished,
        protected,
    }
}

fn done(text: &str) -> Candidate {
    candidate(text, true, false)
}

/// `last 1, daily 2`
fn keep(text: &str) -> Keep {
    let mut keep = Keep::default();
    for part in text.split(", ").filter(|part| !part.is_empty()) {
        let (rule, count) = part.split_once(' ').expect("rule and count");
        let count = Some(count.parse().expect("count"));
        match rule {
            "last" => keep.last = count,
            "hourly" => keep.hourly = count,
            "daily" => keep.daily = count,
            "weekly" => keep.weekly = count,
            "monthly" => keep.monthly = count,
            "yearly" => keep.yearly = count,
            _ => panic!("{rule}"),
        }
    }
    keep
}

/// Letters of the marked ones.
fn letters(marks: &[Mark], wanted: Mark) -> String {
    let names = ('A'..).zip(marks);
    names
        .filter(|(_, mark)| **mark == wanted)
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn the_specifications_example() {
    let group = [
        candidate("2024-01-03T12:00", false, false),
        done("2024-01-03T11:00"),
        candidate("2024-01-03T10:30", false, false),
        done("2024-01-03T10:00"),
        candidate("2024-01-02T22:00", true, true),
        done("2024-01-02T12:00"),
        done("2024-01-01T12:00"),
        done("2023-12-31T12:00"),
        done("2023-12-20T12:00"),
        done("2023-11-30T12:00"),
    ];
    for (rules, kept, removed) in [
        ("last 1, daily 2, weekly 2, monthly 1", "BFGHIJ", "CD"),
        ("last 3", "BDF", "CGHIJ"),
        ("hourly 1, daily 3", "BFGH", "CDIJ"),
        ("yearly 2", "BH", "CDFGIJ"),
    ] {
        let marks = plan(&group, &keep(rules), &TimeZone::UTC);
        let found = [Mark::KeepPartial, Mark::Protected, Mark::Keep, Mark::Remove]
            .map(|mark| letters(&marks, mark));
        assert_eq!(found, ["A", "E", kept, removed], "{rules}");
        assert_eq!(keep(rules).to_string(), rules);
    }
    for nothing in [Keep::default(), keep("last 0, daily 0")] {
        let marks = plan(&group, &nothing, &TimeZone::UTC);
        assert!(marks.iter().all(|mark| mark.keeps()));
        assert_eq!(letters(&marks, Mark::Protected), "E");
        assert_eq!(nothing.to_string(), "everything");
    }
}

#[test]
fn rules_one_by_one() {
    let unfinished = |text| candidate(text, false, false);
    let protected = |text| candidate(text, true, true);
    let rows: [(&str, &[Candidate], &str, &str); 10] = [
        ("nothing there", &[], "last 1", ""),
        (
            "a finished one is newer",
            &[done("2024-01-02T00:00"), unfinished("2024-01-01T00:00")],
            "last 5",
            "A",
        ),
        (
            "only the newest of two",
            &[
                unfinished("2024-01-02T00:00"),
                unfinished("2024-01-01T00:00"),
            ],
            "last 5",
            "A",
        ),
        (
            "protected and unfinished",
            &[
                done("2024-01-02T00:00"),
                candidate("2024-01-01T00:00", false, true),
            ],
            "last 1",
            "AB",
        ),
        (
            "protected ones do not count",
            &[protected("2024-01-02T00:00"), done("2024-01-01T00:00")],
            "last 1",
            "AB",
        ),
        (
            "nor take a period",
            &[protected("2024-01-01T12:00"), done("2024-01-01T00:00")],
            "daily 1",
            "AB",
        ),
        (
            "weeks of the ISO year",
            &[
                done("2021-01-03T00:00"),
                done("2020-12-28T00:00"),
                done("2020-12-27T00:00"),
            ],
            "weekly 2",
            "AC",
        ),
        (
            "an earlier rule takes the period",
            &[
                done("2024-01-02T05:00"),
                done("2024-01-02T04:00"),
                done("2024-01-01T04:00"),
            ],
            "last 1, daily 1",
            "AC",
        ),
        (
            "what a rule removed stays removed",
            &[
                done("2024-02-01T00:00"),
                done("2024-01-31T00:00"),
                done("2023-12-01T00:00"),
            ],
            "weekly 1, monthly 2",
            "AC",
        ),
        (
            "any order",
            &[
                done("2024-01-01T00:00"),
                done("2024-01-03T00:00"),
                done("2024-01-02T00:00"),
            ],
            "last 2",
            "BC",
        ),
    ];
    for (name, group, rules, kept) in rows {
        let marks = plan(group, &keep(rules), &TimeZone::UTC);
        let found: String = ('A'..)
            .zip(&marks)
            .filter(|(_, mark)| mark.keeps())
            .map(|(c, _)| c)
            .collect();
        assert_eq!(found, kept, "{name}");
    }
}

/// Days are the server's: 23:30 in Vienna is another day than in UTC, and the hour that comes twice in autumn is one hour.
#[test]
fn periods_are_local() {
    let vienna = TimeZone::get("Europe/Vienna").expect("time zone data");
    let rows: [(&str, &[Candidate], &str, &str, &str); 3] = [
        (
            "midnight",
            &[done("2024-07-01T23:30"), done("2024-07-01T21:30")],
            "daily 2",
            "A",
            "AB",
        ),
        (
            "new year",
            &[done("2023-12-31T23:30"), done("2023-12-31T22:30")],
            "yearly 2",
            "A",
            "AB",
        ),
        (
            "clocks set back",
            &[done("2024-10-27T01:30"), done("2024-10-27T00:30")],
            "hourly 2",
            "AB",
            "A",
        ),
    ];
    for (name, group, rules, in_utc, in_vienna) in rows {
        for (zone, expected) in [(&TimeZone::UTC, in_utc), (&vienna, in_vienna)] {
            let marks = plan(group, &keep(rules), zone);
            assert_eq!(letters(&marks, Mark::Keep), expected, "{name}");
        }
    }
}

#[test]
fn the_end_of_time() {
    let last = BackupTime::new(253_402_300_799).expect("time");
    let group = [Candidate {
        time: last,
        finished: true,
        protected: false,
    }];
    let marks = plan(&group, &keep("hourly 1"), &TimeZone::UTC);
    assert_eq!(marks, [Mark::Keep]);
}

fn any_group() -> impl Strategy<Value = Vec<Candidate>> {
    // Some weeks around a new year, so that all periods have borders.
    let one = (
        0i64..60 * 24 * 60,
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(minute, finished, protected)| Candidate {
            time: BackupTime::new(1_701_000_000 + minute * 60).expect("time"),
            finished,
            protected,
        });
    prop::collection::btree_map(0i64..60 * 24 * 60, one, 0..40).prop_map(|group| {
        group
            .into_iter()
            .map(|(minute, candidate)| Candidate {
                time: BackupTime::new(1_701_000_000 + minute * 60).expect("time"),
                ..candidate
            })
            .collect()
    })
}

fn any_keep() -> impl Strategy<Value = Keep> {
    let count = || prop::option::weighted(0.5, 1u64..6);
    (count(), count(), count(), count(), count(), count()).prop_map(
        |(last, hourly, daily, weekly, monthly, yearly)| Keep {
            last,
            hourly,
            daily,
            weekly,
            monthly,
            yearly,
        },
    )
}

/// The rules of a [`Keep`] as places that can be changed.
fn places(keep: &mut Keep) -> [&mut Option<u64>; 6] {
    let Keep {
        last,
        hourly,
        daily,
        weekly,
        monthly,
        yearly,
    } = keep;
    [last, hourly, daily, weekly, monthly, yearly]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_always_stays(group in any_group(), keep in any_keep()) {
        let marks = plan(&group, &keep, &TimeZone::UTC);
        prop_assert_eq!(marks.len(), group.len());
        for (candidate, mark) in group.iter().zip(&marks) {
            prop_assert_eq!(candidate.protected, *mark == Mark::Protected);
            prop_assert!(candidate.finished || *mark != Mark::Keep || !keep.keeps_something());
        }
        // Whatever the rules, a group that had a backup has one afterwards.
        let newest = group.iter().zip(&marks).filter(|(c, _)| c.finished).max_by_key(|(c, _)| c.time);
        if let Some((_, mark)) = newest {
            prop_assert!(mark.keeps());
        }
        // Never more than the rules allow together.
        let kept = marks.iter().filter(|mark| **mark == Mark::Keep).count() as u64;
        let allowed: u64 = keep.rules().iter().map(|(_, count)| count).sum();
        prop_assert!(!keep.keeps_something() || kept <= allowed);
    }

    /// One rule alone: with a smaller number it keeps a part of what it kept. Several rules together: it does not keep more of them.
    #[test]
    fn smaller_numbers_keep_less(group in any_group(), keep in any_keep(), which in 0usize..6, alone: bool) {
        let mut larger = keep;
        if alone {
            larger = Keep::default();
            *places(&mut larger)[which] = Some(4);
        }
        let mut smaller = larger;
        let place = &mut *places(&mut smaller)[which];
        *place = place.and_then(|count| (count > 1).then_some(count - 1));
        prop_assume!(smaller.keeps_something());
        let (before, after) = (plan(&group, &larger, &TimeZone::UTC), plan(&group, &smaller, &TimeZone::UTC));
        let kept = |marks: &[Mark]| marks.iter().filter(|mark| mark.keeps()).count();
        prop_assert!(kept(&after) <= kept(&before));
        if alone {
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before.keeps() || !after.keeps()));
        }
    }

    /// What a prune left, the same prune leaves again: doing it twice removes nothing more.
    #[test]
    fn twice_is_once(group in any_group(), keep in any_keep()) {
        let keeps = plan(&group, &keep, &TimeZone::UTC);
        let left: Vec<Candidate> = group.iter().zip(&keeps).filter(|(_, mark)| mark.keeps()).map(|(candidate, _)| *candidate).collect();
        prop_assert!(plan(&left, &keep, &TimeZone::UTC).iter().all(|mark| mark.keeps()));
    }
}

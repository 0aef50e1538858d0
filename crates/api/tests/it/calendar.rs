//! Calendar events: the grammar of server.md 4.1.

use api::calendar::Event;

fn event(text: &str) -> Event {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn events_are_read() {
    for text in [
        "minutely",
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "quarterly",
        "semiannually",
        "semi-annually",
        "yearly",
        "annually",
        "*/15",
        "22",
        "2,22:30",
        "8..17,22:0/15",
        "mon..fri 8..17,22:0/15",
        "sat *-1..7 15:00",
        "fri 12..13:5/20",
        "2015-10-21",
        "12,14,16,18,20,22:5",
        "*:3:5",
        "Mon,Wed 2:30",
        "MONDAY",
        "fri..mon",
        "0/5:0",
        "daily UTC",
        "mon 1:00 UTC",
        "2020-*-1 10:20:30",
        "mon..fri8:00",
        "monday12",
        "sat*-1..7 15:00",
        "mon,tue*:30",
        "  22:00\t",
        "MON..Fri 0:0:0",
        "Tuesday,wed,THURSDAY",
        "2..4-1,3-*/2",
        "daily  UTC",
        "dailyUTC",
        "*-*-*UTC",
        "0-0",
        "*-*-31/0",
    ] {
        assert_eq!(event(text).to_string(), text);
    }
}

#[test]
fn wrong_texts_are_refused() {
    for text in [
        "",
        " ",
        "UTC",
        "Daily",
        "mon-fri 10:00",
        "mon..",
        "xyz",
        "25:00",
        "10:60",
        "10:00:60",
        "1..0",
        "10:00 x",
        "*x",
        "1/",
        "-1",
        "13-1",
        "1-32",
        "2200-1-1",
        "1-1-1-1",
        "1:2:3:4",
        "~10",
        "10:00+02:00",
        "1,,2",
        "mon,12:00",
        "mon..fri..sun",
        "mon 1-1 tue",
        "10:00 1-1",
        "Weekly",
        "hourly 10:00",
        "2026-10-21T10:00",
        "10:00:00.5",
        "10:00 Europe/Berlin",
        "10:00 utc",
        "*/60",
        "*..5",
        "1..2..3",
        "5/2/2",
        "4294967296",
    ] {
        assert!(text.parse::<Event>().is_err(), "{text:?} must be refused");
    }
}

#[test]
fn fields_mean_what_they_say() {
    let rows: &[(&str, usize, &[u32], &[u32])] = &[
        ("*/15", 1, &[0, 15, 30, 45], &[1, 14, 59]),
        ("8..17,22:0/15", 0, &[8, 17, 22], &[7, 18, 21, 23]),
        ("8..17,22:0/15", 1, &[0, 15, 45], &[7]),
        ("fri 12..13:5/20", 1, &[5, 25, 45], &[0, 20]),
        ("daily", 0, &[0], &[1]),
        ("hourly", 0, &[0, 5, 23], &[]),
        ("22", 1, &[22], &[0, 23]),
        ("2..10/4:00", 0, &[2, 6, 10], &[0, 4, 14]),
        ("3/0:00", 0, &[3], &[0, 6]),
        ("*/0:00", 0, &[0, 1, 23], &[]),
        // Unbounded lists go on to the field's maximum, bounded ones to their end.
        ("50/4", 1, &[50, 54, 58], &[49, 52, 2]),
        ("10..20/4", 1, &[10, 14, 18], &[20, 22]),
        ("minutely", 2, &[0], &[1]),
        ("minutely", 1, &[0, 1, 59], &[]),
        ("10:20", 2, &[0], &[1, 20]),
        ("mon8:30", 0, &[8], &[0]),
        ("1-1", 0, &[0], &[1]),
    ];
    for (text, field, yes, no) in rows {
        let field = &event(text).time[*field];
        yes.iter()
            .for_each(|number| assert!(Event::matches(field, *number), "{text} {number}"));
        no.iter()
            .for_each(|number| assert!(!Event::matches(field, *number), "{text} {number}"));
    }
    assert_eq!(event("fri..mon").weekdays, 0b111_0001);
    assert_eq!(event("weekly").weekdays, 1);
    assert_eq!(event("sat *-1..7 15:00").weekdays, 1 << 5);
    assert!(event("daily UTC").utc);
    // Where `*/n` starts: years at 0, months and days at 1.
    for (field, yes, no) in [(0, 2024, 2025), (1, 9, 8), (2, 31, 30)] {
        let numbers = &event("*/8-*/8-*/10").date[field];
        assert!(
            Event::matches(numbers, yes) && !Event::matches(numbers, no),
            "{field}"
        );
    }
    for (text, months) in [
        ("quarterly", &[1, 4, 7, 10][..]),
        ("semiannually", &[1, 7]),
        ("semi-annually", &[1, 7]),
        ("yearly", &[1]),
        ("annually", &[1]),
    ] {
        let event = event(text);
        let found: Vec<u32> = (0..=12)
            .filter(|month| Event::matches(&event.date[1], *month))
            .collect();
        let days: Vec<u32> = (0..=31)
            .filter(|day| Event::matches(&event.date[2], *day))
            .collect();
        assert_eq!(
            (found.as_slice(), days.as_slice()),
            (months, &[1][..]),
            "{text}"
        );
    }
    assert!(
        Event::matches(&event("quarterly").date[1], 4)
            && !Event::matches(&event("quarterly").date[1], 5)
    );
    assert!(
        Event::matches(&event("*-*/2-1").date[1], 3)
            && !Event::matches(&event("*-*/2-1").date[1], 2)
    );
}

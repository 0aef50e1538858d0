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
    assert!(
        Event::matches(&event("quarterly").date[1], 4)
            && !Event::matches(&event("quarterly").date[1], 5)
    );
    assert!(
        Event::matches(&event("*-*/2-1").date[1], 3)
            && !Event::matches(&event("*-*/2-1").date[1], 2)
    );
}

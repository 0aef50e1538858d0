//! Sizes, durations, times.

use console::human::{bytes, ctime, duration, speed};
use jiff::tz::TimeZone;

#[test]
fn sizes() {
    for (count, expected) in [
        (0, "0 B"),
        (954, "954 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (490_841, "479.337 KiB"),
        (3270, "3.193 KiB"),
        (2 << 20, "2 MiB"),
        (5_737_361, "5.472 MiB"),
        (40 << 30, "40 GiB"),
        (u64::MAX, "16 EiB"),
    ] {
        assert_eq!(bytes(count), expected);
    }
}

#[test]
fn speeds() {
    for (rate, expected) in [
        (0.0, "0 B/s"),
        (f64::NAN, "0 B/s"),
        (f64::INFINITY, "0 B/s"),
        (-1.0, "0 B/s"),
        (12.7, "12 B/s"),
        (300_368.0, "293.328 KiB/s"),
    ] {
        assert_eq!(speed(rate), expected);
    }
}

#[test]
fn durations() {
    for (seconds, expected) in [
        (0.0, "0s"),
        (0.04, "<0.1s"),
        (0.1, "0.1s"),
        (20.5, "20.5s"),
        (59.96, "1m"),
        (60.0, "1m"),
        (120.0, "2m"),
        (3800.5, "1h 3m 20.5s"),
        (86400.0 * 8.0 + 1.0, "1w 1d 1s"),
        (365.25 * 86400.0, "1y"),
    ] {
        assert_eq!(duration(seconds), expected, "{seconds}");
    }
}

#[test]
fn local_times() {
    let berlin = TimeZone::fixed(jiff::tz::offset(1));
    for (zone, epoch_s, expected) in [
        (TimeZone::UTC, 1_767_578_400, "Mon Jan  5 02:00:00 2026"),
        (TimeZone::UTC, 0, "Thu Jan  1 00:00:00 1970"),
        (berlin, 1_700_000_000, "Tue Nov 14 23:13:20 2023"),
        (TimeZone::UTC, i64::MAX, "9223372036854775807"),
    ] {
        assert_eq!(ctime(epoch_s, &zone), expected);
    }
}

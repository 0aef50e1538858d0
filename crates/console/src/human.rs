//! Values as people read them: sizes, durations, times (cli.md 1.7).
//!
//! Output only, and exact: log scrapers and tables depend on these texts. Reading sizes back
//! is the business of whoever owns the option.

use jiff::{Timestamp, tz::TimeZone};

const BINARY_UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Bytes in binary units with at most three decimals: `954 B`, `615.757 KiB`, `2 MiB`.
///
/// ```
/// assert_eq!(console::human::bytes(490_841), "479.337 KiB");
/// assert_eq!(console::human::bytes(5 << 20), "5 MiB");
/// ```
pub fn bytes(count: u64) -> String {
    scaled(count as f64)
}

/// A speed in the units of [`bytes`], `139.167 MiB/s`. Anything that is no number is `0 B/s`.
pub fn speed(bytes_per_s: f64) -> String {
    let value = if bytes_per_s.is_finite() && bytes_per_s > 0.0 {
        bytes_per_s
    } else {
        0.0
    };
    format!(
        "{}/s",
        scaled(if value < 1024.0 { value.floor() } else { value })
    )
}

fn scaled(mut value: f64) -> String {
    let mut unit = "B";
    for next in BINARY_UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let text = format!("{value:.3}");
    format!(
        "{} {unit}",
        text.trim_end_matches('0').trim_end_matches('.')
    )
}

/// Seconds as `1h 3m 20.5s`: units `y M w d h m s`, parts that are zero left out, seconds with
/// at most one decimal, `<0.1s` for a trace, `0s` for nothing.
///
/// ```
/// assert_eq!(console::human::duration(3800.5), "1h 3m 20.5s");
/// assert_eq!(console::human::duration(120.0), "2m");
/// ```
pub fn duration(seconds: f64) -> String {
    if seconds.is_nan() || seconds <= 0.0 {
        return "0s".into();
    }
    if seconds < 0.1 {
        return "<0.1s".into();
    }
    const UNITS: [(&str, f64); 6] = [
        ("y", 365.25 * 86400.0),
        ("M", 30.44 * 86400.0),
        ("w", 7.0 * 86400.0),
        ("d", 86400.0),
        ("h", 3600.0),
        ("m", 60.0),
    ];
    // Rounded once before it is cut up, so that 59.96 s is a minute and not "60s".
    let mut rest = (seconds * 10.0).round() / 10.0;
    let mut parts = Vec::new();
    for (unit, length) in UNITS {
        let count = (rest / length).floor();
        if count >= 1.0 {
            rest -= count * length;
            parts.push(format!("{count}{unit}"));
        }
    }
    let tenths = (rest * 10.0).round() as u64;
    match (tenths / 10, tenths % 10) {
        (0, 0) => {}
        (whole, 0) => parts.push(format!("{whole}s")),
        (whole, tenth) => parts.push(format!("{whole}.{tenth}s")),
    }
    parts.join(" ")
}

/// Local time in the C locale's `%c` form, `Sun Nov 22 16:55:30 2026`. A time that no calendar
/// holds is printed as its number.
///
/// ```
/// use jiff::tz::TimeZone;
/// assert_eq!(console::human::ctime(1_700_000_000, &TimeZone::UTC), "Tue Nov 14 22:13:20 2023");
/// ```
pub fn ctime(epoch_s: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(epoch_s) {
        Ok(time) => time
            .to_zoned(zone.clone())
            .strftime("%a %b %e %H:%M:%S %Y")
            .to_string(),
        Err(_) => epoch_s.to_string(),
    }
}

/// Local time as `2023-11-14T22:13:20Z`; the `Z` is the original's, wherever the zone.
pub fn local_time(epoch_s: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(epoch_s) {
        Ok(time) => time
            .to_zoned(zone.clone())
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        Err(_) => epoch_s.to_string(),
    }
}

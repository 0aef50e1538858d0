//! When progress speaks, and what it says.

use std::time::{Duration, Instant};

use console::progress::{Amount, MOVING_INTERVAL, Meter, QUIET_INTERVAL};

#[test]
fn a_quiet_line_each_minute() {
    let start = Instant::now();
    let mut meter = Meter::new("a.img", QUIET_INTERVAL, start);
    let amount = Amount {
        processed: 3_000_000,
        transferred: 0,
        total: None,
    };
    assert_eq!(meter.quiet(amount, start + Duration::from_secs(59)), None);
    let minute = start + Duration::from_secs(60);
    assert_eq!(
        meter.quiet(amount, minute).as_deref(),
        Some("processed 2.861 MiB in 1m, uploaded 0 B")
    );
    assert_eq!(meter.quiet(amount, minute + Duration::from_secs(1)), None);
    let later = Amount {
        transferred: 1024,
        ..amount
    };
    let text = meter.quiet(later, minute + Duration::from_secs(60));
    assert_eq!(
        text.as_deref(),
        Some("processed 2.861 MiB in 2m, uploaded 1 KiB")
    );
}

#[test]
fn a_moving_line_has_rate_and_time_left() {
    let start = Instant::now();
    let mut meter = Meter::new("a.img", MOVING_INTERVAL, start);
    let amount = |processed: u64| Amount {
        processed: processed << 20,
        transferred: 0,
        total: Some(100 << 20),
    };
    assert_eq!(
        meter.moving(amount(1), start + Duration::from_millis(100)),
        None
    );
    let text = meter.moving(amount(10), start + Duration::from_secs(1));
    assert_eq!(
        text.as_deref(),
        Some("a.img: 10 MiB of 100 MiB (10%), 10 MiB/s, 9s left")
    );
    // No progress: the rate sinks, the time left grows.
    let text = meter.moving(amount(10), start + Duration::from_secs(2));
    assert_eq!(
        text.as_deref(),
        Some("a.img: 10 MiB of 100 MiB (10%), 8 MiB/s, 12s left")
    );
    let text = meter.moving(amount(100), start + Duration::from_secs(12));
    assert_eq!(
        text.as_deref(),
        Some("a.img: 100 MiB of 100 MiB (100%), 9 MiB/s")
    );
}

#[test]
fn an_unknown_total_is_not_guessed() {
    let start = Instant::now();
    let mut meter = Meter::new("x", MOVING_INTERVAL, start);
    let amount = Amount {
        processed: 2048,
        ..Amount::default()
    };
    assert_eq!(
        meter
            .moving(amount, start + Duration::from_secs(1))
            .as_deref(),
        Some("x: 2 KiB, 2 KiB/s")
    );
}

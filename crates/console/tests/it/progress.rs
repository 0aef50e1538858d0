//! When progress speaks, and what it says.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use console::progress::{Amount, Direction, MOVING_INTERVAL, Meter, Progress, QUIET_INTERVAL};
use console::screen::Screen;

/// Keeps what is printed.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("lock").clone()).expect("text")
    }
}

impl Write for Lines {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_quiet_line_each_minute() {
    let start = Instant::now();
    let mut meter = Meter::new("a.img", QUIET_INTERVAL, start);
    let amount = Amount {
        processed: 3_000_000,
        transferred: 0,
        total: None,
    };
    assert_eq!(
        meter.quiet(Direction::Upload, amount, start + Duration::from_secs(59)),
        None
    );
    let minute = start + Duration::from_secs(60);
    assert_eq!(
        meter.quiet(Direction::Upload, amount, minute).as_deref(),
        Some("processed 2.861 MiB in 1m, uploaded 0 B")
    );
    assert_eq!(
        meter.quiet(Direction::Upload, amount, minute + Duration::from_secs(1)),
        None
    );
    let later = Amount {
        transferred: 1024,
        ..amount
    };
    let text = meter.quiet(Direction::Upload, later, minute + Duration::from_secs(60));
    assert_eq!(
        text.as_deref(),
        Some("processed 2.861 MiB in 2m, uploaded 1 KiB")
    );
    // Also of a download, as long as nobody knows how much there is.
    let next = minute + Duration::from_secs(120);
    let text = meter.quiet(Direction::Download, later, next);
    assert_eq!(
        text.as_deref(),
        Some("processed 2.861 MiB in 3m, downloaded 1 KiB")
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

#[test]
fn lines_of_a_download_become_rarer() {
    let start = Instant::now();
    let mut meter = Meter::rarer("a.img", start);
    let spoken: Vec<_> = (0..=300)
        .filter_map(|second: u64| {
            let amount = Amount {
                processed: second << 20,
                transferred: second << 20,
                total: Some(1 << 30),
            };
            let text = meter.quiet(
                Direction::Download,
                amount,
                start + Duration::from_secs(second),
            );
            Some((second, text?))
        })
        .collect();
    let seconds: Vec<_> = spoken.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [5, 15, 35, 75, 135, 195, 255]);
    assert_eq!(spoken[0].1, "progress 0% (5 MiB of 1 GiB in 5s, 1 MiB/s)");
    assert_eq!(
        spoken[6].1,
        "progress 24% (255 MiB of 1 GiB in 4m 15s, 1 MiB/s)"
    );
}

/// A line that was due came with the next chunk, which a narrow line may hold for minutes.
#[test]
fn a_line_comes_without_news() {
    let lines = Lines::default();
    let screen = Screen::new();
    screen.move_to(lines.clone());
    if screen.is_terminal() {
        eprintln!("skipped: standard error is a terminal");
        return;
    }
    let interval = Duration::from_millis(200);
    let meter = Meter::new("a.img", interval, Instant::now());
    let look = Duration::from_millis(20);
    let mut progress = Progress::with_meter(&screen, Direction::Download, meter, look);
    progress.update(Amount {
        processed: 1 << 20,
        transferred: 1 << 20,
        total: Some(2 << 20),
    });
    let patience = Instant::now() + Duration::from_secs(60);
    while lines.text().is_empty() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(progress);
    let text = lines.text();
    assert!(
        text.starts_with("progress 50% (1 MiB of 2 MiB in "),
        "{text:?}"
    );
}

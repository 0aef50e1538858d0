//! The one table that quickstart prints.

use std::time::Duration;

use client::ArchiveStats;
use console::human;

/// What one step did.
pub struct Row {
    step: String,
    size: String,
    sent: String,
    chunks: String,
    reused: String,
    time: String,
    note: String,
}

impl Row {
    pub fn backup(step: &str, stats: &ArchiveStats, time: Duration) -> Row {
        let share = if stats.size == 0 {
            0.0
        } else {
            stats.reused as f64 * 100.0 / stats.size as f64
        };
        Row {
            step: step.to_owned(),
            size: human::bytes(stats.size),
            sent: human::bytes(stats.sent),
            chunks: format!("{} ({} new)", stats.chunks, stats.chunks_new),
            reused: format!("{share:.1}%"),
            time: seconds(time),
            note: String::new(),
        }
    }

    pub fn restore(entries: u64, bytes: u64, time: Duration) -> Row {
        Row {
            size: human::bytes(bytes),
            ..Row::plain("restore", format!("{entries} entries"), time)
        }
    }

    pub fn plain(step: &str, note: String, time: Duration) -> Row {
        let none = String::new;
        Row {
            step: step.to_owned(),
            size: none(),
            sent: none(),
            chunks: none(),
            reused: none(),
            time: seconds(time),
            note,
        }
    }

    fn cells(&self) -> [&str; 7] {
        [
            &self.step,
            &self.size,
            &self.sent,
            &self.chunks,
            &self.reused,
            &self.time,
            &self.note,
        ]
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Columns as wide as their widest cell; the last one is not padded.
pub fn render(rows: &[Row]) -> String {
    const HEAD: [&str; 7] = ["step", "size", "sent", "chunks", "deduplicated", "time", ""];
    let lines: Vec<[&str; 7]> = std::iter::once(HEAD)
        .chain(rows.iter().map(Row::cells))
        .collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut out = String::new();
    for cells in lines {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            Row::restore(3, 5 << 20, Duration::from_millis(1500)),
            Row::plain("verify", "fine".to_owned(), Duration::from_millis(10)),
        ];
        let expected = "step     size   sent  chunks  deduplicated  time\n\
                        restore  5 MiB                              1.50 s  3 entries\n\
                        verify                                      0.01 s  fine\n";
        assert_eq!(render(&rows), expected);
    }
}

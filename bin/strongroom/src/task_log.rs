//! A task of the server as the user follows it: its log line by line, then how it ended
//! (cli.md 1.8).
//!
//! Lines lose their time stamp, as the original prints them. Control-C asks a task that this
//! command has started to stop and goes on reading; a second one leaves it alone.

use std::time::Duration;

use anyhow::Result;
use api::Upid;
use api::rest::task::LogLine;
use client::admin;
use console::json::Format;
use console::out;
use console::output::{Items, Output};
use console::report::Failure;
use remote::Client;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Pauses between two looks at a task that still runs: short at first, as most tasks are.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Whose task it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// By this command: Control-C stops the task.
    Here,
    /// By somebody else: Control-C only stops the reading.
    Elsewhere,
}

/// What a command does that has started a task: as text it follows it, as JSON it prints the
/// task's id and leaves.
pub async fn report(client: &Client, upid: &Value, output: &Output) -> Result<()> {
    if output.format != Format::Text {
        return Ok(output.value(upid, String::new)?);
    }
    let upid: Upid = serde_json::from_value(upid.clone()).map_err(|error| {
        Failure::new(format!("the server's answer {upid} is no task id")).cause(error)
    })?;
    follow(client, &upid, Started::Here, Lines(None)).await
}

/// Where the lines go: to standard output as they are, or into a list.
pub struct Lines(Option<Items>);

impl Lines {
    pub fn open(format: Format) -> Result<Lines> {
        Ok(Lines(Items::open(format)?))
    }

    fn add(&mut self, line: &LogLine) -> Result<()> {
        let text = without_time(&line.t);
        match &mut self.0 {
            None => out::line(text)?,
            Some(items) => {
                items.add(&json!({"n": line.n, "t": line.t}))?;
                items.flush()?;
            }
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        Ok(self.0.map_or(Ok(()), Items::end)?)
    }
}

/// Prints the log until the task ends. An error if the task did not end well.
pub async fn follow(
    client: &Client,
    upid: &Upid,
    started: Started,
    mut lines: Lines,
) -> Result<()> {
    let mut interrupts = Interrupts::new(started)?;
    let mut next = 1;
    let mut pause = PAUSE_MIN;
    loop {
        let page = match interrupts.during(admin::task_log(client, upid, next)).await {
            Outcome::Done(page) => page?,
            Outcome::Leave => return lines.end(),
        };
        for line in &page.data {
            check_number(line, next)?;
            lines.add(line)?;
            next += 1;
        }
        if interrupts.stop_is_wanted() {
            admin::stop_task(client, upid).await?;
        }
        if next <= page.total {
            continue;
        }
        if page.active != Some(true) {
            break;
        }
        if let Outcome::Leave = interrupts.during(tokio::time::sleep(pause)).await {
            return lines.end();
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
    lines.end()?;
    let status = admin::task_status(client, upid).await?;
    Ok(verdict(status.exitstatus.as_deref())?)
}

/// Whether a task ended well.
fn verdict(exit_status: Option<&str>) -> Result<(), Failure> {
    match exit_status {
        Some("OK") => Ok(()),
        Some(text) if text.starts_with("WARNINGS") => Ok(()),
        Some(text) => Err(Failure::new(format!("task failed (status {text})"))
            .hint("the lines above are its log")),
        None => Err(Failure::new("task stopped with unknown status")
            .hint("was the server restarted meanwhile?")),
    }
}

fn check_number(line: &LogLine, expected: u64) -> Result<(), Failure> {
    if line.n == expected {
        return Ok(());
    }
    let text = format!(
        "the server sent line {} of the task's log instead of {expected}",
        line.n
    );
    Err(Failure::new(text))
}

/// The line behind its time stamp (`2026-11-22T17:58:47+00:00: `), if it has one.
fn without_time(line: &str) -> &str {
    const STAMP: usize = 27;
    match line.get(STAMP - 2..STAMP) {
        Some(": ") if line.len() > STAMP => &line[STAMP..],
        _ => line,
    }
}

/// Control-C while a task is followed.
struct Interrupts {
    signals: Signal,
    started: Started,
    seen: u32,
    stop_sent: bool,
}

enum Outcome<T> {
    Done(T),
    Leave,
}

impl Interrupts {
    fn new(started: Started) -> Result<Interrupts> {
        Ok(Interrupts {
            signals: signal(SignalKind::interrupt())?,
            started,
            seen: 0,
            stop_sent: false,
        })
    }

    /// Waits for `work`, unless the user wants to leave.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> Outcome<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Outcome::Done(done),
                _ = self.signals.recv() => {
                    self.seen += 1;
                    if self.seen > 1 {
                        tracing::info!("forced exit (task still running)");
                        return Outcome::Leave;
                    }
                    tracing::info!("got shutdown request (SIGINT)");
                    if self.started == Started::Elsewhere {
                        return Outcome::Leave;
                    }
                }
            }
        }
    }

    /// True once, after the first interrupt.
    fn stop_is_wanted(&mut self) -> bool {
        self.seen > 0 && !std::mem::replace(&mut self.stop_sent, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_are_taken_off() {
        for (line, expected) in [
            ("2026-11-22T17:58:47+00:00: starting", "starting"),
            ("2026-11-22T17:58:47+00:00: ", "2026-11-22T17:58:47+00:00: "),
            ("TASK OK", "TASK OK"),
            ("", ""),
            (
                "ä longer line that has no time at all",
                "ä longer line that has no time at all",
            ),
        ] {
            assert_eq!(without_time(line), expected);
        }
    }

    #[test]
    fn how_a_task_ended() {
        for (status, expected) in [
            (Some("OK"), None),
            (Some("WARNINGS: 3"), None),
            (Some("no space"), Some("task failed (status no space)")),
            (Some("unknown"), Some("task failed (status unknown)")),
            (None, Some("task stopped with unknown status")),
        ] {
            let error = verdict(status).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), expected, "{status:?}");
        }
    }
}

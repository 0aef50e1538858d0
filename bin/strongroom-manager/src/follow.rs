//! A task is followed: its log is printed as it grows, an interrupt asks it to stop, and its end is the command's (cli.md 1.8).

use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use console::json::Format;
use console::out;
use console::screen::Screen;
use http::Method;
use serde_json::{Map, Value, json};
use server::tasks::TaskStatus;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::site::Site;

/// Lines of a log per request, and the pause before the next look.
const LINES: u64 = 500;
const PAUSE: Duration = Duration::from_millis(200);

/// Whose task it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// By this command: an interrupt stops it.
    Now,
    /// By somebody else: an interrupt ends the looking on.
    Before,
}

/// A task that was just started: prints its log to its end, or as JSON its id. One that runs in this process is waited for in any case.
pub async fn started(site: &Site, upid: &str, format: Format) -> Result<()> {
    let mut signals = Signals::new().context("cannot wait for signals")?;
    if let Some(text) = console::json::render(&upid.into(), format) {
        out::print(&text)?;
        if matches!(site, Site::Server(_)) {
            return Ok(());
        }
    }
    let prints = format == Format::Text;
    let end = log(site, upid, prints, Started::Now, &mut signals).await;
    site.settle().await;
    end
}

/// A task of somebody else.
pub async fn watched(site: &Site, upid: &str) -> Result<()> {
    let mut signals = Signals::new().context("cannot wait for signals")?;
    log(site, upid, true, Started::Before, &mut signals).await
}

async fn log(
    site: &Site,
    upid: &str,
    prints: bool,
    started: Started,
    signals: &mut Signals,
) -> Result<()> {
    let (mut next, mut interrupted) = (1, false);
    loop {
        let said = site
            .call(
                &Method::GET,
                "nodes/{node}/tasks/{upid}/log",
                page(upid, next),
            )
            .await?;
        let lines = said.data.as_array().map(Vec::as_slice).unwrap_or_default();
        let new = lines.iter().filter(|line| line["n"].as_u64() >= Some(next));
        let texts: Vec<&str> = new.filter_map(|line| line["t"].as_str()).collect();
        next += texts.len() as u64;
        for text in texts.iter().filter(|_| prints) {
            if let Err(error) = out::line(without_time(text)) {
                // Nobody reads any more; the work ends at its next good place, as after an interrupt.
                stop(site, upid, started).await?;
                site.settle().await;
                return Err(error.into());
            }
        }
        let total = said.beside.get("total").and_then(Value::as_u64);
        if !texts.is_empty() && total >= Some(next) {
            continue;
        }
        if said.beside.get("active") != Some(&Value::Bool(true)) {
            return end(site, upid).await;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            name = signals.next() => {
                if started == Started::Before {
                    return Ok(());
                }
                if interrupted {
                    bail!("forced exit (task still running)");
                }
                interrupted = true;
                Screen::new().line(&format!("got shutdown request ({name})"));
                stop(site, upid, started).await?;
            }
        }
    }
}

fn page(upid: &str, start: u64) -> Map<String, Value> {
    let mut members = named(upid);
    members.insert("start".to_owned(), json!(start));
    members.insert("limit".to_owned(), json!(LINES));
    members.insert("test-status".to_owned(), json!(true));
    members
}

fn named(upid: &str) -> Map<String, Value> {
    let pairs = [("node", "localhost"), ("upid", upid)];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

async fn stop(site: &Site, upid: &str, started: Started) -> Result<()> {
    if started == Started::Now {
        site.call(&Method::DELETE, "nodes/{node}/tasks/{upid}", named(upid))
            .await?;
    }
    Ok(())
}

/// What a task's end is for the command.
async fn end(site: &Site, upid: &str) -> Result<()> {
    let status = site
        .call(
            &Method::GET,
            "nodes/{node}/tasks/{upid}/status",
            named(upid),
        )
        .await?;
    match status.data["exitstatus"]
        .as_str()
        .map(TaskStatus::from_list)
    {
        Some(TaskStatus::Ok | TaskStatus::Warnings(_)) => Ok(()),
        Some(TaskStatus::Unknown) | None => bail!("task stopped with unknown status"),
        Some(status) => bail!("task failed (status {status})"),
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}

/// A line of a log without its time (cli.md 1.8).
fn without_time(line: &str) -> &str {
    match line.as_bytes().get(25..27) {
        Some(b": ") => line.get(27..).unwrap_or(line),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::without_time;

    #[test]
    fn times_of_lines() {
        for (line, expected) in [
            ("2026-11-22T17:04:45+00:00: TASK OK", "TASK OK"),
            ("2026-11-22T17:04:45+00:00: ", ""),
            ("continued without a time", "continued without a time"),
            ("", ""),
            ("äöüäöüäöüäöüäöü: x", "äöüäöüäöüäöüäöü: x"),
        ] {
            assert_eq!(without_time(line), expected);
        }
    }
}

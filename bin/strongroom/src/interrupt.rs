//! The end before the end: SIGINT, SIGTERM and SIGHUP while something long goes on.
//!
//! What is under way is given up in good order, so that no half image stays behind and the
//! server hears of it at once. Signals that this program was started to ignore (`nohup`, jobs
//! in the background of a script) stay ignored.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::Result;
use console::report::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::written::Became;

/// How long the end may take: a disk or a reader that does not move holds it no longer.
const END_MAX: Duration = Duration::from_secs(5);
/// One wish for the end may come as several signals: `timeout` sends one to the program and one to its group.
const SAME_MAX: Duration = Duration::from_secs(1);

/// `work`, or an error as soon as a signal asks for the end; `hint` tells what became of it.
pub async fn or_stopped<T>(hint: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let became = || Became::This(hint);
    or_ended(became, work, std::future::ready(())).await
}

/// As [`or_stopped`]; `end` is awaited after `work` was dropped, for what that leaves under way. A second signal ends at once, if it
/// does not come together with the first. Only then `became` is asked what there is.
pub async fn or_ended<'h, T>(
    became: impl FnOnce() -> Became<'h>,
    work: impl Future<Output = Result<T>>,
    end: impl Future<Output = ()>,
) -> Result<T> {
    let mut ears = Ears::open()?;
    let name = tokio::select! {
        done = work => return done,
        name = ears.heard() => name,
    };
    let asked_again = async {
        let same = async {
            loop {
                ears.heard().await;
            }
        };
        let _: Result<(), _> = tokio::time::timeout(SAME_MAX, same).await;
        ears.heard().await
    };
    let in_order = tokio::select! {
        () = end => true,
        _ = asked_again => false,
        () = tokio::time::sleep(END_MAX) => false,
    };
    let error = Failure::new(format!("stopped by {name}"));
    Err(error.hint(told(became(), in_order)).into())
}

/// `in_order`: the end was waited for.
fn told(became: Became<'_>, in_order: bool) -> Cow<'_, str> {
    match (became, in_order) {
        (Became::Nothing, _) => "nothing was written".into(),
        (Became::Whole, _) => "what was written is whole".into(),
        (Became::This(hint) | Became::Removed { hint, .. }, true) => hint.into(),
        (Became::Removed { left, .. }, false) => left.into(),
        (Became::This(hint), false) => {
            format!("{hint}; this was not waited for, so the last file may be there by half").into()
        }
    }
}

/// Listens from the moment it is made: what comes before somebody waits is not lost.
pub struct Ears {
    interrupt: Listener,
    terminate: Listener,
    hang_up: Listener,
}

impl Ears {
    pub fn open() -> Result<Ears> {
        let ignored = ignored();
        Ok(Ears {
            interrupt: Listener::new(SignalKind::interrupt(), ignored)?,
            terminate: Listener::new(SignalKind::terminate(), ignored)?,
            hang_up: Listener::new(SignalKind::hangup(), ignored)?,
        })
    }

    /// The name of the next signal.
    pub async fn heard(&mut self) -> &'static str {
        tokio::select! {
            () = self.interrupt.heard() => "SIGINT",
            () = self.terminate.heard() => "SIGTERM",
            () = self.hang_up.heard() => "SIGHUP",
        }
    }
}

struct Listener(Option<Signal>);

impl Listener {
    fn new(kind: SignalKind, ignored: u64) -> Result<Listener> {
        let bit = 1 << (kind.as_raw_value() - 1);
        if ignored & bit != 0 {
            return Ok(Listener(None));
        }
        let signal =
            signal(kind).map_err(|error| Failure::new("cannot listen for signals").cause(error))?;
        Ok(Listener(Some(signal)))
    }

    async fn heard(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// The signals that this process ignores, signal N as bit N - 1; none where nobody tells.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask(&status).unwrap_or(0)
}

fn mask(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::Written;

    /// A file that was there, whole, was told to be removed, as the signal came while the disk was waited for.
    #[test]
    fn what_is_told_is_there() {
        let (begun, whole) = (Written::default(), Written::default());
        whole.is_whole();
        for (became, in_order, expected) in [
            (begun.hidden("removed", "left"), true, "removed"),
            (begun.hidden("removed", "left"), false, "left"),
            (
                whole.hidden("removed", "left"),
                true,
                "what was written is whole",
            ),
            (
                whole.hidden("removed", "left"),
                false,
                "what was written is whole",
            ),
            (whole.became("half"), false, "what was written is whole"),
            (begun.became("half"), false, "nothing was written"),
            (Became::This("some"), true, "some"),
            (
                Became::This("some"),
                false,
                "some; this was not waited for, so the last file may be there by half",
            ),
        ] {
            assert_eq!(told(became, in_order), expected, "{became:?}");
        }
    }

    #[test]
    fn the_kernels_mask_is_read() {
        let status = "Name:\tcat\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001003\n";
        assert_eq!(mask(status), Some(0x1003));
        assert_eq!(mask("Name:\tcat\n"), None);
    }
}

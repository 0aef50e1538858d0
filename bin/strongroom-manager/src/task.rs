//! Long work in this process, as a task of the server: its lines go to standard output and into a log that the server shows too.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use console::json::Format;
use console::out;
use format::AuthId;
use server::tasks::{Task, TaskStatus, Tasks};
use store::Watch;

use crate::context::node;
use crate::interrupt;

/// Tasks at the same time; this process runs one.
const TASKS_MAX: usize = 1;

/// A running task that is also printed.
pub struct Printed {
    task: Arc<Task>,
    /// JSON output is the task's id alone.
    prints: bool,
}

impl Printed {
    /// The task's id as text.
    fn upid(&self) -> String {
        self.task.upid().to_string()
    }

    fn print(&self, text: &str) {
        if self.prints && out::line(text).is_err() {
            // Nobody reads any more; the work ends at its next good place, as after an interrupt.
            self.task.abort();
        }
    }
}

impl Watch for Printed {
    fn log(&self, text: &str) {
        self.task.log(text);
        self.print(text);
    }

    fn warn(&self, text: &str) {
        self.task.warn(text);
        self.print(text);
    }

    fn stopped(&self) -> bool {
        self.task.aborted()
    }
}

/// Runs `work` as a task of `root@pam` and waits for its end. A failed task is an error.
pub fn run(
    tasks_dir: &Path,
    format: Format,
    kind: &str,
    id: &str,
    work: impl FnOnce(&Printed) -> Result<()>,
) -> Result<()> {
    let tasks = Tasks::open(tasks_dir, &node(), TASKS_MAX)?;
    let worker = tasks.start(kind, Some(id), &AuthId::root())?;
    interrupt::stops(worker.task()).context("cannot wait for signals")?;
    let printed = Printed {
        task: worker.task(),
        prints: format == Format::Text,
    };
    if let Some(text) = console::json::render(&printed.upid().into(), format) {
        out::print(&text)?;
    }
    let outcome = work(&printed);
    let upid = printed.task.upid().clone();
    worker.finish(outcome.as_ref().map(|_| ()).map_err(with_causes));
    let (status, _) = tasks.ended(&upid);
    printed.print(&status.last_line());
    match status {
        TaskStatus::Ok | TaskStatus::Warnings(_) => Ok(()),
        TaskStatus::Unknown => bail!("task stopped with unknown status"),
        status @ TaskStatus::Error(_) => bail!("task failed (status {status})"),
    }
}

/// An error and its causes on one line.
fn with_causes(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

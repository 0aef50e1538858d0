//! Long work in this process, as a task of the server: its lines go to standard output and into a log that the server shows too.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use config::Places;
use console::json::Format;
use console::out;
use format::AuthId;
use server::jobs::state::{JobStates, JobType};
use server::tasks::{Task, TaskStatus, Tasks};
use store::Watch;

use crate::context::node;
use crate::interrupt;

/// Tasks at the same time; this process runs one.
const TASKS_MAX: usize = 1;
/// For a job that is about to end.
const JOB_WAIT: Duration = Duration::from_secs(2);

/// A running task that is also printed.
pub struct Printed {
    task: Arc<Task>,
    /// JSON output is the task's id alone.
    prints: bool,
}

impl Printed {
    /// The task's id as text.
    pub fn upid(&self) -> String {
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

/// A job whose state is kept, as the server keeps it.
pub struct Job<'a> {
    pub ty: JobType,
    pub name: &'a str,
    pub worker_id: &'a str,
}

/// Runs a job, unless the server or another manager runs it now.
pub fn run_job(
    places: &Places,
    tasks_dir: &Path,
    format: Format,
    job: &Job<'_>,
    work: impl FnOnce(&Printed) -> Result<()>,
) -> Result<()> {
    let states = JobStates::new(&places.state_dir);
    let Some(lock) = states.lock(job.ty, job.name, JOB_WAIT)? else {
        bail!("job '{}' is running already", job.name);
    };
    let mut ran = None;
    let outcome = run(tasks_dir, format, job.ty.name(), job.worker_id, |watch| {
        ran = Some(watch.task.upid().clone());
        lock.started(watch.task.upid())?;
        work(watch)
    });
    if let Some(upid) = ran {
        let tasks = Tasks::open(tasks_dir, &node(), TASKS_MAX)?;
        let (status, end) = tasks.ended(&upid);
        lock.finished(&upid, status, end)?;
    }
    outcome
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

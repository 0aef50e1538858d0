//! Long work on datastores that runs as a task, on request or by a schedule (server.md 4). What each decides is a plan of the crate `store`;
//! here it gets a task, its log and the rights of whoever it runs for. A job's state says when it ran last; `schedule` decides what is due.

pub mod gc;
pub mod prune;
pub mod retention;
pub mod schedule;
pub mod scheduler;
pub mod state;
pub mod sync;
pub mod verify;

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use api::Upid;
use format::AuthId;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::context::Context;
use crate::fault::{Fault, with_causes};
use crate::tasks::{Queue, Room, Task, TaskStatus, Tasks, Worker};

use state::{JobState, JobStates, JobType, Outcome, StateError};

/// How long somebody waits for a job that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The scheduler comes again: it waits only for what is about to end. The task begins at the minute that it looked at (Unix seconds).
    Little(i64),
    /// A person asked.
    Some,
}

impl Patience {
    fn wait(self) -> Duration {
        match self {
            Patience::Little(_) => Duration::from_millis(300),
            Patience::Some => Duration::from_secs(2),
        }
    }
}

/// A run of a job that is about to begin.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    pub ty: JobType,
    /// The job.
    pub name: &'a str,
    /// As task ids show it.
    pub worker_id: &'a str,
    /// For whom it runs.
    pub auth_id: &'a AuthId,
}

impl Run<'_> {
    /// Starts the task of a job, unless the job runs already. Its state is written before and after.
    pub fn start<F>(self, ctx: &Arc<Context>, patience: Patience, work: F) -> Result<Upid, Fault>
    where
        F: FnOnce(&Task) -> Result<(), String> + Send + 'static,
    {
        let (worker, after) = self.begin(ctx, patience, Room::Floor)?;
        Ok(ctx.tasks().run(worker, work, after)?)
    }

    /// The same for work that takes its turn.
    pub fn start_in_turn<K, F>(
        self,
        ctx: &Arc<Context>,
        patience: Patience,
        turn: (&Queue<K>, &K),
        work: F,
    ) -> Result<Upid, Fault>
    where
        K: Eq + Hash + Clone,
        F: FnOnce(&Task) -> Result<(), String> + Send + 'static,
    {
        let (worker, after) = self.begin(ctx, patience, Room::Line)?;
        Ok(ctx.tasks().run_in_turn(turn, worker, work, after)?)
    }

    /// Refused while a run of this job was stopped and still waits for its disk.
    fn not_left(&self, ctx: &Context) -> Result<(), Fault> {
        let is_it = |upid: &Upid| {
            upid.worker_type == self.ty.name() && upid.worker_id.as_deref() == Some(self.worker_id)
        };
        match ctx.tasks().left().into_iter().find(is_it) {
            Some(left) => Err(Fault::JobLeft(self.name.to_owned(), Box::new(left))),
            None => Ok(()),
        }
    }

    /// The task, and what notes its end.
    fn begin(
        self,
        ctx: &Context,
        patience: Patience,
        room: Room,
    ) -> Result<(Worker, impl FnOnce(TaskStatus, i64) + Send + use<>), Fault> {
        self.not_left(ctx)?;
        let lock = match states(ctx).lock(self.ty, self.name, patience.wait()) {
            Ok(lock) => lock.ok_or_else(|| Fault::JobRunning(self.name.to_owned()))?,
            Err(_) if ctx.tasks().runs_for(self.ty.name(), self.worker_id) => {
                return Err(Fault::JobRunning(self.name.to_owned()));
            }
            // What makes room must run where there is none.
            Err(error) => {
                tracing::warn!("{}; the job runs all the same", with_causes(&error));
                states(ctx).without_lock(self.ty, self.name)
            }
        };
        // A run that is stopped meanwhile gives the lock back and is left; it is left before, so whoever has the lock sees it.
        self.not_left(ctx)?;
        let begin = match patience {
            Patience::Little(minute) => minute,
            Patience::Some => ctx.now(),
        };
        let (kind, id) = (self.ty.name(), Some(self.worker_id));
        let worker = ctx.tasks().start_at(room, kind, id, self.auth_id, begin)?;
        let upid = worker.upid().clone();
        let (tasks, key) = (ctx.tasks().clone(), JobStates::key(self.ty, self.name));
        let note = move |written: Result<(), StateError>, upid: &Upid| match written {
            Ok(()) => tasks.note(key.clone(), None),
            Err(error) => {
                tracing::error!("{}; it is kept in memory", with_causes(&error));
                tasks.note(key.clone(), Some(upid.clone()));
            }
        };
        note(lock.started(&upid), &upid);
        let after = move |status, end| note(lock.finished(&upid, status, end), &upid);
        Ok((worker, after))
    }
}

/// Where the states of jobs are.
pub fn states(ctx: &Context) -> JobStates {
    JobStates::new(&ctx.settings().state_dir)
}

/// The state of a job. One that says the job runs, when nothing runs any more, is replaced by what the log says of its end.
pub fn state(states: &JobStates, tasks: &Tasks, ty: JobType, name: &str, now: i64) -> JobState {
    let noted = tasks.noted_run(&JobStates::key(ty, name));
    let state = match noted {
        Some(upid) => JobState::Started { upid },
        None => states.load(ty, name, now),
    };
    match state {
        JobState::Started { upid } if !tasks.is_running(&upid) => {
            let (status, end) = tasks.ended(&upid);
            JobState::Finished {
                upid,
                state: Outcome::new(status, end),
                updated: None,
            }
        }
        state => state,
    }
}

/// What lists show of a job beside its configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_endtime: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_upid: Option<Upid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run: Option<i64>,
}

/// How a job's last run ended and when its next one is.
pub fn shown(ctx: &Context, ty: JobType, name: &str, schedule: Option<&str>) -> Shown {
    let now = ctx.now();
    let state = state(&states(ctx), ctx.tasks(), ty, name, now);
    Shown::of(state, schedule, now, &ctx.settings().zone)
}

impl Shown {
    /// What is shown of a state at `now`.
    pub fn of(state: JobState, schedule: Option<&str>, now: i64, zone: &TimeZone) -> Shown {
        let next_run = schedule::next_run(schedule, state.last_shown(now), zone);
        match state {
            JobState::Created { .. } | JobState::Unknown => Shown {
                next_run,
                ..Shown::default()
            },
            JobState::Started { upid } => Shown {
                last_run_upid: Some(upid),
                next_run,
                ..Shown::default()
            },
            JobState::Finished { upid, state, .. } => Shown {
                last_run_endtime: Some(state.endtime()),
                last_run_state: Some(state.text()),
                last_run_upid: Some(upid),
                next_run,
            },
        }
    }
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Fault {
        Fault::JobState(with_causes(&error))
    }
}

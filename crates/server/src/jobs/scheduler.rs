//! Looks once a minute which jobs are due, and starts them as `root@pam` (server.md 4.2). The configuration is read anew each time.

use std::sync::{Arc, Weak};
use std::time::Duration;

use config::edit;
use config::files::{PruneJob, SyncJob, VerifyJob};
use format::{AuthId, StoreName};

use crate::context::Context;
use crate::fault::{Fault, with_causes};
use crate::jobs::schedule::{Entry, due};
use crate::jobs::state::{JobState, JobType};
use crate::jobs::{self, Patience};

/// What can be scheduled.
#[derive(Debug)]
enum Job {
    GarbageCollection(StoreName),
    Prune(Box<PruneJob>),
    Sync(Box<SyncJob>),
    Verify(Box<VerifyJob>),
}

/// Runs until the server is gone: at each full minute what is due.
pub async fn run(ctx: Weak<Context>) {
    loop {
        let now = jiff::Timestamp::now();
        let into_minute = now.as_millisecond().rem_euclid(60_000).unsigned_abs();
        tokio::time::sleep(Duration::from_millis(60_000 - into_minute)).await;
        let Some(ctx) = ctx.upgrade() else { return };
        let now = ctx.now();
        let inner = Arc::clone(&ctx);
        if ctx.blocking().run(move || tick(&inner, now)).await.is_err() {
            tracing::error!("looking for jobs that are due failed inside");
        }
    }
}

/// Starts what is due at `now`; gives how many. Blocking. What keeps one job from running is told in the server's log and does not keep others.
pub fn tick(ctx: &Arc<Context>, now: i64) -> usize {
    let mut entries = Vec::new();
    for found in [
        collections(ctx, now),
        prunes(ctx, now),
        syncs(ctx, now),
        verifies(ctx, now),
    ] {
        match found {
            Ok(found) => entries.extend(found),
            Err(fault) => tracing::error!("cannot read jobs: {}", with_causes(&fault)),
        }
    }
    jobs::retention::run(ctx, now);
    let mut started = 0;
    for job in due(entries, now, &ctx.settings().zone) {
        match start(ctx, &job, now) {
            Ok(()) => started += 1,
            // It runs, or will when its datastore is back.
            Err(Fault::JobRunning(_) | Fault::Maintenance { .. } | Fault::NotMounted(_)) => {}
            Err(fault) => tracing::warn!("cannot start {job:?}: {}", with_causes(&fault)),
        }
    }
    started
}

fn start(ctx: &Arc<Context>, job: &Job, now: i64) -> Result<(), Fault> {
    let (root, patience) = (AuthId::root(), Patience::Little(now));
    match job {
        Job::GarbageCollection(store) => jobs::gc::start(ctx, store, &root, patience),
        Job::Prune(job) => jobs::prune::start(ctx, job, &root, patience),
        Job::Sync(job) => jobs::sync::refuse(ctx, job, &root, patience),
        Job::Verify(job) => jobs::verify::start(ctx, job, &root, patience),
    }
    .map(drop)
}

fn entry(
    ctx: &Context,
    ty: JobType,
    name: &str,
    schedule: Option<String>,
    now: i64,
    job: Job,
) -> Entry<Job> {
    let state = jobs::state(&jobs::states(ctx), ctx.tasks(), ty, name, now);
    let last_run = state.last_run(now);
    if state == JobState::Unknown {
        // From then on it counts from here; if that fails too it does so once more in a minute.
        drop(jobs::states(ctx).create(ty, name, last_run));
    }
    Entry {
        job,
        schedule,
        last_run,
    }
}

fn collections(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let stores = ctx.configuration().datastores()?.value.list()?;
    let entry = |store: config::files::Datastore| {
        let job = Job::GarbageCollection(store.name.clone());
        let ty = JobType::GarbageCollection;
        entry(ctx, ty, store.name.as_str(), store.gc_schedule, now, job)
    };
    Ok(stores.into_iter().map(entry).collect())
}

fn prunes(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let (jobs, _) = edit::entries::<PruneJob>(ctx.configuration().dir())?;
    let enabled = jobs.into_iter().filter(|job| job.disable != Some(true));
    let entry = |job: PruneJob| {
        let (id, schedule) = (job.id.clone(), job.schedule.clone());
        entry(
            ctx,
            JobType::Prune,
            &id,
            Some(schedule),
            now,
            Job::Prune(Box::new(job)),
        )
    };
    Ok(enabled.map(entry).collect())
}

fn syncs(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let (jobs, _) = edit::entries::<SyncJob>(ctx.configuration().dir())?;
    let entry = |job: SyncJob| {
        let (id, schedule) = (job.id.clone(), job.schedule.clone());
        entry(
            ctx,
            JobType::Sync,
            &id,
            schedule,
            now,
            Job::Sync(Box::new(job)),
        )
    };
    Ok(jobs.into_iter().map(entry).collect())
}

fn verifies(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let (jobs, _) = edit::entries::<VerifyJob>(ctx.configuration().dir())?;
    let entry = |job: VerifyJob| {
        let (id, schedule) = (job.id.clone(), job.schedule.clone());
        entry(
            ctx,
            JobType::Verify,
            &id,
            schedule,
            now,
            Job::Verify(Box::new(job)),
        )
    };
    Ok(jobs.into_iter().map(entry).collect())
}

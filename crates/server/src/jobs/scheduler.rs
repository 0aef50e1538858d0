//! Looks once a minute which jobs are due, and starts them as `root@pam` (server.md 4.2). The configuration is read anew each time,
//! and once more when a job has the disk of its datastore: it may have waited long, and be another one by now.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use config::edit::{self, EditError};
use config::files::{Datastore, PruneJob, SyncJob, VerifyJob};
use format::{AuthId, StoreName};

use crate::blocking::Broken;
use crate::context::Context;
use crate::fault::{Fault, with_causes};
use crate::jobs::schedule::{Entry, due};
use crate::jobs::state::{JobState, JobType};
use crate::jobs::{self, Patience};

/// What can be scheduled.
#[derive(Debug, PartialEq)]
enum Job {
    GarbageCollection(StoreName),
    Prune(Box<PruneJob>),
    Sync(Box<SyncJob>),
    Verify(Box<VerifyJob>),
}

/// Runs until the server is gone: at each full minute what is due.
pub async fn run(ctx: Weak<Context>) {
    let starting = Starting::default();
    loop {
        let now = jiff::Timestamp::now();
        let into_minute = now.as_millisecond().rem_euclid(60_000).unsigned_abs();
        tokio::time::sleep(Duration::from_millis(60_000 - into_minute)).await;
        let Some(ctx) = ctx.upgrade() else { return };
        let now = ctx.now();
        let inner = Arc::clone(&ctx);
        match ctx.blocking().run(move || look(&inner, now)).await {
            Ok(jobs) => jobs
                .into_iter()
                .for_each(|job| start_soon(&ctx, &starting, job, now)),
            Err(_) => tracing::error!("looking for jobs that are due failed inside"),
        }
    }
}

/// The jobs that are about to be started.
type Starting = Arc<Mutex<HashSet<String>>>;

/// Starts a job where its datastore has room for it. A disk that does not answer keeps the jobs of its datastore and no others.
fn start_soon(ctx: &Arc<Context>, starting: &Starting, job: Job, now: i64) {
    let store = match job.store() {
        Ok(store) => store,
        Err(error) => return tracing::warn!("cannot start {job:?}: {}", with_causes(&error)),
    };
    let name = job.name();
    if !lock(starting).insert(name.clone()) {
        return tracing::warn!("cannot start {name}: the disk of datastore '{store}' is silent");
    }
    let (ctx, starting) = (Arc::clone(ctx), Arc::clone(starting));
    tokio::spawn(async move {
        if in_turn(&ctx, &store, job, now).await.is_err() {
            tracing::error!("starting {name} failed inside");
        }
        lock(&starting).remove(&name);
    });
}

fn lock(starting: &Starting) -> MutexGuard<'_, HashSet<String>> {
    starting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a job when its datastore has a turn for it, however late that is; whether it was started.
async fn in_turn(
    ctx: &Arc<Context>,
    store: &StoreName,
    job: Job,
    now: i64,
) -> Result<bool, Broken> {
    let inner = Arc::clone(ctx);
    let work = move || started(&inner, &job, now);
    ctx.on_disk(store).run(work).await
}

/// Starts what is due at `now`, one after the other; gives how many.
pub async fn tick(ctx: &Arc<Context>, now: i64) -> Result<usize, Broken> {
    let inner = Arc::clone(ctx);
    let jobs = ctx.blocking().run(move || look(&inner, now)).await?;
    let mut count = 0;
    for job in jobs {
        match job.store() {
            Ok(store) => count += usize::from(in_turn(ctx, &store, job, now).await?),
            Err(error) => tracing::warn!("cannot start {job:?}: {}", with_causes(&error)),
        }
    }
    Ok(count)
}

/// What is due at `now`. Blocking. What keeps one job from running is told in the server's log and does not keep others.
fn look(ctx: &Arc<Context>, now: i64) -> Vec<Job> {
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
    due(entries, now, &ctx.settings().zone)
}

/// Whether a job was started; if not, the reason is in the log.
fn started(ctx: &Arc<Context>, job: &Job, now: i64) -> bool {
    let start = || match is_still_due(ctx, job, now)? {
        true => start(ctx, job, now).map(|()| true),
        false => Ok(false),
    };
    match start() {
        Ok(true) => return true,
        Ok(false) => tracing::info!(
            "{} was changed or removed, or has run, before its turn came",
            job.name()
        ),
        // It runs, or will when its datastore is back.
        Err(
            Fault::JobRunning(_)
            | Fault::JobLeft(..)
            | Fault::Maintenance { .. }
            | Fault::NotMounted(_),
        ) => {}
        Err(fault) => tracing::warn!("cannot start {job:?}: {}", with_causes(&fault)),
    }
    false
}

impl Job {
    fn name(&self) -> String {
        match self {
            Job::GarbageCollection(store) => format!("garbage collection of '{store}'"),
            Job::Prune(job) => format!("prune job '{}'", job.id),
            Job::Sync(job) => format!("sync job '{}'", job.id),
            Job::Verify(job) => format!("verification job '{}'", job.id),
        }
    }

    fn store(&self) -> Result<StoreName, format::NameError> {
        match self {
            Job::GarbageCollection(store) => Ok(store.clone()),
            Job::Prune(job) => job.store.parse(),
            Job::Sync(job) => job.store.parse(),
            Job::Verify(job) => job.store.parse(),
        }
    }
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

/// Whether a job is the same as when it was found, and still due. One that was changed comes again with the next minute, if it is due then.
fn is_still_due(ctx: &Context, job: &Job, now: i64) -> Result<bool, Fault> {
    let again = match job {
        Job::GarbageCollection(name) => {
            let stores = ctx.configuration().datastores()?.value.list()?;
            let store = stores.into_iter().find(|store| store.name == *name);
            store.map(|store| collection(ctx, store, now))
        }
        Job::Prune(job) => found(ctx, &job.id)?.map(|job| prune(ctx, job, now)),
        Job::Sync(job) => found(ctx, &job.id)?.map(|job| sync(ctx, job, now)),
        Job::Verify(job) => found(ctx, &job.id)?.map(|job| verify(ctx, job, now)),
    };
    let again = due(again.into_iter().collect(), now, &ctx.settings().zone);
    Ok(again.first() == Some(job))
}

fn found<E: config::Entry>(ctx: &Context, id: &str) -> Result<Option<E>, Fault> {
    match edit::find_entry(ctx.configuration().dir(), id) {
        Ok((job, _)) => Ok(Some(job)),
        Err(EditError::NoSuchEntry(..)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn collections(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let stores = ctx.configuration().datastores()?.value.list()?;
    let entry = |store| collection(ctx, store, now);
    Ok(stores.into_iter().map(entry).collect())
}

fn prunes(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let (jobs, _) = edit::entries::<PruneJob>(ctx.configuration().dir())?;
    let enabled = jobs.into_iter().filter(|job| job.disable != Some(true));
    Ok(enabled.map(|job| prune(ctx, job, now)).collect())
}

fn syncs(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let (jobs, _) = edit::entries::<SyncJob>(ctx.configuration().dir())?;
    Ok(jobs.into_iter().map(|job| sync(ctx, job, now)).collect())
}

fn verifies(ctx: &Context, now: i64) -> Result<Vec<Entry<Job>>, Fault> {
    let (jobs, _) = edit::entries::<VerifyJob>(ctx.configuration().dir())?;
    Ok(jobs.into_iter().map(|job| verify(ctx, job, now)).collect())
}

fn collection(ctx: &Context, store: Datastore, now: i64) -> Entry<Job> {
    let job = Job::GarbageCollection(store.name.clone());
    let ty = JobType::GarbageCollection;
    entry(ctx, ty, store.name.as_str(), store.gc_schedule, now, job)
}

fn prune(ctx: &Context, job: PruneJob, now: i64) -> Entry<Job> {
    let (id, schedule) = (job.id.clone(), Some(job.schedule.clone()));
    let job = Job::Prune(Box::new(job));
    entry(ctx, JobType::Prune, &id, schedule, now, job)
}

fn sync(ctx: &Context, job: SyncJob, now: i64) -> Entry<Job> {
    let (id, schedule) = (job.id.clone(), job.schedule.clone());
    let job = Job::Sync(Box::new(job));
    entry(ctx, JobType::Sync, &id, schedule, now, job)
}

fn verify(ctx: &Context, job: VerifyJob, now: i64) -> Entry<Job> {
    let (id, schedule) = (job.id.clone(), job.schedule.clone());
    let job = Job::Verify(Box::new(job));
    entry(ctx, JobType::Verify, &id, schedule, now, job)
}

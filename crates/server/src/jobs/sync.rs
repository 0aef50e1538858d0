//! Sync jobs whose time has come. This build keeps them and cannot run them; so that nobody believes in copies that are not there, each such
//! run is a task that fails and says so.

use std::sync::Arc;

use api::Upid;
use config::files::SyncJob;
use format::AuthId;

use crate::context::Context;
use crate::fault::Fault;
use crate::jobs::state::JobType;
use crate::jobs::{self, Patience};

/// Leaves a failed task in place of a run by schedule.
pub fn refuse(
    ctx: &Arc<Context>,
    job: &SyncJob,
    auth_id: &AuthId,
    patience: Patience,
) -> Result<Upid, Fault> {
    let run = jobs::Run {
        ty: JobType::Sync,
        name: &job.id,
        worker_id: &worker_id(job),
        auth_id,
    };
    run.start(ctx, patience, |_| Err(Fault::NotYet("sync").to_string()))
}

/// As task ids show a job's run.
pub fn worker_id(job: &SyncJob) -> String {
    let remote = job.remote.as_deref().unwrap_or("-");
    format!(
        "{remote}:{}:{}:{}:{}",
        job.remote_store, job.store, job.ns, job.id
    )
}

//! What the two kinds of jobs with a file have in common for their routes: who may see, read and change them (server.md 2.6), and how they
//! start. The privileges are looked up where the job works.

use std::sync::Arc;

use api::{Privileges as P, Upid};
use config::files::{Job, PruneJob, VerifyJob};
use format::{AuthId, StoreName};

use crate::context::Context;
use crate::fault::{Fault, Missing};
use crate::jobs::state::JobType;
use crate::jobs::{self, Patience};
use crate::permission;
use crate::route::Call;

/// A job with its rights; any one of the named privileges is enough.
pub trait Rights: Job {
    const TYPE: JobType;
    const LISTS: P;
    const READS: P;
    const CHANGES: P;

    /// Whether its schedule counts.
    fn is_enabled(&self) -> bool;

    /// Runs it now.
    fn start(
        &self,
        ctx: &Arc<Context>,
        auth_id: &AuthId,
        patience: Patience,
    ) -> Result<Upid, Fault>;
}

impl Rights for PruneJob {
    const TYPE: JobType = JobType::Prune;
    const LISTS: P = P::DatastoreAudit.with(P::DatastoreModify);
    const READS: P = P::DatastoreAudit;
    const CHANGES: P = P::DatastoreModify;

    fn is_enabled(&self) -> bool {
        self.disable != Some(true)
    }

    fn start(
        &self,
        ctx: &Arc<Context>,
        auth_id: &AuthId,
        patience: Patience,
    ) -> Result<Upid, Fault> {
        jobs::prune::start(ctx, self, auth_id, patience)
    }
}

impl Rights for VerifyJob {
    const TYPE: JobType = JobType::Verify;
    const LISTS: P = P::DatastoreAudit.with(P::DatastoreVerify);
    const READS: P = P::DatastoreAudit.with(P::DatastoreVerify);
    const CHANGES: P = P::DatastoreVerify;

    fn is_enabled(&self) -> bool {
        true
    }

    fn start(
        &self,
        ctx: &Arc<Context>,
        auth_id: &AuthId,
        patience: Patience,
    ) -> Result<Upid, Fault> {
        jobs::verify::start(ctx, self, auth_id, patience)
    }
}

/// Whether the caller has any of these where the job works.
pub fn holds<J: Job>(call: &Call, job: &J, any: P) -> Result<bool, Fault> {
    let store: StoreName = job.store().parse()?;
    let held = permission::in_namespace(&call.ctx, call.caller()?, &store, job.ns())?;
    Ok(held.intersects(any))
}

/// Refuses a caller who has none of these where the job works.
pub fn check<J: Job>(call: &Call, job: &J, any: P) -> Result<(), Fault> {
    if holds(call, job, any)? {
        return Ok(());
    }
    let path = permission::acl_path(&job.store().parse()?, job.ns());
    Err(Fault::Forbidden(Missing::AnyOf(any, path)))
}

//! What the kinds of jobs with a file have in common for their routes: who may see, read and change them (server.md 2.6), and how they are
//! made, changed and started. The privileges are looked up where the job works.

mod sync;

use std::sync::Arc;

use api::{Privileges as P, Upid};
use config::ConfigDir;
use config::edit::{self, EditError};
use config::files::{Job, PruneJob, VerifyJob};
use format::{AuthId, StoreName};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::fault::{Fault, Missing};
use crate::jobs::state::JobType;
use crate::jobs::{self, Patience};
use crate::permission;
use crate::route::Call;

pub use sync::{Sides, check_single_run};

/// Which sync jobs a list is to have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    All,
    Push,
    #[default]
    Pull,
}

/// A job with its rights.
pub trait Rights: Job {
    const TYPE: JobType;

    /// Whether the caller sees it in lists.
    fn is_listed(&self, call: &Call) -> Result<bool, Fault>;
    /// Refuses a caller who may not read it.
    fn check_read(&self, call: &Call) -> Result<(), Fault>;
    /// Refuses a caller who may not make, change, run or remove it.
    fn check_change(&self, call: &Call) -> Result<(), Fault>;

    /// Whether its schedule counts.
    fn is_enabled(&self) -> bool {
        true
    }

    /// Whether a list of these directions has it.
    fn is_wanted(&self, _: Wanted) -> bool {
        true
    }

    /// Runs it now.
    fn start(
        &self,
        ctx: &Arc<Context>,
        auth_id: &AuthId,
        patience: Patience,
    ) -> Result<Upid, Fault>;

    /// Adds it to its file.
    fn create(dir: &ConfigDir, members: Map<String, Value>) -> Result<Self, EditError> {
        edit::create_entry(dir, members)
    }

    /// Changes it in its file; gives it as it was and as it is.
    fn update(
        dir: &ConfigDir,
        members: Map<String, Value>,
        allowed: impl FnOnce(&Self, &Self) -> Result<(), Fault>,
    ) -> Result<(Self, Self), Fault> {
        edit::update_entry(dir, members, allowed)
    }
}

impl Rights for PruneJob {
    const TYPE: JobType = JobType::Prune;

    fn is_listed(&self, call: &Call) -> Result<bool, Fault> {
        holds(call, self, P::DatastoreAudit | P::DatastoreModify)
    }

    fn check_read(&self, call: &Call) -> Result<(), Fault> {
        check(call, self, P::DatastoreAudit)
    }

    fn check_change(&self, call: &Call) -> Result<(), Fault> {
        check(call, self, P::DatastoreModify)
    }

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

    fn is_listed(&self, call: &Call) -> Result<bool, Fault> {
        holds(call, self, P::DatastoreAudit | P::DatastoreVerify)
    }

    fn check_read(&self, call: &Call) -> Result<(), Fault> {
        check(call, self, P::DatastoreAudit | P::DatastoreVerify)
    }

    fn check_change(&self, call: &Call) -> Result<(), Fault> {
        check(call, self, P::DatastoreVerify)
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
fn holds<J: Job>(call: &Call, job: &J, any: P) -> Result<bool, Fault> {
    let store: StoreName = job.store().parse()?;
    let held = permission::in_namespace(&call.ctx, call.caller()?, &store, job.ns())?;
    Ok(held.intersects(any))
}

/// Refuses a caller who has none of these where the job works.
fn check<J: Job>(call: &Call, job: &J, any: P) -> Result<(), Fault> {
    if holds(call, job, any)? {
        return Ok(());
    }
    let path = permission::acl_path(&job.store().parse()?, job.ns());
    Err(Fault::Forbidden(Missing::AnyOf(any, path)))
}

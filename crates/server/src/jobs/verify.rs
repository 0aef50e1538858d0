//! Verification as a task: of a snapshot, a group, a datastore, or by a job (server.md 4.6).

use std::sync::Arc;

use api::Upid;
use config::files::VerifyJob;
use format::{AuthId, Namespace, Snapshot, StoreName};
use store::{Datastore, VerifyFilter, VerifyMemory, VerifyOutcome, VerifyScope, Watch};

use crate::context::{Access, Context};
use crate::fault::{Fault, with_causes};
use crate::jobs::state::JobType;
use crate::jobs::{self, Patience};

/// What is verified.
#[derive(Debug)]
pub enum What {
    Snapshot(Namespace, Snapshot),
    /// Everything in the scope; the group, if one is named, stands in it.
    Scope(Box<VerifyScope>),
}

/// What is skipped: what was verified already, unless that was more than so many days ago.
pub fn filter(
    ignore_verified: Option<bool>,
    outdated_after: Option<i64>,
    now: i64,
) -> VerifyFilter {
    match (ignore_verified.unwrap_or(true), outdated_after) {
        (false, _) => VerifyFilter::All,
        (true, Some(days)) => VerifyFilter::Outdated { days, now },
        (true, None) => VerifyFilter::Unverified,
    }
}

/// Runs a job now.
pub fn start(
    ctx: &Arc<Context>,
    job: &VerifyJob,
    auth_id: &AuthId,
    patience: Patience,
) -> Result<Upid, Fault> {
    let name: StoreName = job.store.parse()?;
    // What cannot be verified now is told at once; while the task waits it holds nothing of the datastore.
    drop(ctx.datastore(&name, Access::Read)?);
    let filter = filter(job.ignore_verified, job.outdated_after, ctx.now());
    let what = what(job);
    let run = jobs::Run {
        ty: JobType::Verify,
        name: &job.id,
        worker_id: &format!("{}:{}", job.store, job.id),
        auth_id,
    };
    let (job, inner, of) = (job.clone(), Arc::clone(ctx), name.clone());
    run.start_in_turn(ctx, patience, (ctx.verifications(), &name), move |task| {
        let store = with_threads(open(&inner, &of)?, &job);
        task.log(&format!("starting verification job '{}'", job.id));
        verify(&store, &what, filter, task.text(), task)
    })
}

/// The datastore, for a task whose turn has come.
pub fn open(ctx: &Context, name: &StoreName) -> Result<Datastore, String> {
    ctx.datastore(name, Access::Read)
        .map_err(|fault| with_causes(&fault))
}

/// The store with the numbers of threads that a job names.
pub fn with_threads(store: Datastore, job: &VerifyJob) -> Datastore {
    store.with_verify_threads(job.read_threads, job.verify_threads)
}

/// All that a job verifies, whoever owns it.
pub fn what(job: &VerifyJob) -> What {
    What::Scope(Box::new(VerifyScope {
        ns: job.ns.clone(),
        max_depth: job.max_depth,
        group: None,
        owned_by: None,
    }))
}

/// Verifies; the error is the task's.
pub fn verify(
    store: &Datastore,
    what: &What,
    filter: VerifyFilter,
    upid: &str,
    watch: &dyn Watch,
) -> Result<(), String> {
    let (failed, stopped) = match what {
        What::Snapshot(ns, snapshot) => {
            let mut memory = VerifyMemory::default();
            let outcome = store.verify_snapshot(ns, snapshot, filter, &mut memory, upid, watch);
            let failed = outcome.map_err(|e| with_causes(&e))? == VerifyOutcome::Failed;
            if failed {
                watch.log("Failed to verify the following snapshots/groups:");
                let ns = if ns.is_root() {
                    String::new()
                } else {
                    format!("{ns}:")
                };
                watch.log(&format!("\t{ns}{snapshot}"));
            }
            (failed, watch.stopped())
        }
        // It has listed what failed itself.
        What::Scope(scope) => {
            let report = store.verify_all(scope, filter, upid, watch);
            let failed = !report.failed.is_empty();
            if report.unlisted > 0 && !failed && !report.stopped {
                return Err(
                    "verification failed - some groups could not be listed, see the log".to_owned(),
                );
            }
            (failed, report.stopped)
        }
    };
    if failed {
        return Err("verification failed - please check the log for details".to_owned());
    }
    if stopped {
        Err("task aborted".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped() {
        let now = 1_700_000_000;
        for (ignore, after, expected) in [
            (None, None, VerifyFilter::Unverified),
            (Some(true), None, VerifyFilter::Unverified),
            (Some(false), None, VerifyFilter::All),
            (Some(false), Some(30), VerifyFilter::All),
            (None, Some(30), VerifyFilter::Outdated { days: 30, now }),
            // Deprecated: older than a whole day.
            (Some(true), Some(0), VerifyFilter::Outdated { days: 0, now }),
        ] {
            assert_eq!(filter(ignore, after, now), expected, "{ignore:?} {after:?}");
        }
    }
}

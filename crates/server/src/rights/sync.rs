//! Who may see, change and run sync jobs, and sync once without a job (server.md 2.6): rights on both sides must come together.

use std::sync::Arc;

use api::{Privileges as P, Upid};
use config::ConfigDir;
use config::edit::{self, EditError};
use config::files::{SyncDirection, SyncJob};
use format::{AuthId, Namespace, StoreName};
use serde_json::{Map, Value};

use super::{Rights, Wanted};
use crate::context::Context;
use crate::fault::{Fault, Missing};
use crate::jobs::Patience;
use crate::jobs::state::JobType;
use crate::permission;
use crate::route::Call;

/// Where a sync reads and writes.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    pub store: &'a str,
    pub ns: &'a Namespace,
    /// Both sides are of this server if missing.
    pub remote: Option<&'a str>,
    pub remote_store: &'a str,
    pub remote_ns: &'a Namespace,
}

impl<'a> Sides<'a> {
    fn of(job: &'a SyncJob) -> Sides<'a> {
        Sides {
            store: &job.store,
            ns: &job.ns,
            remote: job.remote.as_deref(),
            remote_store: &job.remote_store,
            remote_ns: &job.remote_ns,
        }
    }

    /// What a caller may do on this side.
    fn here(&self, call: &Call) -> Result<P, Fault> {
        let store: StoreName = self.store.parse()?;
        permission::in_namespace(&call.ctx, call.caller()?, &store, self.ns)
    }

    /// The datastore that is pulled from.
    fn source(&self) -> Vec<&'a str> {
        match self.remote {
            Some(remote) => vec!["remote", remote, self.remote_store],
            None => vec!["datastore", self.remote_store],
        }
    }

    /// The namespace that is pushed to. A push without a remote is refused elsewhere; it has rights on nothing.
    fn target(&self) -> Vec<&'a str> {
        let mut path = vec!["remote", self.remote.unwrap_or_default(), self.remote_store];
        path.extend(self.remote_ns.components());
        path
    }
}

fn held(call: &Call, path: &[&str]) -> Result<P, Fault> {
    call.ctx.privileges(call.caller()?, path)
}

fn is_visible(call: &Call, job: &SyncJob) -> Result<bool, Fault> {
    let sides = Sides::of(job);
    let there = match (job.direction(), sides.remote) {
        (SyncDirection::Push, _) => held(call, &sides.target())?.contains(P::RemoteAudit),
        (SyncDirection::Pull, Some(remote)) => {
            held(call, &["remote", remote])?.contains(P::RemoteAudit)
        }
        (SyncDirection::Pull, None) => held(call, &sides.source())?.contains(P::DatastoreAudit),
    };
    Ok(there && sides.here(call)?.contains(P::DatastoreAudit))
}

fn may_change(call: &Call, job: &SyncJob) -> Result<bool, Fault> {
    let sides = Sides::of(job);
    let here = sides.here(call)?;
    let removes = job.remove_vanished == Some(true);
    let owner = job.owner.clone().unwrap_or_else(AuthId::root);
    let acts_as_owner = owner.owns(call.caller()?) || here.contains(P::DatastoreModify);
    Ok(match job.direction() {
        SyncDirection::Pull => {
            let from = match sides.remote {
                Some(_) => held(call, &sides.source())?.contains(P::RemoteRead),
                None => true,
            };
            from && acts_as_owner
                && here.contains(P::DatastoreAudit | P::DatastoreBackup)
                && (!removes || here.contains(P::DatastorePrune))
        }
        SyncDirection::Push => {
            let there = held(call, &sides.target())?;
            let reads = here.contains(P::DatastoreRead)
                || (here.contains(P::DatastoreBackup) && acts_as_owner);
            reads
                && here.contains(P::DatastoreAudit)
                && there.contains(P::RemoteDatastoreBackup)
                && (!removes || there.contains(P::RemoteDatastorePrune))
        }
    })
}

/// Refuses a caller who may not sync once.
pub fn check_single_run(
    call: &Call,
    direction: SyncDirection,
    sides: Sides<'_>,
    removes: bool,
) -> Result<(), Fault> {
    let prunes = |right: P| if removes { right } else { P::NONE };
    let (here, there, path) = match (direction, sides.remote) {
        (SyncDirection::Push, _) => (
            [P::DatastoreRead | P::DatastoreBackup, P::NONE],
            [P::RemoteDatastoreBackup, prunes(P::RemoteDatastorePrune)],
            sides.target(),
        ),
        (SyncDirection::Pull, remote) => (
            [P::DatastoreBackup, prunes(P::DatastorePrune)],
            match remote {
                Some(_) => [P::RemoteRead, P::NONE],
                None => [P::DatastoreBackup, P::NONE],
            },
            sides.source(),
        ),
    };
    let store: StoreName = sides.store.parse()?;
    let local = permission::acl_path(&store, sides.ns);
    need(sides.here(call)?, here, || local)?;
    need(held(call, &path)?, there, || format!("/{}", path.join("/")))
}

/// Of each set any one; an empty set asks for nothing.
fn need(held: P, sets: [P; 2], path: impl FnOnce() -> String) -> Result<(), Fault> {
    match sets
        .into_iter()
        .find(|any| !any.is_empty() && !held.intersects(*any))
    {
        Some(any) => Err(Fault::Forbidden(Missing::AnyOf(any, path()))),
        None => Ok(()),
    }
}

impl Rights for SyncJob {
    const TYPE: JobType = JobType::Sync;

    fn is_listed(&self, call: &Call) -> Result<bool, Fault> {
        is_visible(call, self)
    }

    fn check_read(&self, call: &Call) -> Result<(), Fault> {
        allowed(is_visible(call, self)?)
    }

    fn check_change(&self, call: &Call) -> Result<(), Fault> {
        allowed(may_change(call, self)?)
    }

    fn is_wanted(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::All => true,
            Wanted::Push => self.direction() == SyncDirection::Push,
            Wanted::Pull => self.direction() == SyncDirection::Pull,
        }
    }

    fn start(&self, _: &Arc<Context>, _: &AuthId, _: Patience) -> Result<Upid, Fault> {
        Err(Fault::NotYet("sync"))
    }

    fn create(dir: &ConfigDir, members: Map<String, Value>) -> Result<SyncJob, EditError> {
        edit::create_sync_job(dir, members)
    }

    fn update(
        dir: &ConfigDir,
        members: Map<String, Value>,
        allowed: impl FnOnce(&SyncJob, &SyncJob) -> Result<(), Fault>,
    ) -> Result<(SyncJob, SyncJob), Fault> {
        edit::update_sync_job(dir, members, allowed)
    }
}

fn allowed(allowed: bool) -> Result<(), Fault> {
    if allowed {
        Ok(())
    } else {
        Err(Fault::SyncForbidden)
    }
}

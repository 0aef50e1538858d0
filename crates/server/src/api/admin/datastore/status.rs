//! `GET /admin/datastore/{store}/status`: space, and what is stored.

use api::Privileges as P;
use api::rest::datastore::{Counts, StoreStatus, TypeCounts};
use format::StoreName;
use serde::Deserialize;
use store::TypeCount;

use crate::context::Access;
use crate::fault::{Fault, Missing};
use crate::jobs;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Deserialize)]
struct Query {
    store: StoreName,
    #[serde(default)]
    verbose: bool,
}

/// `GET`: all numbers with Audit or Backup; with less, that the store is there.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let Query {
        store: name,
        verbose,
    } = call.params.read()?;
    let caller = call.caller()?;
    let acl = call.ctx.configuration().acl()?;
    let path = ["datastore", name.as_str()];
    let held = acl.value.privileges(caller, &path).all;
    let full = held.intersects(P::DatastoreAudit | P::DatastoreBackup);
    let any = P::DatastoreModify | P::DatastoreRead | P::DatastoreBackup | P::DatastoreAudit;
    let part =
        held.intersects(P::DatastoreRead) || acl.value.any_privilege_below(caller, &path, any);
    if !full && !part {
        return Err(Fault::Forbidden(Missing::Unnamed));
    }
    let store = call.ctx.datastore(&name, Access::Read)?;
    let mut status = StoreStatus {
        avail: 0,
        backend_type: Some("filesystem".to_owned()),
        counts: None,
        gc_status: None,
        total: 0,
        used: 0,
    };
    if full {
        let usage = store.usage()?;
        (status.total, status.used, status.avail) = (usage.total, usage.used, usage.avail);
    }
    if verbose {
        let counts = store.counts()?;
        let (ct, host, vm) = (
            type_counts(counts.ct),
            type_counts(counts.host),
            type_counts(counts.vm),
        );
        status.counts = Some(Counts {
            ct,
            host,
            vm,
            other: None,
        });
        status.gc_status = full.then(|| jobs::gc::status(&store));
    }
    Answer::data(&status)
}

/// A type without groups is `null`.
fn type_counts(count: TypeCount) -> Option<TypeCounts> {
    (count.groups > 0).then_some(TypeCounts {
        groups: count.groups,
        snapshots: count.snapshots,
    })
}

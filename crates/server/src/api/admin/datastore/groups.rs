//! `/admin/datastore/{store}/groups`: the groups of a namespace.

use api::rest::snapshot::{GroupItem, InNamespace, RemoveReport};
use format::{AuthId, Group, Namespace};
use store::{Datastore, StoreError, Uploads};

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Grant};

/// `GET`: without the right to all of them those that the caller owns.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let place: InNamespace = call.params.read()?;
    let caller = call.caller()?;
    let store = parent::open(call, &place, Access::Read)?;
    let mut items = Vec::new();
    for group in store.groups(&place.ns)? {
        let owner = store.owner(&place.ns, &group).ok();
        let own = owner.as_ref().is_some_and(|owner| owner.owns(caller));
        if call.grant == Grant::Full || own {
            match item(&store, &place.ns, &group, owner) {
                Ok(item) => items.push(item),
                // Removed or moved since it was listed.
                Err(StoreError::NoGroup { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Answer::data(&items)
}

fn item(
    store: &Datastore,
    ns: &Namespace,
    group: &Group,
    owner: Option<AuthId>,
) -> Result<GroupItem, StoreError> {
    let snapshots = store.snapshots(ns, group)?;
    let newest = |finished: bool| {
        let wanted = snapshots
            .iter()
            .filter(move |info| !finished || info.is_finished());
        wanted.max_by_key(|info| info.snapshot.time)
    };
    let shown = newest(true).or_else(|| newest(false));
    Ok(GroupItem {
        backup_count: snapshots.len() as u64,
        backup_id: group.id.clone(),
        backup_type: group.ty,
        comment: parent::comment(&store.group_notes(ns, group).unwrap_or_default()),
        files: shown
            .into_iter()
            .flat_map(|info| &info.files)
            .map(|file| file.to_string())
            .collect(),
        last_backup: shown.map_or(0, |info| info.snapshot.time.epoch()),
        owner,
    })
}

/// `DELETE`: a group with all its snapshots but the protected ones.
pub fn delete(call: &Call) -> Result<Answer, Fault> {
    let (store, request, group) = parent::on_group(call, Access::Write)?;
    let report = store.forget_group(&request.place.ns, &group)?;
    if report.removed_groups > 0 {
        let (name, ns) = (store.name(), &request.place.ns);
        let forget = |uploads: &Uploads| uploads.forget_group(name, ns, &group);
        call.ctx.forget_some_uploads(name, forget);
    }
    if report.protected_snapshots > 0 && request.error_on_protected.unwrap_or(true) {
        return Err(Fault::ProtectedKept {
            count: report.protected_snapshots,
        });
    }
    Answer::data(&removed(report))
}

/// A removal as replies tell it.
pub fn removed(report: store::ForgetReport) -> RemoveReport {
    RemoveReport {
        protected_snapshots: report.protected_snapshots,
        removed_groups: report.removed_groups,
        removed_snapshots: report.removed_snapshots,
    }
}

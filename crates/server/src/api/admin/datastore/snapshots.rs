//! `/admin/datastore/{store}/snapshots`: the snapshots of a namespace, of a type, of a group.

use api::rest::snapshot::{SnapshotItem, SnapshotsQuery, Verification, VerifyState};
use format::manifest::VerifyStateKind;
use format::{AuthId, Manifest, Namespace};
use store::{Datastore, SnapshotInfo, StoreError};

use crate::api::admin::datastore as parent;
use crate::api::admin::datastore::files;
use crate::context::Access;
use crate::fault::Fault;
use crate::permission;
use crate::reply::Answer;
use crate::route::{Call, Grant};

/// `GET`: without the right to all of them those of groups that the caller owns.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let query: SnapshotsQuery = call.params.read()?;
    let caller = call.caller()?;
    let (store, ns) = (
        parent::open(call, &query.place, Access::Read)?,
        &query.place.ns,
    );
    let mut items = Vec::new();
    for group in store.groups(ns)? {
        let type_fits = query.backup_type.is_none_or(|ty| ty == group.ty);
        if !type_fits || query.backup_id.as_ref().is_some_and(|id| *id != group.id) {
            continue;
        }
        let owner = store.owner(ns, &group).ok();
        let own = owner.as_ref().is_some_and(|owner| owner.owns(caller));
        if call.grant != Grant::Full && !own {
            continue;
        }
        let infos = match store.snapshots(ns, &group) {
            // Removed or moved since it was listed.
            Err(StoreError::NoGroup { .. }) => continue,
            infos => infos?,
        };
        items.extend(
            infos
                .iter()
                .map(|info| item(&store, ns, info, owner.clone())),
        );
    }
    Answer::data(&items)
}

fn item(
    store: &Datastore,
    ns: &Namespace,
    info: &SnapshotInfo,
    owner: Option<AuthId>,
) -> SnapshotItem {
    let manifest = store
        .snapshot(ns, &info.snapshot)
        .and_then(|dir| dir.manifest());
    // One damaged manifest must not hide all other snapshots, and a running backup has none yet.
    let manifest = manifest
        .inspect_err(|e| tracing::debug!("{}: {e}", info.snapshot))
        .ok();
    let files = files::items(info, manifest.as_ref());
    let m = manifest.as_ref().map(|(manifest, _)| manifest);
    let format::Snapshot { group, time } = info.snapshot.clone();
    SnapshotItem {
        backup_type: group.ty,
        backup_id: group.id,
        backup_time: time,
        comment: m.and_then(|m| parent::comment(m.notes())),
        verification: m.and_then(verification),
        fingerprint: m.and_then(|m| m.key_fingerprint().ok().flatten()),
        size: m.map(|_| files.iter().filter_map(|file| file.size).sum()),
        files,
        owner,
        protected: info.protected,
    }
}

fn verification(manifest: &Manifest) -> Option<Verification> {
    let state = manifest.verify_state().ok().flatten()?;
    Some(Verification {
        upid: state.upid.parse().ok()?,
        state: match state.state {
            VerifyStateKind::Ok => VerifyState::Ok,
            VerifyStateKind::Failed => VerifyState::Failed,
        },
    })
}

/// `DELETE`
pub fn delete(call: &Call) -> Result<Answer, Fault> {
    let request: api::rest::snapshot::OnSnapshot = call.params.read()?;
    let store = parent::open(call, &request.place, Access::Write)?;
    let snapshot = request.snapshot.into();
    let format::Snapshot { group, .. } = &snapshot;
    permission::check_owner(call, &store, &request.place.ns, group)?;
    store.forget_snapshot(&request.place.ns, &snapshot)?;
    Ok(Answer::null())
}

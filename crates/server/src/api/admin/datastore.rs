//! `/admin/datastore`: the datastores and what is in them (protocol.md 6.2 to 6.6, privileges from server.md 2.5).

mod active_operations;
mod catalog;
mod change_owner;
mod download;
mod files;
mod gc;
mod groups;
mod list;
mod mount;
mod move_group;
mod move_namespace;
mod namespace;
mod notes;
mod protected;
mod prune;
mod prune_datastore;
mod pxar_file_download;
mod rrd;
mod search;
mod selection;
mod snapshot_diff;
mod snapshots;
mod status;
mod upload_backup_log;
mod usage;
mod verify;

use api::Privileges as P;
use api::kinds;
use api::rest::datastore::returns as r_store;
use api::rest::snapshot::InNamespace;
use api::rest::snapshot::returns as r;
use api::rest::{
    catalog as in_catalog, datastore as in_store, diff as in_diff, namespace as in_ns,
    search as in_search, selection as in_selection, snapshot as s, statistics,
};
use api::schema::{ParamErrors, Returns, Schema, ValueError};
use format::{CHUNK_ENCODED_MAX, StoreName};
use http::Method;
use store::{Datastore, SnapshotDir};

use crate::context::Access;
use crate::fault::Fault;
use crate::permission;
use crate::route::{Call, Handler, Needs, Route};

const fn needs(full: P, own: P) -> Needs {
    Needs::InNamespace { full, own }
}

const LISTS: Needs = needs(P::DatastoreAudit, P::DatastoreBackup);
const LISTS_FILES: Needs = needs(P::DatastoreAudit.with(P::DatastoreRead), P::DatastoreBackup);
/// Who may read files: of all groups, of his own.
const MAY_READ: (P, P) = (P::DatastoreRead, P::DatastoreBackup);
const READS: Needs = needs(MAY_READ.0, MAY_READ.1);
const CHANGES: Needs = needs(P::DatastoreModify, P::DatastoreBackup);
const REMOVES: Needs = needs(P::DatastoreModify, P::DatastorePrune);
const VERIFIES: Needs = needs(P::DatastoreVerify, P::DatastoreBackup);
const GC_READS: Needs = Needs::On(&["datastore", "{store}"], P::DatastoreAudit);
const GC_STARTS: Needs = Needs::On(&["datastore", "{store}"], P::DatastoreModify);
const MOUNTS: Needs = Needs::All(&[
    Needs::On(&["datastore", "{store}"], P::DatastoreModify),
    Needs::On(&["system", "disks"], P::SysModify),
]);
const SEES: Needs = Needs::On(
    &["datastore", "{store}"],
    P::DatastoreAudit.with(P::DatastoreBackup),
);
const OWNS: Needs = needs(P::NONE, P::DatastoreBackup);

const BYTES: Returns = Returns::Bytes("application/octet-stream");

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "admin/datastore", Needs::Anybody, Schema(&[]), Handler::Call(list::list)).returns(r_store::STORES),
    Route::new(Method::GET, "admin/datastore/{store}/status", Needs::Anybody, in_store::STATUS, Handler::Call(status::read)).returns(r_store::STATUS),
    Route::new(Method::GET, "admin/datastore/{store}/active-operations", GC_READS, in_store::STORE, Handler::Call(active_operations::read)).returns(in_store::ACTIVE_OPERATIONS),
    Route::new(Method::POST, "admin/datastore/{store}/mount", MOUNTS, in_store::STORE, Handler::Call(mount::mount)).returns(r::TASK),
    Route::new(Method::POST, "admin/datastore/{store}/unmount", MOUNTS, in_store::STORE, Handler::Call(mount::unmount)).returns(r::TASK),
    Route::new(Method::PUT, "admin/datastore/{store}/s3-refresh", GC_STARTS, in_store::STORE, Handler::Call(mount::s3_refresh)).returns(r::TASK).not_all(),
    Route::new(Method::GET, "admin/datastore/{store}/usage", GC_READS, in_store::SPACE, Handler::Call(usage::read)).returns(r_store::SPACE),
    Route::new(Method::POST, "admin/datastore/{store}/usage", GC_STARTS, in_store::SPACE_UPDATE, Handler::Call(usage::update)).returns(r::TASK),
    Route::new(Method::GET, "admin/datastore/{store}/groups", LISTS, s::GROUPS, Handler::Call(groups::list)).returns(r::GROUPS),
    Route::new(Method::DELETE, "admin/datastore/{store}/groups", REMOVES, s::GROUP_DELETE, Handler::Call(groups::delete)).returns(r::REMOVED),
    Route::new(Method::GET, "admin/datastore/{store}/snapshots", LISTS, s::SNAPSHOTS, Handler::Call(snapshots::list)).returns(r::SNAPSHOTS),
    Route::new(Method::DELETE, "admin/datastore/{store}/snapshots", REMOVES, s::SNAPSHOT, Handler::Call(snapshots::delete)),
    Route::new(Method::GET, "admin/datastore/{store}/files", LISTS_FILES, s::SNAPSHOT, Handler::Call(files::list)).returns(r::FILES),
    Route::new(Method::GET, "admin/datastore/{store}/notes", LISTS, s::SNAPSHOT, Handler::Call(notes::read)).returns(Returns::TEXT),
    Route::new(Method::PUT, "admin/datastore/{store}/notes", CHANGES, s::NOTES, Handler::Call(notes::write)),
    Route::new(Method::GET, "admin/datastore/{store}/group-notes", LISTS, s::GROUP, Handler::Call(notes::read_group)).returns(Returns::TEXT),
    Route::new(Method::PUT, "admin/datastore/{store}/group-notes", CHANGES, s::GROUP_NOTES, Handler::Call(notes::write_group)),
    Route::new(Method::GET, "admin/datastore/{store}/protected", LISTS, s::SNAPSHOT, Handler::Call(protected::read)).returns(Returns::BOOLEAN),
    Route::new(Method::PUT, "admin/datastore/{store}/protected", CHANGES, s::PROTECTED, Handler::Call(protected::write)),
    Route::new(Method::POST, "admin/datastore/{store}/change-owner", CHANGES, s::CHANGE_OWNER, Handler::Call(change_owner::change)),
    Route::new(Method::GET, "admin/datastore/{store}/namespace", Needs::Anybody, in_ns::LIST, Handler::Call(namespace::list)).returns(in_ns::NAMESPACES),
    Route::new(Method::POST, "admin/datastore/{store}/namespace", Needs::Anybody, in_ns::CREATE, Handler::Call(namespace::create)).returns(Returns::Value(kinds::NAMESPACE)),
    Route::new(Method::DELETE, "admin/datastore/{store}/namespace", Needs::Anybody, in_ns::DELETE, Handler::Call(namespace::delete)).returns(r::REMOVED),
    Route::new(Method::POST, "admin/datastore/{store}/move-group", REMOVES, in_ns::MOVE_GROUP, Handler::Call(move_group::start)).returns(r::TASK),
    Route::new(Method::POST, "admin/datastore/{store}/move-namespace", Needs::Anybody, in_ns::MOVE_NAMESPACE, Handler::Call(move_namespace::start)).returns(r::TASK),
    Route::new(Method::POST, "admin/datastore/{store}/verify", VERIFIES, s::VERIFY, Handler::Call(verify::start)).returns(r::TASK),
    Route::new(Method::GET, "admin/datastore/{store}/gc", GC_READS, in_store::STORE, Handler::Call(gc::read)).returns(r_store::GC_JOB),
    Route::new(Method::POST, "admin/datastore/{store}/gc", GC_STARTS, in_store::STORE, Handler::Call(gc::start)).returns(r::TASK),
    Route::new(Method::POST, "admin/datastore/{store}/prune", REMOVES, s::PRUNE, Handler::Call(prune::prune)).returns(r::PRUNED),
    Route::new(Method::POST, "admin/datastore/{store}/prune-datastore", REMOVES, s::PRUNE_STORE, Handler::Call(prune_datastore::start)).returns(r::TASK),
    Route::new(Method::GET, "admin/datastore/{store}/rrd", SEES, statistics::OF_STORE, Handler::Call(rrd::read)).returns(statistics::STORE_SLOTS),
    Route::new(Method::GET, "admin/datastore/{store}/download", READS, s::DOWNLOAD, Handler::Raw(download::raw)).returns(BYTES),
    Route::new(Method::GET, "admin/datastore/{store}/download-decoded", READS, s::DOWNLOAD, Handler::Raw(download::decoded)).returns(BYTES),
    Route::new(Method::POST, "admin/datastore/{store}/upload-backup-log", OWNS, s::SNAPSHOT, Handler::Payload(CHUNK_ENCODED_MAX, upload_backup_log::store)),
    Route::new(Method::GET, "admin/datastore/{store}/catalog", READS, in_catalog::CATALOG, Handler::Call(catalog::list)).returns(in_catalog::ENTRIES),
    Route::new(Method::GET, "admin/datastore/{store}/pxar-file-download", READS, in_catalog::FILE_DOWNLOAD, Handler::Raw(pxar_file_download::download)).returns(BYTES),
    Route::new(Method::POST, "admin/datastore/{store}/selection", READS, in_selection::SELECT, Handler::Call(selection::make)).returns(in_selection::SELECTED),
    Route::new(Method::GET, "admin/datastore/{store}/selection-download", READS, in_selection::DOWNLOAD, Handler::Raw(selection::download)).returns(BYTES),
    // The handler looks in those namespaces, and at those groups, whose files the caller may read.
    Route::new(Method::GET, "admin/datastore/{store}/search", Needs::Anybody, in_search::SEARCH, Handler::Call(search::find)).returns(in_search::REPORT).made_once(),
    Route::new(Method::GET, "admin/datastore/{store}/snapshot-diff", READS, in_diff::COMPARE, Handler::Call(snapshot_diff::read)).returns(in_diff::DIFFERENCE).made_once(),
];

/// The store from the path; every row here has one.
fn store_name(store: Option<StoreName>) -> Result<StoreName, Fault> {
    store.ok_or_else(|| ParamErrors::one("store", ValueError::Missing).into())
}

fn open(call: &Call, place: &InNamespace, access: Access) -> Result<Datastore, Fault> {
    call.ctx
        .datastore(&store_name(place.store.clone())?, access)
}

/// The group of a request, which the caller must own if he was granted no more.
fn on_group(call: &Call, access: Access) -> Result<(Datastore, s::OnGroup, format::Group), Fault> {
    let request: s::OnGroup = call.params.read()?;
    let store = open(call, &request.place, access)?;
    let group = request.group.clone().into();
    permission::check_owner(call, &store, &request.place.ns, &group)?;
    Ok((store, request, group))
}

/// The snapshot of a request, whose group the caller must own if he was granted no more.
fn on_snapshot(
    call: &Call,
    access: Access,
) -> Result<(Datastore, s::OnSnapshot, SnapshotDir), Fault> {
    let request: s::OnSnapshot = call.params.read()?;
    let store = open(call, &request.place, access)?;
    let snapshot = request.snapshot.clone().into();
    let format::Snapshot { group, .. } = &snapshot;
    permission::check_owner(call, &store, &request.place.ns, group)?;
    let dir = store.snapshot(&request.place.ns, &snapshot)?;
    Ok((store, request, dir))
}

/// The first line of notes, as lists show it.
fn comment(notes: &str) -> Option<String> {
    notes
        .lines()
        .next()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
}

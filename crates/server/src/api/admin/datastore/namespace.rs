//! `/admin/datastore/{store}/namespace`: the namespaces of a datastore (protocol.md 6.4).

use api::Privileges as P;
use api::rest::namespace::{NamespaceCreate, NamespaceDelete, NamespaceItem, NamespaceList};
use format::{Namespace, StoreName};
use store::Uploads;

use crate::api::admin::datastore::{groups, store_name};
use crate::context::Access;
use crate::fault::{Fault, Missing};
use crate::permission;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`: those in which the caller may do anything.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let query: NamespaceList = call.params.read()?;
    let (name, caller) = (store_name(query.store)?, call.caller()?);
    let any = P::DatastoreModify | P::DatastoreRead | P::DatastoreBackup | P::DatastoreAudit;
    let held = |ns: &Namespace| permission::in_namespace(&call.ctx, caller, &name, ns);
    let store = call.ctx.datastore(&name, Access::Read)?;
    let mut items = Vec::new();
    let found = match store.namespace_exists(&query.parent) {
        true => store.namespaces(&query.parent, query.max_depth)?,
        // The original lists a parent that is not there as itself.
        false => vec![query.parent.clone()],
    };
    for ns in found {
        if held(&ns)?.intersects(any) {
            items.push(NamespaceItem { comment: None, ns });
        }
    }
    if items.is_empty() && !held(&query.parent)?.intersects(any) {
        let path = permission::acl_path(&name, &query.parent);
        return Err(Fault::Forbidden(Missing::AnyOf(any, path)));
    }
    Answer::data(&items)
}

/// `POST`
pub fn create(call: &Call) -> Result<Answer, Fault> {
    let request: NamespaceCreate = call.params.read()?;
    let name = store_name(request.store)?;
    check_modify(call, &name, &request.parent)?;
    let store = call.ctx.datastore(&name, Access::Write)?;
    Answer::data(&store.create_namespace(&request.parent, &request.name)?)
}

/// `DELETE`: with all below it. Without `delete-groups` only what is empty.
pub fn delete(call: &Call) -> Result<Answer, Fault> {
    let request: NamespaceDelete = call.params.read()?;
    let name = store_name(request.store)?;
    check_modify(call, &name, &request.ns.parent().unwrap_or_default())?;
    let store = call.ctx.datastore(&name, Access::Write)?;
    let report = store.delete_namespace(&request.ns, request.delete_groups.unwrap_or(false))?;
    if !store.namespace_exists(&request.ns) {
        let forget = |uploads: &Uploads| uploads.forget_namespace(&name, &request.ns);
        call.ctx.forget_some_uploads(&name, forget);
    }
    if report.protected_snapshots > 0 && request.error_on_protected.unwrap_or(true) {
        return Err(Fault::ProtectedKept {
            count: report.protected_snapshots,
        });
    }
    Answer::data(&groups::removed(report))
}

/// Namespaces belong to whoever may change the one above.
pub fn check_modify(call: &Call, store: &StoreName, parent: &Namespace) -> Result<(), Fault> {
    permission::on_namespace(
        &call.ctx,
        call.caller()?,
        store,
        parent,
        P::DatastoreModify,
        P::NONE,
    )
    .map(drop)
}

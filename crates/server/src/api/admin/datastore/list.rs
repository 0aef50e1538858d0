//! `GET /admin/datastore`: the datastores that the caller may see at least in part.

use api::Privileges;
use api::rest::datastore::StoreItem;

use crate::fault::Fault;
use crate::removable;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let caller = call.caller()?;
    let acl = call.ctx.configuration().acl()?;
    let mask = Privileges::DatastoreAudit | Privileges::DatastoreBackup;
    let mut items = Vec::new();
    for config in call.ctx.configuration().datastores()?.value.list()? {
        let path = ["datastore", config.name.as_str()];
        let seen = acl.value.privileges(caller, &path).all.intersects(mask);
        if !seen && !acl.value.any_privilege_below(caller, &path, mask) {
            continue;
        }
        let mount_status = removable::mount_status(&config);
        items.push(StoreItem {
            backend_type: Some("filesystem".to_owned()),
            comment: config.comment.filter(|_| seen),
            maintenance: config.maintenance_mode,
            mount_status: Some(mount_status.to_owned()),
            store: config.name,
        });
    }
    Answer::data(&items)
}

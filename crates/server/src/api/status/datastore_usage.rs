//! `GET /status/datastore-usage`: how full each datastore is, was in the last month, and when it will be full (server.md 3.5).

use api::Privileges as P;
use api::rest::datastore::UsageItem;
use config::files::Datastore;

use crate::context::Access;
use crate::fault::{Fault, with_causes};
use crate::jobs;
use crate::removable;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`: numbers for whom may see them; the name alone for whom some namespace is open, and of what is not mounted for everybody.
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let caller = call.caller()?;
    let acl = call.ctx.configuration().acl()?;
    let any = P::DatastoreModify | P::DatastoreRead | P::DatastoreBackup | P::DatastoreAudit;
    let mut items = Vec::new();
    for config in call.ctx.configuration().datastores()?.value.list()? {
        let path = ["datastore", config.name.as_str()];
        let held = acl.value.privileges(caller, &path).all;
        let mut item = named(&config);
        if !removable::is_available(&config) {
            items.push(item);
        } else if held.intersects(P::DatastoreAudit | P::DatastoreBackup) {
            // One store that cannot be looked at does not hide the others.
            if let Err(fault) = measure(call, &config, &mut item) {
                item.error = Some(with_causes(&fault));
            }
            items.push(item);
        } else if held.intersects(any) || acl.value.any_privilege_below(caller, &path, any) {
            items.push(item);
        }
    }
    Answer::data(&items)
}

fn named(config: &Datastore) -> UsageItem {
    UsageItem {
        avail: None,
        backend_type: Some("filesystem".to_owned()),
        error: None,
        estimated_full_date: None,
        gc_status: None,
        history: None,
        history_delta: None,
        history_start: None,
        mount_status: Some(removable::mount_status(config).to_owned()),
        store: config.name.clone(),
        total: None,
        used: None,
    }
}

fn measure(call: &Call, config: &Datastore, item: &mut UsageItem) -> Result<(), Fault> {
    let (ctx, name) = (&call.ctx, &config.name);
    let store = ctx.datastore(name, Access::Read)?;
    let usage = store.usage()?;
    item.total = Some(usage.total);
    item.used = Some(usage.used);
    item.avail = Some(usage.avail);
    item.gc_status = Some(jobs::gc::status(&store));
    let history = ctx
        .statistics()
        .usage_history(name, ctx.now())
        .map_err(Fault::Read)?;
    item.estimated_full_date = history.full_at();
    item.history_start = u64::try_from(history.start).ok();
    item.history_delta = Some(history.delta.into());
    item.history = Some(history.usage);
    Ok(())
}

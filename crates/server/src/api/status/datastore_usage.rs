//! `GET /status/datastore-usage`: how full each datastore is, was in the last month, and when it will be full (server.md 3.5).

use std::sync::Arc;

use api::Privileges as P;
use api::rest::datastore::UsageItem;
use config::files::Datastore;

use crate::context::{Context, Seen};
use crate::fault::{Fault, with_causes};
use crate::looks::Look;
use crate::removable;
use crate::reply::Answer;
use crate::route::{AnswerFuture, Call};
use crate::survey::{self, Survey};

/// What is told of a datastore whose disk does not answer.
const SILENT: &str =
    "the disk of this datastore does not answer; what is told of it was seen earlier";

/// `GET`: numbers for whom may see them; the name alone for whom some namespace is open, and of what is not mounted for everybody.
pub fn list(call: Call) -> AnswerFuture {
    Box::pin(async move {
        let ctx = Arc::clone(&call.ctx);
        let rows = ctx.blocking().run(move || rows(&call)).await??;
        let measured = rows.iter().filter(|row| row.measured);
        let stores = measured.map(|row| row.item.store.clone()).collect();
        let survey = survey::contents(&ctx, stores).await;
        let inner = Arc::clone(&ctx);
        let items = ctx.blocking().run(move || filled(&inner, rows, survey));
        Answer::data(&items.await?)
    })
}

struct Row {
    item: UsageItem,
    /// Whether the caller may see more than the name.
    measured: bool,
}

fn rows(call: &Call) -> Result<Vec<Row>, Fault> {
    let caller = call.caller()?;
    let acl = call.ctx.configuration().acl()?;
    let any = P::DatastoreModify | P::DatastoreRead | P::DatastoreBackup | P::DatastoreAudit;
    let mut rows = Vec::new();
    for config in call.ctx.configuration().datastores()?.value.list()? {
        let path = ["datastore", config.name.as_str()];
        let held = acl.value.privileges(caller, &path).all;
        let away = !removable::is_available(&config);
        let measured = !away && held.intersects(P::DatastoreAudit | P::DatastoreBackup);
        let named = held.intersects(any) || acl.value.any_privilege_below(caller, &path, any);
        if away || measured || named {
            let item = item(&config);
            rows.push(Row { item, measured });
        }
    }
    Ok(rows)
}

/// One store that cannot be looked at does not hide the others.
fn filled(ctx: &Context, rows: Vec<Row>, mut survey: Survey<Seen>) -> Vec<UsageItem> {
    let mut items = Vec::new();
    for Row { mut item, measured } in rows {
        if measured {
            let seen = match survey.take(&item.store) {
                Look::Now(Ok(seen)) => Some(seen),
                Look::Now(Err(fault)) => {
                    item.error = Some(with_causes(&fault));
                    None
                }
                Look::Late(last) => {
                    item.error = Some(SILENT.to_owned());
                    last
                }
            };
            if let Some(seen) = seen
                && let Err(fault) = fill(ctx, seen, &mut item)
            {
                item.error = Some(with_causes(&fault));
            }
        }
        items.push(item);
    }
    items
}

fn item(config: &Datastore) -> UsageItem {
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

fn fill(ctx: &Context, seen: Seen, item: &mut UsageItem) -> Result<(), Fault> {
    item.total = Some(seen.usage.total);
    item.used = Some(seen.usage.used);
    item.avail = Some(seen.usage.avail);
    item.gc_status = Some(seen.gc);
    let history = ctx
        .statistics()
        .usage_history(&item.store, ctx.now())
        .map_err(Fault::Read)?;
    item.estimated_full_date = history.full_at();
    item.history_start = u64::try_from(history.start).ok();
    item.history_delta = Some(history.delta.into());
    item.history = Some(history.usage);
    Ok(())
}

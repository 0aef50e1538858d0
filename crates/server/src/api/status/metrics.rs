//! `GET /status/metrics`: what was observed of host and datastores, for monitoring systems that fetch it (server.md 7.4).

use api::Privileges as P;
use api::rest::statistics::{Metric, Metrics, MetricsQuery};

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;
use crate::statistics::{Kind, Object};

/// `GET`: the newest values, or all of the last half hour after a time; of the host and of each datastore only for whom may see them.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let query: MetricsQuery = call.params.read()?;
    let ctx = &call.ctx;
    let caller = call.caller()?;
    let may = |path: &[&str], needed: P| -> Result<bool, Fault> {
        Ok(caller.is_root() || ctx.privileges(caller, path)?.intersects(needed))
    };
    let mut data = Vec::new();
    if may(&["system", "status"], P::SysAudit)? {
        collect(call, &Object::Host, "host", &query, &mut data);
    }
    for store in ctx.configuration().datastores()?.value.list()? {
        if may(&["datastore", store.name.as_str()], P::DatastoreAudit)? {
            let id = format!("datastore/{}", store.name);
            collect(call, &Object::Store(store.name), &id, &query, &mut data);
        }
    }
    Answer::data(&Metrics { data })
}

fn collect(call: &Call, object: &Object, id: &str, query: &MetricsQuery, data: &mut Vec<Metric>) {
    // The start counts for the history alone.
    let after = if query.history {
        query.start_time
    } else {
        i64::MIN
    };
    let points = call.ctx.statistics().recent(object, query.history, after);
    data.extend(points.into_iter().map(|point| {
        Metric {
            id: id.to_owned(),
            metric: point.metric.to_owned(),
            timestamp: point.time,
            kind: match point.kind {
                Kind::Gauge => "gauge",
                Kind::Derive => "derive",
            }
            .to_owned(),
            value: point.value,
        }
    }));
}

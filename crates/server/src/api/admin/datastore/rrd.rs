//! `GET /admin/datastore/{store}/rrd`: statistics of a datastore.

use api::rest::statistics::SeriesQuery;
use format::StoreName;
use serde::Deserialize;

use crate::api::nodes::rrd;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;
use crate::statistics::Object;

#[derive(Deserialize)]
struct Query {
    store: StoreName,
    #[serde(flatten)]
    series: SeriesQuery,
}

/// `GET`: also of a store that is not reachable now.
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let Query { store, series } = call.params.read()?;
    call.ctx.store_config(&store)?;
    rrd::answer(call, &Object::Store(store), series)
}

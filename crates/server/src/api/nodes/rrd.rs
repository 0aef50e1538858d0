//! `GET /nodes/{node}/rrd`: statistics of the host.

use api::rest::statistics::SeriesQuery;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;
use crate::statistics::Object;

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let query: SeriesQuery = call.params.read()?;
    answer(call, &Object::Host, query)
}

/// One object per slot of the time frame.
pub fn answer(call: &Call, object: &Object, query: SeriesQuery) -> Result<Answer, Fault> {
    let series = call
        .ctx
        .statistics()
        .series(object, query.timeframe, call.ctx.now());
    Answer::data(&series.map_err(Fault::Statistics)?.consolidated(query.cf))
}

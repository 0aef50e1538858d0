//! `GET /nodes/{node}/time`: clock and time zone. Both are the machine's own.

use api::rest::host::Time;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let (time, zone) = (call.ctx.now(), &call.ctx.settings().zone);
    let offset = jiff::Timestamp::from_second(time).map_or(0, |at| zone.to_offset(at).seconds());
    Answer::data(&Time {
        localtime: time + i64::from(offset),
        time,
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
    })
}

//! `/admin/metrics`: all servers that statistics are sent to (server.md 3.4).

use config::edit;
use config::files::{INFLUX_HTTP, INFLUX_UDP, InfluxHttp, InfluxUdp};
use serde::Serialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

#[derive(Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    enable: bool,
    name: String,
    server: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let dir = call.ctx.configuration().dir();
    let http = edit::entries::<InfluxHttp>(dir)?.0.into_iter();
    let (udp, digest) = edit::entries::<InfluxUdp>(dir)?;
    let http = http.map(|server| Item {
        comment: server.comment,
        enable: server.enable.unwrap_or(true),
        name: server.name,
        server: server.url,
        kind: INFLUX_HTTP.name,
    });
    let udp = udp.into_iter().map(|server| Item {
        comment: server.comment,
        enable: server.enable.unwrap_or(true),
        name: server.name,
        server: server.host,
        kind: INFLUX_UDP.name,
    });
    let items: Vec<Item> = http.chain(udp).collect();
    Ok(Answer::data(&items)?.beside("digest", digest.to_string()))
}

//! `/config/metrics`: servers that statistics are sent to (server.md 1.10, 7.4). Whether one answers is not tried when it is configured.

use api::Privileges as P;
use api::kinds;
use api::schema::{Param, Returns, Schema};
use config::edit::{INFLUX_HTTP_CREATE, INFLUX_HTTP_UPDATE, INFLUX_UDP_CREATE, INFLUX_UDP_UPDATE};
use config::files::{
    INFLUX_HTTP_OPTIONAL, INFLUX_HTTP_REQUIRED, INFLUX_UDP_OPTIONAL, INFLUX_UDP_REQUIRED,
    InfluxHttp, InfluxUdp,
};
use http::Method;

use super::entries::{create, delete, list, read, update};
use crate::route::{Handler, Needs, Route};

const NAME: &[Param] = &[Param::required("name", kinds::JOB_ID).about("Metric server ID.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)];
const HTTP_ITEM: Returns = Returns::item(
    &[
        NAME,
        &INFLUX_HTTP_REQUIRED,
        INFLUX_HTTP_OPTIONAL[0],
        INFLUX_HTTP_OPTIONAL[1],
    ],
    &[],
);
const UDP_ITEM: Returns = Returns::item(
    &[
        NAME,
        &INFLUX_UDP_REQUIRED,
        INFLUX_UDP_OPTIONAL[0],
        INFLUX_UDP_OPTIONAL[1],
    ],
    &[],
);
const READS: Needs = Needs::On(&[], P::SysAudit);
const CHANGES: Needs = Needs::On(&[], P::SysModify);
const HTTP: &str = "config/metrics/influxdb-http";
const ONE_HTTP: &str = "config/metrics/influxdb-http/{name}";
const UDP: &str = "config/metrics/influxdb-udp";
const ONE_UDP: &str = "config/metrics/influxdb-udp/{name}";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, HTTP, READS, Schema(&[]), Handler::Call(list::<InfluxHttp>)).returns(Returns::List(&HTTP_ITEM)),
    Route::new(Method::POST, HTTP, CHANGES, INFLUX_HTTP_CREATE, Handler::Call(create::<InfluxHttp>)),
    Route::new(Method::GET, ONE_HTTP, READS, Schema(&[NAME]), Handler::Call(read::<InfluxHttp>)).returns(HTTP_ITEM),
    Route::new(Method::PUT, ONE_HTTP, CHANGES, INFLUX_HTTP_UPDATE, Handler::Call(update::<InfluxHttp>)),
    Route::new(Method::DELETE, ONE_HTTP, CHANGES, Schema(&[NAME, DIGEST]), Handler::Call(delete::<InfluxHttp>)),
    Route::new(Method::GET, UDP, READS, Schema(&[]), Handler::Call(list::<InfluxUdp>)).returns(Returns::List(&UDP_ITEM)),
    Route::new(Method::POST, UDP, CHANGES, INFLUX_UDP_CREATE, Handler::Call(create::<InfluxUdp>)),
    Route::new(Method::GET, ONE_UDP, READS, Schema(&[NAME]), Handler::Call(read::<InfluxUdp>)).returns(UDP_ITEM),
    Route::new(Method::PUT, ONE_UDP, CHANGES, INFLUX_UDP_UPDATE, Handler::Call(update::<InfluxUdp>)),
    Route::new(Method::DELETE, ONE_UDP, CHANGES, Schema(&[NAME, DIGEST]), Handler::Call(delete::<InfluxUdp>)),
];

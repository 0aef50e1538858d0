//! `/admin`: working with datastores and jobs.

pub mod datastore;
mod gc;
pub mod job;
mod metrics;
mod s3;
mod traffic_control;

use api::Privileges;
use api::kinds;
use api::rest::datastore::returns::GC_JOBS;
use api::rest::datastore::{OF_STORE, STORE};
use api::schema::{Field, Format, Kind, Param, Returns, Schema};
use http::Method;

use crate::api::config::traffic_control::MEMBERS as RULE_MEMBERS;
use crate::route::{Handler, Needs, Route};

const READS: Needs = Needs::On(&[], Privileges::SysAudit);
const CHANGES: Needs = Needs::On(&[], Privileges::SysModify);
const RULE: Returns = Returns::item(
    RULE_MEMBERS,
    &[
        Field::new("cur-rate-in", Returns::Value(Kind::at_least(0))),
        Field::new("cur-rate-out", Returns::Value(Kind::at_least(0))),
    ],
);
const METRIC_SERVER: Returns = Returns::item(
    &[&[
        Param::optional("comment", kinds::COMMENT),
        Param::optional("enable", Kind::Boolean),
        Param::required("name", kinds::JOB_ID),
        Param::required("server", kinds::TEXT),
        Param::required("type", Kind::Enum(&["influxdb-http", "influxdb-udp"])),
    ]],
    &[],
);
const S3_PLACE: Schema = Schema(&[&[
    Param::required("s3-endpoint-id", kinds::JOB_ID).about("Endpoint ID."),
    // Whether it can be the name of a bucket is said by the handler.
    Param::required(
        "bucket",
        Kind::Text {
            min: 3,
            max: 63,
            format: Format::Any,
        },
    )
    .about("Bucket."),
    Param::optional("store-prefix", kinds::TEXT)
        .about("First part of the names of what lies there."),
]]);
const S3_CHECK: &str = "admin/s3/{s3-endpoint-id}/check";
const S3_RESET: &str = "admin/s3/{s3-endpoint-id}/reset-counters";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "admin/gc", Needs::Anybody, OF_STORE, Handler::Async(gc::list)).returns(GC_JOBS),
    Route::new(Method::GET, "admin/gc/{store}", Needs::Anybody, STORE, Handler::Async(gc::list)).returns(GC_JOBS),
    Route::new(Method::GET, "admin/metrics", READS, Schema(&[]), Handler::Call(metrics::list)).returns(Returns::List(&METRIC_SERVER)),
    Route::new(Method::PUT, S3_CHECK, CHANGES, S3_PLACE, Handler::Call(s3::work)).not_all(),
    Route::new(Method::PUT, S3_RESET, CHANGES, S3_PLACE, Handler::Call(s3::work)).not_all(),
    Route::new(Method::GET, "admin/traffic-control", READS, Schema(&[]), Handler::Call(traffic_control::list)).returns(Returns::List(&RULE)),
];

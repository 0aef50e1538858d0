//! `/status`: what monitoring fetches.

mod datastore_usage;
mod metrics;

use api::rest::datastore::returns::USAGE;
use api::rest::statistics;
use api::schema::Schema;
use http::Method;

use crate::route::{Handler, Needs, Route};

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "status/datastore-usage", Needs::Anybody, Schema(&[]), Handler::Async(datastore_usage::list)).returns(USAGE),
    Route::new(Method::GET, "status/metrics", Needs::Anybody, statistics::METRICS, Handler::Call(metrics::read)).returns(statistics::METRIC_LIST),
];

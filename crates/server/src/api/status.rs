//! `/status`: what monitoring fetches.

mod metrics;

use api::rest::statistics;
use http::Method;

use crate::route::{Handler, Needs, Route};

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "status/metrics", Needs::Anybody, statistics::METRICS, Handler::Call(metrics::read)).returns(statistics::METRIC_LIST),
];

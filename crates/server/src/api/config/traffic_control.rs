//! `/config/traffic-control`: rules that limit connections (server.md 1.10, 9).

use api::Privileges as P;
use api::kinds;
use api::schema::{Param, Returns, Schema};
use config::edit::{TRAFFIC_CREATE, TRAFFIC_UPDATE};
use config::files::{TRAFFIC_OPTIONAL, TRAFFIC_REQUIRED, TrafficRule};
use http::Method;

use super::entries;
use crate::route::{Handler, Needs, Route};

const NAME: &[Param] = &[Param::required("name", kinds::JOB_ID).about("Rule ID.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)];
/// What answers show of a rule.
pub const MEMBERS: &[&[Param]] = &[NAME, &TRAFFIC_REQUIRED, TRAFFIC_OPTIONAL, kinds::RATES];
const ITEM: Returns = Returns::item(MEMBERS, &[]);
const READS: Needs = Needs::On(&[], P::SysAudit);
const CHANGES: Needs = Needs::On(&[], P::SysModify);
const ALL: &str = "config/traffic-control";
const ONE: &str = "config/traffic-control/{name}";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, ALL, CHANGES, Schema(&[]), Handler::Call(entries::list::<TrafficRule>)).returns(Returns::List(&ITEM)),
    Route::new(Method::POST, ALL, CHANGES, TRAFFIC_CREATE, Handler::Call(entries::create::<TrafficRule>)),
    Route::new(Method::GET, ONE, READS, Schema(&[NAME]), Handler::Call(entries::read::<TrafficRule>)).returns(ITEM),
    Route::new(Method::PUT, ONE, CHANGES, TRAFFIC_UPDATE, Handler::Call(entries::update::<TrafficRule>)),
    Route::new(Method::DELETE, ONE, CHANGES, Schema(&[NAME, DIGEST]), Handler::Call(entries::delete::<TrafficRule>)),
];

//! `/config`: datastores (server.md 1.5), and the configuration of all that has a file (server.md 3.3), each in a table of its own.

pub mod access;
pub mod acme;
mod datastore;
pub mod encryption_keys;
mod entries;
pub mod jobs;
pub mod metrics;
pub mod notifications;
pub mod remote;
pub mod s3;
pub mod traffic_control;

use api::Privileges;
use api::kinds;
use api::schema::{Field, Param, Returns, Schema};
use config::edit::{DATASTORE_CREATE, DATASTORE_DELETE, DATASTORE_UPDATE};
use config::files::DATASTORE;
use http::Method;

use crate::route::{Handler, Needs, Route};

const NAME: Schema = Schema(&[&[Param::required("name", kinds::STORE)]]);
const READS: Needs = Needs::On(&["datastore", "{name}"], Privileges::DatastoreAudit);
const CHANGES: Needs = Needs::On(&["datastore", "{name}"], Privileges::DatastoreModify);
const CREATES: Needs = Needs::On(&["datastore"], Privileges::DatastoreAllocate);
const REMOVES: Needs = Needs::On(&["datastore", "{name}"], Privileges::DatastoreAllocate);
const UPID: Returns = Returns::Value(kinds::UPID);
const ONE: &str = "config/datastore/{name}";

const STORE_ITEM: Returns = Returns::item(
    DATASTORE.schema.0,
    &[Field::new("name", Returns::Value(kinds::STORE))],
);
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "config/datastore", Needs::Anybody, Schema(&[]), Handler::Call(datastore::list)).returns(Returns::List(&STORE_ITEM)),
    Route::new(Method::POST, "config/datastore", CREATES, DATASTORE_CREATE, Handler::Call(datastore::create)).returns(UPID).not_all(),
    Route::new(Method::DELETE, ONE, REMOVES, DATASTORE_DELETE, Handler::Call(datastore::delete)).returns(UPID),
    Route::new(Method::GET, ONE, READS, NAME, Handler::Call(datastore::read)).returns(STORE_ITEM),
    Route::new(Method::PUT, ONE, CHANGES, DATASTORE_UPDATE, Handler::Call(datastore::update)),
];

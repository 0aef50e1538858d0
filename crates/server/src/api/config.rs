//! `/config`: the configuration of datastores (server.md 1.5). Creating and removing one is the manager's.

mod datastore;

use api::Privileges;
use api::kinds;
use api::schema::{Param, Schema};
use config::edit::DATASTORE_UPDATE;
use http::Method;

use crate::route::{Handler, Needs, Route};

const NAME: Schema = Schema(&[&[Param::required("name", kinds::STORE)]]);
const READS: Needs = Needs::On(&["datastore", "{name}"], Privileges::DatastoreAudit);
const CHANGES: Needs = Needs::On(&["datastore", "{name}"], Privileges::DatastoreModify);
const ONE: &str = "config/datastore/{name}";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "config/datastore", Needs::Anybody, Schema(&[]), Handler::Call(datastore::list)),
    Route::new(Method::GET, ONE, READS, NAME, Handler::Call(datastore::read)),
    Route::new(Method::PUT, ONE, CHANGES, DATASTORE_UPDATE, Handler::Call(datastore::update)),
];

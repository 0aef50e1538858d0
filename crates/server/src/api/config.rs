//! `/config`: the configuration of datastores (server.md 1.5) and jobs (1.10). Creating and removing a datastore is the manager's.

mod datastore;
mod jobs;
pub mod notifications;

use api::Privileges;
use api::kinds;
use api::schema::{Field, Param, Returns, Schema};
use config::edit::{
    DATASTORE_UPDATE, JOB_DELETE, PRUNE_JOB_CREATE, PRUNE_JOB_UPDATE, VERIFY_JOB_CREATE,
    VERIFY_JOB_UPDATE,
};
use config::files::{DATASTORE, PRUNE_JOB, PruneJob, VERIFY_JOB, VerifyJob};
use http::Method;

use crate::route::{Handler, Needs, Route};

const NAME: Schema = Schema(&[&[Param::required("name", kinds::STORE)]]);
const READS: Needs = Needs::On(&["datastore", "{name}"], Privileges::DatastoreAudit);
const CHANGES: Needs = Needs::On(&["datastore", "{name}"], Privileges::DatastoreModify);
const ID: Schema = Schema(&[&[Param::required("id", kinds::JOB_ID).about("Job ID.")]]);
const PRUNE: &str = "config/prune/{id}";
const VERIFY: &str = "config/verify/{id}";
const ONE: &str = "config/datastore/{name}";

const STORE_ITEM: Returns = Returns::item(
    DATASTORE.schema.0,
    &[Field::new("name", Returns::Value(kinds::STORE))],
);
const JOB: &[Field] = &[Field::new("id", Returns::Value(kinds::JOB_ID))];
const PRUNE_ITEM: Returns = Returns::item(PRUNE_JOB.schema.0, JOB);
const VERIFY_ITEM: Returns = Returns::item(VERIFY_JOB.schema.0, JOB);

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "config/datastore", Needs::Anybody, Schema(&[]), Handler::Call(datastore::list)).returns(Returns::List(&STORE_ITEM)),
    Route::new(Method::GET, ONE, READS, NAME, Handler::Call(datastore::read)).returns(STORE_ITEM),
    Route::new(Method::PUT, ONE, CHANGES, DATASTORE_UPDATE, Handler::Call(datastore::update)),
    // Which rights count depends on where a job works; the handlers look.
    Route::new(Method::GET, "config/prune", Needs::Anybody, Schema(&[]), Handler::Call(jobs::list::<PruneJob>)).returns(Returns::List(&PRUNE_ITEM)),
    Route::new(Method::POST, "config/prune", Needs::Anybody, PRUNE_JOB_CREATE, Handler::Call(jobs::create::<PruneJob>)),
    Route::new(Method::GET, PRUNE, Needs::Anybody, ID, Handler::Call(jobs::read::<PruneJob>)).returns(PRUNE_ITEM),
    Route::new(Method::PUT, PRUNE, Needs::Anybody, PRUNE_JOB_UPDATE, Handler::Call(jobs::update::<PruneJob>)),
    Route::new(Method::DELETE, PRUNE, Needs::Anybody, JOB_DELETE, Handler::Call(jobs::delete::<PruneJob>)),
    Route::new(Method::GET, "config/verify", Needs::Anybody, Schema(&[]), Handler::Call(jobs::list::<VerifyJob>)).returns(Returns::List(&VERIFY_ITEM)),
    Route::new(Method::POST, "config/verify", Needs::Anybody, VERIFY_JOB_CREATE, Handler::Call(jobs::create::<VerifyJob>)),
    Route::new(Method::GET, VERIFY, Needs::Anybody, ID, Handler::Call(jobs::read::<VerifyJob>)).returns(VERIFY_ITEM),
    Route::new(Method::PUT, VERIFY, Needs::Anybody, VERIFY_JOB_UPDATE, Handler::Call(jobs::update::<VerifyJob>)),
    Route::new(Method::DELETE, VERIFY, Needs::Anybody, JOB_DELETE, Handler::Call(jobs::delete::<VerifyJob>)),
];

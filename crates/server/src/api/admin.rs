//! `/admin`: working with datastores and jobs.

pub mod datastore;
mod gc;
mod job;

use api::kinds;
use api::rest::datastore::returns::GC_JOBS;
use api::rest::datastore::{OF_STORE, STORE};
use api::rest::snapshot::returns::TASK;
use api::schema::{Field, Param, Returns, Schema};
use config::files::{PRUNE_JOB, PruneJob, VERIFY_JOB, VerifyJob};
use http::Method;

use crate::route::{Handler, Needs, Route};

const ID: Schema = Schema(&[&[Param::required("id", kinds::JOB_ID).about("Job ID.")]]);

/// What lists of jobs say beside the configuration.
const RUNS: &[Field] = &[
    Field::new("id", Returns::Value(kinds::JOB_ID)),
    Field::optional("last-run-endtime", Returns::INTEGER),
    Field::optional("last-run-state", Returns::TEXT),
    Field::optional("last-run-upid", TASK),
    Field::optional("next-run", Returns::INTEGER),
];
const PRUNE_JOBS: Returns = Returns::List(&Returns::item(PRUNE_JOB.schema.0, RUNS));
const VERIFY_JOBS: Returns = Returns::List(&Returns::item(VERIFY_JOB.schema.0, RUNS));

/// Who may see and run which job depends on where it works; the handlers look.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "admin/gc", Needs::Anybody, OF_STORE, Handler::Call(gc::list)).returns(GC_JOBS),
    Route::new(Method::GET, "admin/gc/{store}", Needs::Anybody, STORE, Handler::Call(gc::list)).returns(GC_JOBS),
    Route::new(Method::GET, "admin/prune", Needs::Anybody, OF_STORE, Handler::Call(job::list::<PruneJob>)).returns(PRUNE_JOBS),
    Route::new(Method::POST, "admin/prune/{id}/run", Needs::Anybody, ID, Handler::Call(job::run::<PruneJob>)).returns(TASK),
    Route::new(Method::GET, "admin/verify", Needs::Anybody, OF_STORE, Handler::Call(job::list::<VerifyJob>)).returns(VERIFY_JOBS),
    Route::new(Method::POST, "admin/verify/{id}/run", Needs::Anybody, ID, Handler::Call(job::run::<VerifyJob>)).returns(TASK),
];

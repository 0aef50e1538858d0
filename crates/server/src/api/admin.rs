//! `/admin`: working with datastores and jobs.

pub mod datastore;
mod gc;
mod job;

use api::kinds;
use api::rest::datastore::{OF_STORE, STORE};
use api::schema::{Param, Schema};
use config::files::{PruneJob, VerifyJob};
use http::Method;

use crate::route::{Handler, Needs, Route};

const ID: Schema = Schema(&[&[Param::required("id", kinds::JOB_ID).about("Job ID.")]]);

/// Who may see and run which job depends on where it works; the handlers look.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "admin/gc", Needs::Anybody, OF_STORE, Handler::Call(gc::list)),
    Route::new(Method::GET, "admin/gc/{store}", Needs::Anybody, STORE, Handler::Call(gc::list)),
    Route::new(Method::GET, "admin/prune", Needs::Anybody, OF_STORE, Handler::Call(job::list::<PruneJob>)),
    Route::new(Method::POST, "admin/prune/{id}/run", Needs::Anybody, ID, Handler::Call(job::run::<PruneJob>)),
    Route::new(Method::GET, "admin/verify", Needs::Anybody, OF_STORE, Handler::Call(job::list::<VerifyJob>)),
    Route::new(Method::POST, "admin/verify/{id}/run", Needs::Anybody, ID, Handler::Call(job::run::<VerifyJob>)),
];

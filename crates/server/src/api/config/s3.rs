//! `/config/s3`: object stores (server.md 1.12). Speaking with one is for a later build.

use api::Privileges as P;
use api::kinds;
use api::schema::{Param, Returns, Schema};
use config::edit::{self, S3_CREATE, S3_UPDATE};
use config::files::{S3_OPTIONAL, S3_REQUIRED, S3Endpoint};
use http::Method;

use super::entries::{self, Named};
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

const ID: &[Param] = &[Param::required("id", kinds::JOB_ID).about("Endpoint ID.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)];
const ITEM: Returns = Returns::item(&[ID, &S3_REQUIRED, S3_OPTIONAL, kinds::RATES], &[]);
const READS: Needs = Needs::On(&["system", "s3-endpoint", "{id}"], P::SysAudit);
const CREATES: Needs = Needs::On(&["system", "s3-endpoint"], P::SysModify);
const CHANGES: Needs = Needs::On(&["system", "s3-endpoint", "{id}"], P::SysModify);
const LISTS_BUCKETS: Needs = Needs::On(&[], P::SysAudit);
const ONE: &str = "config/s3/{id}";
const BUCKETS: &str = "config/s3/{id}/list-buckets";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "config/s3", Needs::Anybody, Schema(&[]), Handler::Call(list)).returns(Returns::List(&ITEM)),
    Route::new(Method::POST, "config/s3", CREATES, S3_CREATE, Handler::Call(entries::create::<S3Endpoint>)),
    Route::new(Method::GET, ONE, READS, Schema(&[ID]), Handler::Call(entries::read::<S3Endpoint>)).returns(ITEM),
    Route::new(Method::PUT, ONE, CHANGES, S3_UPDATE, Handler::Call(entries::update::<S3Endpoint>)),
    Route::new(Method::DELETE, ONE, CHANGES, Schema(&[ID, DIGEST]), Handler::Call(delete)),
    Route::new(Method::GET, BUCKETS, LISTS_BUCKETS, Schema(&[ID]), Handler::Call(list_buckets)).returns(Returns::List(&Returns::Any)).not_all(),
];

/// `GET`: those that the caller may look at.
fn list(call: &Call) -> Result<Answer, Fault> {
    let caller = call.caller()?;
    entries::list_if::<S3Endpoint>(call, |endpoint| {
        let path = ["system", "s3-endpoint", &endpoint.id];
        Ok(call.ctx.privileges(caller, &path)?.intersects(P::SysAudit))
    })
}

/// `DELETE {id}`
fn delete(call: &Call) -> Result<Answer, Fault> {
    let Named { id, digest } = call.params.read()?;
    edit::remove_s3_endpoint(call.ctx.configuration().dir(), &id, &digest)?;
    Ok(Answer::null())
}

/// `GET {id}/list-buckets`
fn list_buckets(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    edit::find_entry::<S3Endpoint>(call.ctx.configuration().dir(), &id)?;
    Err(Fault::NotYet("speak with object stores"))
}

//! `/config/remote`: other servers (server.md 1.8). Looking into one is for a later build.

use api::Privileges as P;
use api::kinds;
use api::rest::datastore::returns::STORES;
use api::rest::namespace::NAMESPACES;
use api::rest::snapshot::returns::GROUPS;
use api::schema::{Param, Returns, Schema};
use config::edit::{self, REMOTE_CREATE, REMOTE_UPDATE};
use config::files::{REMOTE_OPTIONAL, REMOTE_REQUIRED, Remote};
use http::Method;
use serde_json::{Map, Value};

use super::entries::{self, Named};
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

const NAME: &[Param] = &[Param::required("name", kinds::JOB_ID).about("Remote ID.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)];
const STORE: &[Param] = &[Param::required("store", kinds::STORE)];
const NAMESPACE: &[Param] = &[Param::optional("namespace", kinds::NAMESPACE)];
const ITEM: Returns = Returns::item(&[NAME, &REMOTE_REQUIRED, REMOTE_OPTIONAL], &[]);
const READS: Needs = Needs::On(&["remote", "{name}"], P::RemoteAudit);
const CREATES: Needs = Needs::On(&["remote"], P::RemoteModify);
const CHANGES: Needs = Needs::On(&["remote", "{name}"], P::RemoteModify);
const ONE: &str = "config/remote/{name}";
const SCAN: &str = "config/remote/{name}/scan";
const SCAN_GROUPS: &str = "config/remote/{name}/scan/{store}/groups";
const SCAN_NAMESPACES: &str = "config/remote/{name}/scan/{store}/namespaces";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "config/remote", Needs::Anybody, Schema(&[]), Handler::Call(list)).returns(Returns::List(&ITEM)),
    Route::new(Method::POST, "config/remote", CREATES, REMOTE_CREATE, Handler::Call(create)),
    Route::new(Method::GET, ONE, READS, Schema(&[NAME]), Handler::Call(entries::read::<Remote>)).returns(ITEM),
    Route::new(Method::PUT, ONE, CHANGES, REMOTE_UPDATE, Handler::Call(update)),
    Route::new(Method::DELETE, ONE, CHANGES, Schema(&[NAME, DIGEST]), Handler::Call(delete)),
    Route::new(Method::GET, SCAN, READS, Schema(&[NAME]), Handler::Call(scan)).returns(STORES).not_all(),
    Route::new(Method::GET, SCAN_GROUPS, READS, Schema(&[NAME, STORE, NAMESPACE]), Handler::Call(scan)).returns(GROUPS).not_all(),
    Route::new(Method::GET, SCAN_NAMESPACES, READS, Schema(&[NAME, STORE]), Handler::Call(scan)).returns(NAMESPACES).not_all(),
];

/// `GET`: those that the caller may look at.
fn list(call: &Call) -> Result<Answer, Fault> {
    let caller = call.caller()?;
    entries::list_if::<Remote>(call, |remote| {
        let held = call.ctx.privileges(caller, &["remote", &remote.name])?;
        Ok(held.intersects(P::RemoteAudit))
    })
}

/// `POST`
fn create(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::create_remote(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `PUT {name}`
fn update(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::update_remote(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `DELETE {name}`
fn delete(call: &Call) -> Result<Answer, Fault> {
    let Named { id, digest } = call.params.read()?;
    edit::remove_remote(call.ctx.configuration().dir(), &id, &digest)?;
    Ok(Answer::null())
}

/// `GET {name}/scan` and below
fn scan(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    edit::find_entry::<Remote>(call.ctx.configuration().dir(), &id)?;
    Err(Fault::NotYet("look into remotes"))
}

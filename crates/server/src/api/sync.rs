//! `/pull` and `/push`: a sync without a job (server.md 3.7). Everything is checked; running it is for a later build.

use api::kinds;
use api::rest::snapshot::returns::TASK;
use api::schema::{Kind, Param, Schema};
use config::edit;
use config::files::{RESYNC_CORRUPT, SYNC_REMOTE, SYNC_REQUIRED, SYNC_SCOPE, SyncDirection};
use format::Namespace;
use http::Method;
use serde::Deserialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::rights::{Sides, check_single_run};
use crate::route::{Call, Handler, Needs, Route};

const PULL: Schema = Schema(&[
    &SYNC_REQUIRED,
    SYNC_SCOPE,
    kinds::RATES,
    &[
        SYNC_REMOTE,
        RESYNC_CORRUPT,
        Param::optional("decryption-keys", Kind::Array(&kinds::JOB_ID))
            .about("Keys that decrypt what is pulled."),
    ],
]);
const PUSH: Schema = Schema(&[
    &SYNC_REQUIRED,
    SYNC_SCOPE,
    kinds::RATES,
    &[
        Param::required("remote", kinds::JOB_ID).about("The other server."),
        Param::optional("encryption-key", kinds::JOB_ID)
            .about("Key that encrypts what is pushed unencrypted."),
    ],
]);

/// Which rights count depends on both sides; the handlers look.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::POST, "pull", Needs::Anybody, PULL, Handler::Call(pull)).returns(TASK).not_all(),
    Route::new(Method::POST, "push", Needs::Anybody, PUSH, Handler::Call(push)).returns(TASK).not_all(),
];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Asked {
    store: String,
    #[serde(default)]
    ns: Namespace,
    remote: Option<String>,
    remote_store: String,
    #[serde(default)]
    remote_ns: Namespace,
    max_depth: Option<usize>,
    #[serde(default)]
    remove_vanished: bool,
}

/// `POST pull`
fn pull(call: &Call) -> Result<Answer, Fault> {
    run(call, SyncDirection::Pull)
}

/// `POST push`
fn push(call: &Call) -> Result<Answer, Fault> {
    run(call, SyncDirection::Push)
}

fn run(call: &Call, direction: SyncDirection) -> Result<Answer, Fault> {
    let asked: Asked = call.params.read()?;
    let sides = Sides {
        store: &asked.store,
        ns: &asked.ns,
        remote: asked.remote.as_deref(),
        remote_store: &asked.remote_store,
        remote_ns: &asked.remote_ns,
    };
    check_single_run(call, direction, sides, asked.remove_vanished)?;
    let stores = (sides.store, sides.remote_store);
    edit::check_sides(
        sides.remote,
        stores,
        asked.max_depth,
        [sides.ns, sides.remote_ns],
    )?;
    Err(Fault::NotYet("sync"))
}

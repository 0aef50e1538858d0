//! `/nodes`: this host, which is the only one whatever name is given, and its tasks (protocol.md 6.7).

mod identity;
pub mod rrd;
mod status;
mod task;
mod tasks;

use api::Privileges;
use api::kinds;
use api::rest::node::{NodeItem, returns};
use api::rest::statistics;
use api::rest::task::{self as schema, returns as of_task};
use api::schema::{Param, Schema};
use http::Method;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

const NODE: Schema = Schema(&[&[Param::required("node", kinds::NODE)]]);
const SEES_STATUS: Needs = Needs::On(&["system", "status"], Privileges::SysAudit);
const TASK: &str = "nodes/{node}/tasks/{upid}";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "nodes", Needs::Superuser, Schema(&[]), Handler::Call(list)).returns(returns::NODES),
    Route::new(Method::GET, "nodes/{node}/identity", Needs::Anybody, NODE, Handler::Call(identity::read)).returns(returns::IDENTITY),
    Route::new(Method::GET, "nodes/{node}/rrd", SEES_STATUS, statistics::OF_NODE, Handler::Call(rrd::read)).returns(statistics::NODE_SLOTS),
    Route::new(Method::GET, "nodes/{node}/status", SEES_STATUS, NODE, Handler::Call(status::read)).returns(returns::STATUS),
    Route::new(Method::GET, "nodes/{node}/tasks", Needs::Anybody, schema::LIST, Handler::Call(tasks::list)).returns(of_task::TASKS),
    Route::new(Method::DELETE, TASK, Needs::Anybody, schema::TASK, Handler::Call(task::stop)),
    Route::new(Method::GET, "nodes/{node}/tasks/{upid}/log", Needs::Anybody, schema::LOG, Handler::Raw(task::log)).returns(of_task::LOG),
    Route::new(Method::GET, "nodes/{node}/tasks/{upid}/status", Needs::Anybody, schema::TASK, Handler::Call(task::status)).returns(of_task::STATUS),
];

/// `GET /nodes`
fn list(call: &Call) -> Result<Answer, Fault> {
    Answer::data(&[NodeItem {
        node: call.ctx.settings().node.clone(),
    }])
}

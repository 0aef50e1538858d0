//! `/nodes`: this host, which is the only one whatever name is given, and its tasks (protocol.md 6.7, server.md 10). What would need to own the
//! machine is left to its own tools, and says so.

mod apt;
mod certificates;
mod config;
mod disks;
mod dns;
mod identity;
mod journal;
mod network;
mod report;
pub mod rrd;
mod services;
mod status;
mod subscription;
pub mod task;
mod tasks;
mod time;

use ::config::edit::{NODE_CONFIG, NODE_UPDATE};
use api::Privileges as P;
use api::rest::node::{NodeItem, returns};
use api::rest::task::{self as schema, returns as of_task};
use api::rest::{appliance, host, statistics};
use api::schema::{Returns, Schema};
use http::Method;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

const fn on(path: &'static [&'static str], privileges: P) -> Needs {
    Needs::On(path, privileges)
}

const SEES_ALL: Needs = on(&[], P::SysAudit);
const CHANGES_ALL: Needs = on(&[], P::SysModify);
const SEES_STATUS: Needs = on(&["system", "status"], P::SysAudit);
const HAS_POWER: Needs = on(&["system", "status"], P::SysPowerManagement);
const SEES_SYSTEM: Needs = on(&["system"], P::SysAudit);
const CHANGES_SYSTEM: Needs = on(&["system"], P::SysModify);
const HAS_CONSOLE: Needs = on(&["system"], P::SysConsole);
const SEES_LOG: Needs = on(&["system", "log"], P::SysAudit);
const SETS_TIME: Needs = on(&["system", "time"], P::SysModify);
const CERTIFIES: Needs = on(&["system", "certificates"], P::SysModify);
const SEES_DNS: Needs = on(&["system", "network", "dns"], P::SysAudit);
const CHANGES_DNS: Needs = on(&["system", "network", "dns"], P::SysModify);
const SEES_NETWORK: Needs = on(&["system", "network", "interfaces"], P::SysAudit);
const CHANGES_NETWORK: Needs = on(&["system", "network", "interfaces"], P::SysModify);
const SEES_INTERFACE: Needs = on(&["system", "network", "interfaces", "{iface}"], P::SysAudit);
const CHANGES_INTERFACE: Needs = on(
    &["system", "network", "interfaces", "{iface}"],
    P::SysModify,
);
const SEES_DISKS: Needs = on(&["system", "disks"], P::SysAudit);
const CHANGES_DISKS: Needs = on(&["system", "disks"], P::SysModify);
const SEES_SERVICES: Needs = on(&["system", "services"], P::SysAudit);
const SEES_SERVICE: Needs = on(&["system", "services", "{service}"], P::SysAudit);
const CHANGES_SERVICE: Needs = on(&["system", "services", "{service}"], P::SysModify);

const ONE: Schema = appliance::NODE_ONLY;
const TASK: &str = "nodes/{node}/tasks/{upid}";

// What to do instead.
const POWER: Handler =
    Handler::Absent("use the tools of the machine to restart it or to shut it down");
const PACKAGES: Handler = Handler::Absent("update Strongroom and the machine with their own tools");
const NETWORK: Handler = Handler::Absent("set up the network with the tools of the machine");
const CLOCK: Handler =
    Handler::Absent("set the time zone with the tools of the machine, `timedatectl` for one");
const DISKS: Handler = Handler::Absent(
    "prepare and mount disks with the tools of the machine, then create a datastore on the mounted folder",
);
const SMART: Handler = Handler::Absent("ask the disk with `smartctl`");
const SERVICES: Handler =
    Handler::Absent("start and stop `strongroomd` with whatever started it, `systemctl` for one");
const SUBSCRIPTION: Handler = Handler::Absent("Strongroom needs no subscription");
const CONSOLE: Handler = Handler::Absent("log in to the machine by ssh");

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, "nodes", Needs::Superuser, Schema(&[]), Handler::Call(list)).returns(returns::NODES),
    Route::new(Method::GET, "nodes/{node}/apt/changelog", CHANGES_ALL, appliance::CHANGELOG, PACKAGES).returns(appliance::TASK_ID),
    Route::new(Method::GET, "nodes/{node}/apt/repositories", SEES_ALL, ONE, PACKAGES).returns(appliance::REPOSITORIES),
    Route::new(Method::POST, "nodes/{node}/apt/repositories", CHANGES_ALL, appliance::REPOSITORY_CHANGE, PACKAGES),
    Route::new(Method::PUT, "nodes/{node}/apt/repositories", CHANGES_ALL, appliance::REPOSITORY_ADD, PACKAGES),
    Route::new(Method::GET, "nodes/{node}/apt/update", SEES_ALL, ONE, PACKAGES).returns(host::PACKAGES),
    Route::new(Method::POST, "nodes/{node}/apt/update", CHANGES_ALL, appliance::APT_UPDATE, PACKAGES).returns(appliance::TASK_ID),
    Route::new(Method::GET, "nodes/{node}/apt/versions", SEES_ALL, ONE, Handler::Call(apt::versions)).returns(host::PACKAGES),
    Route::new(Method::POST, "nodes/{node}/certificates/acme/certificate", CERTIFIES, host::CERTIFICATE_ORDER, Handler::Call(certificates::order)).not_all(),
    Route::new(Method::PUT, "nodes/{node}/certificates/acme/certificate", CERTIFIES, host::CERTIFICATE_ORDER, Handler::Call(certificates::order)).not_all(),
    Route::new(Method::DELETE, "nodes/{node}/certificates/custom", CERTIFIES, host::CERTIFICATE_RESET, Handler::Call(certificates::reset)),
    Route::new(Method::POST, "nodes/{node}/certificates/custom", CERTIFIES, host::CERTIFICATE_SET, Handler::Call(certificates::replace)).returns(host::CERTIFICATES),
    Route::new(Method::GET, "nodes/{node}/certificates/info", CERTIFIES, ONE, Handler::Call(certificates::info)).returns(host::CERTIFICATES),
    Route::new(Method::GET, "nodes/{node}/config", SEES_SYSTEM, ONE, Handler::Call(config::read)).returns(NODE_CONFIG),
    Route::new(Method::PUT, "nodes/{node}/config", CHANGES_SYSTEM, NODE_UPDATE, Handler::Call(config::update)),
    Route::new(Method::GET, "nodes/{node}/disks/directory", SEES_DISKS, ONE, DISKS).returns(appliance::DIRECTORIES),
    Route::new(Method::POST, "nodes/{node}/disks/directory", CHANGES_DISKS, appliance::DIRECTORY_CREATE, DISKS).returns(appliance::TASK_ID),
    Route::new(Method::DELETE, "nodes/{node}/disks/directory/{name}", CHANGES_DISKS, appliance::DIRECTORY, DISKS),
    Route::new(Method::POST, "nodes/{node}/disks/initgpt", CHANGES_DISKS, appliance::INIT_GPT, DISKS).returns(appliance::TASK_ID),
    Route::new(Method::GET, "nodes/{node}/disks/list", SEES_DISKS, host::DISKS, Handler::Call(disks::list)).returns(host::DISK_LIST),
    Route::new(Method::GET, "nodes/{node}/disks/smart", SEES_DISKS, appliance::SMART, SMART).returns(appliance::HEALTH),
    Route::new(Method::PUT, "nodes/{node}/disks/wipedisk", CHANGES_DISKS, appliance::WIPE, DISKS).returns(appliance::TASK_ID),
    Route::new(Method::GET, "nodes/{node}/disks/zfs", SEES_DISKS, ONE, DISKS).returns(appliance::POOLS),
    Route::new(Method::POST, "nodes/{node}/disks/zfs", CHANGES_DISKS, appliance::ZFS_CREATE, DISKS).returns(appliance::TASK_ID),
    Route::new(Method::GET, "nodes/{node}/disks/zfs/{name}", SEES_DISKS, appliance::ZFS, DISKS).returns(appliance::POOL),
    Route::new(Method::GET, "nodes/{node}/dns", SEES_DNS, ONE, Handler::Call(dns::read)).returns(host::DNS),
    Route::new(Method::PUT, "nodes/{node}/dns", CHANGES_DNS, appliance::DNS_UPDATE, NETWORK),
    Route::new(Method::GET, "nodes/{node}/identity", Needs::Anybody, ONE, Handler::Call(identity::read)).returns(returns::IDENTITY),
    Route::new(Method::GET, "nodes/{node}/journal", SEES_LOG, host::JOURNAL, Handler::Call(journal::journal)).returns(Returns::List(&Returns::TEXT)),
    Route::new(Method::DELETE, "nodes/{node}/network", CHANGES_NETWORK, ONE, NETWORK),
    Route::new(Method::GET, "nodes/{node}/network", SEES_NETWORK, ONE, Handler::Call(network::list)).returns(host::NETWORK),
    Route::new(Method::POST, "nodes/{node}/network", CHANGES_INTERFACE, appliance::INTERFACE_CREATE, NETWORK),
    Route::new(Method::PUT, "nodes/{node}/network", CHANGES_NETWORK, ONE, NETWORK),
    Route::new(Method::DELETE, "nodes/{node}/network/{iface}", CHANGES_INTERFACE, appliance::INTERFACE_DELETE, NETWORK),
    Route::new(Method::GET, "nodes/{node}/network/{iface}", SEES_INTERFACE, appliance::INTERFACE_ONE, Handler::Call(network::read)).returns(host::NETWORK_INTERFACE),
    Route::new(Method::PUT, "nodes/{node}/network/{iface}", CHANGES_INTERFACE, appliance::INTERFACE_UPDATE, NETWORK),
    Route::new(Method::GET, "nodes/{node}/report", SEES_STATUS, ONE, Handler::Call(report::read)).returns(Returns::TEXT),
    Route::new(Method::GET, "nodes/{node}/rrd", SEES_STATUS, statistics::OF_NODE, Handler::Call(rrd::read)).returns(statistics::NODE_SLOTS),
    Route::new(Method::GET, "nodes/{node}/services", SEES_SERVICES, ONE, Handler::Call(services::list)).returns(host::SERVICES),
    Route::new(Method::POST, "nodes/{node}/services/{service}/reload", CHANGES_SERVICE, appliance::SERVICE, SERVICES),
    Route::new(Method::POST, "nodes/{node}/services/{service}/restart", CHANGES_SERVICE, appliance::SERVICE, SERVICES),
    Route::new(Method::POST, "nodes/{node}/services/{service}/start", CHANGES_SERVICE, appliance::SERVICE, SERVICES),
    Route::new(Method::GET, "nodes/{node}/services/{service}/state", SEES_SERVICE, appliance::SERVICE, Handler::Call(services::state)).returns(host::SERVICE),
    Route::new(Method::POST, "nodes/{node}/services/{service}/stop", CHANGES_SERVICE, appliance::SERVICE, SERVICES),
    Route::new(Method::GET, "nodes/{node}/status", SEES_STATUS, ONE, Handler::Call(status::read)).returns(returns::STATUS),
    Route::new(Method::POST, "nodes/{node}/status", HAS_POWER, appliance::POWER, POWER),
    Route::new(Method::DELETE, "nodes/{node}/subscription", CHANGES_SYSTEM, ONE, SUBSCRIPTION),
    Route::new(Method::GET, "nodes/{node}/subscription", Needs::Anybody, ONE, Handler::Call(subscription::read)).returns(host::SUBSCRIPTION),
    Route::new(Method::POST, "nodes/{node}/subscription", CHANGES_SYSTEM, appliance::SUBSCRIPTION_CHECK, SUBSCRIPTION),
    Route::new(Method::PUT, "nodes/{node}/subscription", CHANGES_SYSTEM, appliance::SUBSCRIPTION_SET, SUBSCRIPTION),
    Route::new(Method::GET, "nodes/{node}/syslog", SEES_LOG, host::SYSLOG, Handler::Call(journal::syslog)).returns(of_task::LINES),
    Route::new(Method::GET, "nodes/{node}/tasks", Needs::Anybody, schema::LIST, Handler::Call(tasks::list)).returns(of_task::TASKS),
    Route::new(Method::DELETE, TASK, Needs::Anybody, schema::TASK, Handler::Call(task::stop)),
    Route::new(Method::GET, "nodes/{node}/tasks/{upid}/log", Needs::Anybody, schema::LOG, Handler::Raw(task::log)).returns(of_task::LOG),
    Route::new(Method::GET, "nodes/{node}/tasks/{upid}/status", Needs::Anybody, schema::TASK, Handler::Call(task::status)).returns(of_task::STATUS),
    Route::new(Method::POST, "nodes/{node}/termproxy", HAS_CONSOLE, appliance::TERMINAL, CONSOLE).returns(appliance::TERMINAL_ACCESS),
    Route::new(Method::GET, "nodes/{node}/time", Needs::Anybody, ONE, Handler::Call(time::read)).returns(host::TIME),
    Route::new(Method::PUT, "nodes/{node}/time", SETS_TIME, appliance::TIME_UPDATE, CLOCK),
    Route::new(Method::GET, "nodes/{node}/vncwebsocket", HAS_CONSOLE, appliance::WEBSOCKET, CONSOLE),
];

/// `GET /nodes`
fn list(call: &Call) -> Result<Answer, Fault> {
    Answer::data(&[NodeItem {
        node: call.ctx.settings().node.clone(),
    }])
}

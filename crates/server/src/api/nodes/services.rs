//! `/nodes/{node}/services`: this one process, which does the work of both daemons of the original. Others are the machine's own business.

use api::rest::host::Service;
use api::schema::{ParamErrors, ValueError};
use serde::Deserialize;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// The original's names, which clients look for.
const OURS: [&str; 2] = ["proxmox-backup", "proxmox-backup-proxy"];

fn service(name: &str) -> Service {
    Service {
        desc: "Strongroom backup server (strongroomd, one process)".to_owned(),
        name: "strongroomd".to_owned(),
        service: name.to_owned(),
        state: "running".to_owned(),
        // Whether anything starts it with the machine is not known to it.
        unit_state: "unknown".to_owned(),
    }
}

/// `GET`
pub fn list(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&OURS.map(service))
}

#[derive(Deserialize)]
struct Named {
    service: String,
}

/// `GET {service}/state`
pub fn state(call: &Call) -> Result<Answer, Fault> {
    let Named { service: name } = call.params.read()?;
    if !OURS.contains(&name.as_str()) {
        return Err(ParamErrors::one("service", ValueError::NotInEnumeration(name)).into());
    }
    Answer::data(&service(&name))
}

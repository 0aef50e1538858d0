//! `GET /nodes/{node}/apt/versions`: what this server is made of. Packages of the machine are its own business.

use api::defaults::{API_RELEASE, API_VERSION};
use api::rest::host::Package;

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn versions(_: &Call) -> Result<Answer, Fault> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Answer::data(&[Package {
        arch: std::env::consts::ARCH.to_owned(),
        description: "Backup server".to_owned(),
        extra_info: Some(format!(
            "speaks the interface of Proxmox Backup Server {API_VERSION}.{API_RELEASE}"
        )),
        old_version: Some(version.clone()),
        origin: "Strongroom".to_owned(),
        package: "strongroomd".to_owned(),
        priority: "optional".to_owned(),
        section: "admin".to_owned(),
        title: "Strongroom backup server".to_owned(),
        version,
    }])
}

//! `GET /nodes/{node}/network`: interfaces as the kernel has them. They are configured with the machine's own tools.

use std::path::Path;

use api::rest::host::NetworkInterface;
use serde::Deserialize;

use crate::fault::Fault;
use crate::machine::{Card, Tables, cards};
use crate::reply::Answer;
use crate::route::Call;

const CLASS: &str = "/sys/class/net";

/// `GET`
pub fn list(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&interfaces())
}

#[derive(Deserialize)]
struct Named {
    iface: String,
}

/// `GET {iface}`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let Named { iface: name } = call.params.read()?;
    let found = interfaces().into_iter().find(|item| item.name == name);
    Answer::data(&found.ok_or(Fault::NoSuch("network interface", name))?)
}

fn interfaces() -> Vec<NetworkInterface> {
    let tables = Tables::read();
    let item = |card: Card| NetworkInterface {
        active: card.is_up,
        altnames: Vec::new(),
        // Whether anything starts it with the machine is not known; what runs was started.
        autostart: card.is_up,
        bridge_ports: (card.kind == "bridge").then(|| card.members.clone()),
        cidr: tables.cidr(&card.name),
        cidr6: tables.cidr6(&card.name),
        gateway: tables.gateway(&card.name),
        mtu: card.mtu,
        options: Vec::new(),
        options6: Vec::new(),
        slaves: (card.kind == "bond").then(|| card.members.clone()),
        kind: card.kind.to_owned(),
        name: card.name,
    };
    cards(Path::new(CLASS)).into_iter().map(item).collect()
}

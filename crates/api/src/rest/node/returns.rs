//! What `/ping`, `/version` and `/nodes` give back.

use crate::schema::{Field, Kind, Returns};

const COUNT: Returns = Returns::Value(Kind::at_least(0));

/// `GET /ping`
pub const PING: Returns = Returns::object(&[Field::new("pong", Returns::BOOLEAN)]);
/// `GET /version`
pub const VERSION: Returns = Returns::object(&[
    Field::new("release", Returns::TEXT),
    Field::new("repoid", Returns::TEXT),
    Field::new("version", Returns::TEXT),
]);
/// `GET` on an inner node.
pub const INDEX: Returns = Returns::List(&Returns::object(&[Field::new("subdir", Returns::TEXT)]));
/// `GET /nodes`
pub const NODES: Returns = Returns::List(&Returns::object(&[Field::new("node", Returns::TEXT)]));
/// `GET /nodes/{node}/identity`
pub const IDENTITY: Returns = Returns::object(&[Field::new("pbs-instance-id", Returns::TEXT)]);
/// `GET /nodes/{node}/status`
pub const STATUS: Returns = Returns::object(&[
    Field::new("boot-info", BOOT_INFO),
    Field::new("cpu", Returns::NUMBER),
    Field::new("cpuinfo", CPU_INFO),
    Field::new("current-kernel", KERNEL),
    Field::new(
        "info",
        Returns::object(&[Field::new("fingerprint", Returns::TEXT)]),
    ),
    Field::new("kversion", Returns::TEXT),
    Field::new("loadavg", Returns::List(&Returns::NUMBER)),
    Field::new("memory", MEMORY),
    Field::new("root", STORAGE),
    Field::new("swap", MEMORY),
    Field::new("uptime", COUNT),
    Field::new("wait", Returns::NUMBER),
]);
const BOOT_INFO: Returns = Returns::object(&[
    Field::new("mode", Returns::Value(Kind::Enum(&["efi", "legacy-bios"]))),
    Field::new("secureboot", Returns::BOOLEAN),
]);
const CPU_INFO: Returns = Returns::object(&[
    Field::new("cpus", COUNT),
    Field::new("model", Returns::TEXT),
    Field::new("sockets", COUNT),
]);
const KERNEL: Returns = Returns::object(&[
    Field::new("machine", Returns::TEXT),
    Field::new("release", Returns::TEXT),
    Field::new("sysname", Returns::TEXT),
    Field::new("version", Returns::TEXT),
]);
const MEMORY: Returns = Returns::object(&[
    Field::new("free", COUNT),
    Field::new("total", COUNT),
    Field::new("used", COUNT),
]);
const STORAGE: Returns = Returns::object(&[
    Field::new("avail", COUNT),
    Field::new("total", COUNT),
    Field::new("used", COUNT),
]);

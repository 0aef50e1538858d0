//! `/ping`, `/version` and `/nodes` (protocol.md 6.1, 6.7).

pub mod returns;

use serde::{Deserialize, Serialize};

use crate::defaults;

/// `GET /ping`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Always true.
    pub pong: bool,
}

/// `GET /version`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Third number.
    pub release: String,
    /// Hash of the sources.
    pub repoid: String,
    /// Major and minor number.
    pub version: String,
}

impl Version {
    /// The version of the interface that is spoken here.
    pub fn current(repoid: &str) -> Version {
        Version {
            release: defaults::API_RELEASE.to_owned(),
            repoid: repoid.to_owned(),
            version: defaults::API_VERSION.to_owned(),
        }
    }
}

/// One element of an index: `GET` on an inner node of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subdir {
    /// Its name.
    pub subdir: String,
}

/// `GET /nodes`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeItem {
    /// Host name.
    pub node: String,
}

/// `GET /nodes/{node}/status`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NodeStatus {
    /// Of the firmware.
    pub boot_info: BootInfo,
    /// Busy part, 0 to 1.
    pub cpu: f64,
    /// The processors.
    pub cpuinfo: CpuInfo,
    /// The kernel.
    pub current_kernel: KernelInfo,
    /// Of the server.
    pub info: NodeInfo,
    /// The kernel in one line.
    pub kversion: String,
    /// Over 1, 5 and 15 minutes.
    pub loadavg: [f64; 3],
    /// Main memory.
    pub memory: Memory,
    /// The root file system.
    pub root: Storage,
    /// Swap.
    pub swap: Memory,
    /// Seconds since boot.
    pub uptime: u64,
    /// Part of the time spent waiting for disks, 0 to 1.
    pub wait: f64,
}

/// Firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootInfo {
    /// `efi` or `legacy-bios`.
    pub mode: String,
    /// Secure boot is on.
    pub secureboot: bool,
}

/// Processors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuInfo {
    /// Logical processors.
    pub cpus: u64,
    /// Name.
    pub model: String,
    /// Sockets.
    pub sockets: u64,
}

/// Kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelInfo {
    /// Hardware name.
    pub machine: String,
    /// Release.
    pub release: String,
    /// `Linux`.
    pub sysname: String,
    /// Version.
    pub version: String,
}

/// The server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Of its certificate.
    pub fingerprint: String,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Free.
    pub free: u64,
    /// All.
    pub total: u64,
    /// In use.
    pub used: u64,
}

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// Can be written.
    pub avail: u64,
    /// All.
    pub total: u64,
    /// In use.
    pub used: u64,
}

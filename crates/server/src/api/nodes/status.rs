//! `/nodes/{node}/status`: the state of the machine, read from the kernel's text files. What the kernel does not tell is 0.

use std::path::Path;

use api::rest::node::{BootInfo, CpuInfo, KernelInfo, Memory, NodeInfo, NodeStatus, Storage};

use crate::fault::Fault;
use crate::machine::{self, CpuLoad, CpuTimes, Processors, text};
use crate::reply::Answer;
use crate::route::Call;

/// Variable of the firmware that says whether secure boot is on; its last byte is the value.
const SECURE_BOOT: &str =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let name = rustix::system::uname();
    let word = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let current_kernel = KernelInfo {
        machine: word(name.machine()),
        release: word(name.release()),
        sysname: word(name.sysname()),
        version: word(name.version()),
    };
    let memory = machine::Memory::parse(&text("/proc/meminfo"));
    let load = cpu_load(call);
    Answer::data(&NodeStatus {
        boot_info: boot_info(Path::new("/sys/firmware/efi")),
        cpu: load.busy,
        cpuinfo: cpu_info(Processors::parse(&text("/proc/cpuinfo"))),
        kversion: format!(
            "{} {} {}",
            current_kernel.sysname, current_kernel.release, current_kernel.version
        ),
        current_kernel,
        info: NodeInfo {
            fingerprint: call.ctx.certificate().fingerprint(),
        },
        loadavg: machine::load_average(&text("/proc/loadavg")),
        memory: Memory {
            free: memory.free,
            total: memory.total,
            used: memory.used(),
        },
        root: root(),
        swap: Memory {
            free: memory.swap_free,
            total: memory.swap_total,
            used: memory.swap_used(),
        },
        uptime: machine::uptime(&text("/proc/uptime")),
        wait: load.wait,
    })
}

fn boot_info(firmware: &Path) -> BootInfo {
    let efi = firmware.exists();
    let secureboot = efi && std::fs::read(SECURE_BOOT).is_ok_and(|value| value.last() == Some(&1));
    BootInfo {
        mode: if efi { "efi" } else { "legacy-bios" }.to_owned(),
        secureboot,
    }
}

/// The load of the last seconds; before the first observation, that since boot.
fn cpu_load(call: &Call) -> CpuLoad {
    let since_boot = || {
        let times = CpuTimes::parse(&text("/proc/stat"));
        times.since(&CpuTimes::default()).unwrap_or_default()
    };
    call.ctx.statistics().cpu().unwrap_or_else(since_boot)
}

fn cpu_info(processors: Processors) -> CpuInfo {
    CpuInfo {
        cpus: processors.count,
        model: processors.model,
        sockets: processors.sockets,
    }
}

fn root() -> Storage {
    let space = machine::space(Path::new("/")).unwrap_or_default();
    Storage {
        avail: space.avail,
        total: space.total,
        used: space.used,
    }
}

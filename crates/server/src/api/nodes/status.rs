//! `/nodes/{node}/status`: the state of the machine, read from the kernel's text files. What the kernel does not tell is 0.

use std::collections::HashSet;
use std::path::Path;

use api::rest::node::{BootInfo, CpuInfo, KernelInfo, Memory, NodeInfo, NodeStatus, Storage};

use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// Variable of the firmware that says whether secure boot is on; its last byte is the value.
const SECURE_BOOT: &str =
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// `GET`
pub fn read(call: &Call) -> Result<Answer, Fault> {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let name = rustix::system::uname();
    let word = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let current_kernel = KernelInfo {
        machine: word(name.machine()),
        release: word(name.release()),
        sysname: word(name.sysname()),
        version: word(name.version()),
    };
    let meminfo = text("/proc/meminfo");
    let load = cpu_load(&text("/proc/stat"));
    Answer::data(&NodeStatus {
        boot_info: boot_info(Path::new("/sys/firmware/efi")),
        cpu: load.busy,
        cpuinfo: cpu_info(&text("/proc/cpuinfo")),
        kversion: format!(
            "{} {} {}",
            current_kernel.sysname, current_kernel.release, current_kernel.version
        ),
        current_kernel,
        info: NodeInfo {
            fingerprint: call.ctx.certificate().fingerprint(),
        },
        loadavg: load_average(&text("/proc/loadavg")),
        memory: memory(&meminfo, "MemTotal:", "MemAvailable:"),
        root: root(),
        swap: memory(&meminfo, "SwapTotal:", "SwapFree:"),
        uptime: uptime(&text("/proc/uptime")),
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

/// Parts of the processors' time since boot.
#[derive(Debug, PartialEq)]
struct Load {
    busy: f64,
    wait: f64,
}

fn cpu_load(stat: &str) -> Load {
    let times: Vec<f64> = stat
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal; the guest's times behind them are counted in user already.
    let total: f64 = times.iter().take(8).sum();
    match times.as_slice() {
        [_, _, _, idle, wait, ..] if total > 0.0 => Load {
            busy: (total - idle - wait) / total,
            wait: wait / total,
        },
        _ => Load {
            busy: 0.0,
            wait: 0.0,
        },
    }
}

fn cpu_info(cpuinfo: &str) -> CpuInfo {
    let field = |line: &str, name: &str| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    };
    let values = |name: &str| {
        cpuinfo
            .lines()
            .filter_map(|line| field(line, name))
            .collect::<Vec<_>>()
    };
    let sockets: HashSet<String> = values("physical id").into_iter().collect();
    CpuInfo {
        cpus: values("processor").len() as u64,
        model: values("model name").into_iter().next().unwrap_or_default(),
        sockets: sockets.len().max(1) as u64,
    }
}

fn load_average(text: &str) -> [f64; 3] {
    let mut numbers = text
        .split_ascii_whitespace()
        .map(|number| number.parse().unwrap_or(0.0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0.0))
}

fn memory(meminfo: &str, total: &str, free: &str) -> Memory {
    let bytes = |name: &str| -> u64 {
        let value = meminfo
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default();
        let kib: u64 = value.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        kib.saturating_mul(1024)
    };
    let (total, free) = (bytes(total), bytes(free));
    Memory {
        free,
        total,
        used: total.saturating_sub(free),
    }
}

fn uptime(text: &str) -> u64 {
    let seconds = text.split(['.', ' ']).next().unwrap_or_default();
    seconds.parse().unwrap_or(0)
}

fn root() -> Storage {
    rustix::fs::statvfs("/").map_or(
        Storage {
            avail: 0,
            total: 0,
            used: 0,
        },
        |s| Storage {
            avail: s.f_bavail.saturating_mul(s.f_frsize),
            total: s.f_blocks.saturating_mul(s.f_frsize),
            used: s
                .f_blocks
                .saturating_sub(s.f_bfree)
                .saturating_mul(s.f_frsize),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_kernel() {
        assert_eq!(
            cpu_load("cpu  10 0 10 60 20 0 0 0 5 0\ncpu0 1"),
            Load {
                busy: 0.2,
                wait: 0.2
            }
        );
        assert_eq!(
            cpu_load(""),
            Load {
                busy: 0.0,
                wait: 0.0
            }
        );
        let meminfo = "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n";
        let expected = Memory {
            free: 409_600,
            total: 1_024_000,
            used: 614_400,
        };
        assert_eq!(memory(meminfo, "MemTotal:", "MemAvailable:"), expected);
        assert_eq!(
            memory("", "SwapTotal:", "SwapFree:"),
            Memory {
                free: 0,
                total: 0,
                used: 0
            }
        );
        assert_eq!(load_average("0.50 1.25 x 1/2 3"), [0.5, 1.25, 0.0]);
        assert_eq!(uptime("3294.51 1.0\n"), 3294);
        let cpus = "processor\t: 0\nmodel name\t: AMD: EPYC\nphysical id\t: 0\n\nprocessor\t: 1\nphysical id\t: 1\n";
        assert_eq!(
            cpu_info(cpus),
            CpuInfo {
                cpus: 2,
                model: "AMD: EPYC".into(),
                sockets: 2
            }
        );
    }
}

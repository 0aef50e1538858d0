//! What the kernel tells about this machine: processors, memory, load, disks, network, read from its text files. The parsers are pure; what the
//! kernel does not tell is missing or 0. Used by the node's status, by the statistics and by what monitoring asks.

mod block;
mod drives;
mod interface;
mod network;

use std::collections::HashSet;
use std::path::Path;

pub use block::{DiskCounters, disk_counters};
pub use drives::{Drive, Partition, Sources, drives};
pub use interface::{Card, Tables, cards};
pub use network::{Traffic, traffic};

/// A kernel's text file; nothing if it is not there.
pub fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// A count as a number for rates and graphs. Beyond 2^53 the last digits go, which no graph shows.
pub fn real(count: u64) -> f64 {
    count as f64
}

/// The processors' time since boot, all of them together, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuTimes {
    pub total: f64,
    pub idle: f64,
    pub wait: f64,
}

/// Parts of the processors' time, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuLoad {
    pub busy: f64,
    pub wait: f64,
}

impl CpuTimes {
    /// From `/proc/stat`.
    pub fn parse(stat: &str) -> CpuTimes {
        let times: Vec<f64> = stat
            .lines()
            .find_map(|line| line.strip_prefix("cpu "))
            .unwrap_or_default()
            .split_ascii_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; the guest's times behind them are counted in user already.
        let part = |place: usize| times.get(place).copied().unwrap_or(0.0);
        CpuTimes {
            total: times.iter().take(8).sum(),
            idle: part(3),
            wait: part(4),
        }
    }

    /// The load since `before`; nothing if no time has gone by.
    pub fn since(&self, before: &CpuTimes) -> Option<CpuLoad> {
        let total = self.total - before.total;
        let (idle, wait) = (self.idle - before.idle, self.wait - before.wait);
        (total > 0.0).then(|| CpuLoad {
            busy: ((total - idle - wait) / total).clamp(0.0, 1.0),
            wait: (wait / total).clamp(0.0, 1.0),
        })
    }
}

/// The processors.
#[derive(Debug, PartialEq, Eq)]
pub struct Processors {
    pub count: u64,
    pub model: String,
    pub sockets: u64,
}

impl Processors {
    /// From `/proc/cpuinfo`.
    pub fn parse(cpuinfo: &str) -> Processors {
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
        Processors {
            count: values("processor").len() as u64,
            model: values("model name").into_iter().next().unwrap_or_default(),
            sockets: sockets.len().max(1) as u64,
        }
    }
}

/// Bytes of memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    pub total: u64,
    pub free: u64,
    pub swap_total: u64,
    pub swap_free: u64,
}

impl Memory {
    /// From `/proc/meminfo`. Free is what programs could get, caches among it.
    pub fn parse(meminfo: &str) -> Memory {
        let bytes = |name| kib_field(meminfo, name);
        Memory {
            total: bytes("MemTotal:"),
            free: bytes("MemAvailable:"),
            swap_total: bytes("SwapTotal:"),
            swap_free: bytes("SwapFree:"),
        }
    }

    pub fn used(&self) -> u64 {
        self.total.saturating_sub(self.free)
    }

    pub fn swap_used(&self) -> u64 {
        self.swap_total.saturating_sub(self.swap_free)
    }
}

/// Averages over 1, 5 and 15 minutes, from `/proc/loadavg`.
pub fn load_average(text: &str) -> [f64; 3] {
    let mut numbers = text
        .split_ascii_whitespace()
        .map(|number| number.parse().unwrap_or(0.0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0.0))
}

/// Whole seconds since boot, from `/proc/uptime`.
pub fn uptime(text: &str) -> u64 {
    let seconds = text.split(['.', ' ']).next().unwrap_or_default();
    seconds.parse().unwrap_or(0)
}

/// Bytes of a file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    pub total: u64,
    pub used: u64,
    /// For whoever is not root.
    pub avail: u64,
}

/// The file system of a path.
pub fn space(path: &Path) -> Option<Space> {
    let s = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(s.f_frsize);
    Some(Space {
        total: bytes(s.f_blocks),
        used: bytes(s.f_blocks.saturating_sub(s.f_bfree)),
        avail: bytes(s.f_bavail),
    })
}

/// Bytes of main memory that this process occupies.
pub fn resident_bytes() -> u64 {
    kib_field(&text("/proc/self/status"), "VmRSS:")
}

/// A line `name  123 kB`, in bytes; 0 if it is not there.
fn kib_field(text: &str, name: &str) -> u64 {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_default();
    let kib: u64 = value.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    kib.saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_processors() {
        let boot = CpuTimes::default();
        let times = CpuTimes::parse("cpu  10 0 10 60 20 0 0 0 5 0\ncpu0 1");
        let load = CpuLoad {
            busy: 0.2,
            wait: 0.2,
        };
        assert_eq!(times.since(&boot), Some(load));
        assert_eq!(times.since(&times), None);
        assert_eq!(CpuTimes::parse("").since(&boot), None);
        let later = CpuTimes::parse("cpu  20 0 10 150 20 0 0 0 5 0\n");
        assert_eq!(later.since(&times).expect("time went by").busy, 0.1);
    }

    #[test]
    fn texts_of_the_kernel() {
        let meminfo = "MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    400 kB\n";
        let memory = Memory::parse(meminfo);
        assert_eq!(
            (memory.total, memory.free, memory.used(), memory.swap_used()),
            (1_024_000, 409_600, 614_400, 0)
        );
        assert_eq!(Memory::parse(""), Memory::default());
        assert_eq!(load_average("0.50 1.25 x 1/2 3"), [0.5, 1.25, 0.0]);
        assert_eq!(uptime("3294.51 1.0\n"), 3294);
        let cpus = "processor\t: 0\nmodel name\t: AMD: EPYC\nphysical id\t: 0\n\nprocessor\t: 1\nphysical id\t: 1\n";
        assert_eq!(
            Processors::parse(cpus),
            Processors {
                count: 2,
                model: "AMD: EPYC".into(),
                sockets: 2
            }
        );
    }

    #[test]
    fn this_machine_has_space_and_memory() {
        assert!(space(Path::new("/")).expect("root").total > 0);
        assert_eq!(space(Path::new("/no/such/place")), None);
        assert!(resident_bytes() > 0);
    }
}

//! What the disk below a path has done since boot, from the kernel's counters for its block device.

use std::path::Path;

use super::text;

/// Bytes of the kernel's sectors, whatever the disk's own are.
const SECTOR: u64 = 512;

/// Counters of one block device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskCounters {
    pub read_ios: u64,
    pub read_bytes: u64,
    pub write_ios: u64,
    pub write_bytes: u64,
    /// Milliseconds in which it was at work.
    pub busy_ms: u64,
}

impl DiskCounters {
    /// From the `stat` file of a block device.
    pub fn parse(stat: &str) -> Option<DiskCounters> {
        let numbers: Vec<u64> = stat
            .split_ascii_whitespace()
            .map_while(|number| number.parse().ok())
            .collect();
        // reads merged sectors ms, writes merged sectors ms, in flight, busy ms, ...
        let [read_ios, _, read, _, write_ios, _, write, _, _, busy_ms, ..] = numbers[..] else {
            return None;
        };
        Some(DiskCounters {
            read_ios,
            read_bytes: read.saturating_mul(SECTOR),
            write_ios,
            write_bytes: write.saturating_mul(SECTOR),
            busy_ms,
        })
    }
}

/// The counters of the device that the path's file system is on. File systems over several devices (ZFS, Btrfs, overlays, network) have none.
pub fn disk_counters(path: &Path) -> Option<DiskCounters> {
    let device = rustix::fs::stat(path).ok()?.st_dev;
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    DiskCounters::parse(&text(format!("/sys/dev/block/{major}:{minor}/stat")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_a_device() {
        let stat = "   11  2  30  4  55  6  70  8  0  99  12 0 0 0 0 0 0\n";
        let expected = DiskCounters {
            read_ios: 11,
            read_bytes: 30 * 512,
            write_ios: 55,
            write_bytes: 70 * 512,
            busy_ms: 99,
        };
        assert_eq!(DiskCounters::parse(stat), Some(expected));
        for wrong in ["", "1 2 3", "1 2 3 4 5 6 7 8 9 x"] {
            assert_eq!(DiskCounters::parse(wrong), None, "{wrong:?}");
        }
    }
}

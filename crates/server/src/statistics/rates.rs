//! From what is observed to values: some are as they are seen, others are how fast a counter went since the observation before.

use super::recent::Seen;
use crate::machine::{CpuLoad, CpuTimes, DiskCounters, Memory, Space, Traffic, real};

/// The file system and the disk below a path.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DiskObservation {
    pub space: Option<Space>,
    pub counters: Option<DiskCounters>,
}

/// The host.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HostObservation {
    pub cpu: CpuTimes,
    pub memory: Memory,
    pub load: [f64; 3],
    pub traffic: Traffic,
    pub root: DiskObservation,
}

/// How much a counter grew per second; nothing if it began anew or no time went by.
fn per_second(before: u64, after: u64, seconds: i64) -> Option<f64> {
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    let grown = after.checked_sub(before)?;
    Some(real(grown) / real(seconds))
}

/// `read_ios read_bytes write_ios write_bytes io_ticks`
fn disk_rates(
    before: Option<DiskCounters>,
    after: Option<DiskCounters>,
    seconds: i64,
) -> [Option<f64>; 5] {
    let rate = |of: fn(&DiskCounters) -> u64| {
        per_second(of(before.as_ref()?), of(after.as_ref()?), seconds)
    };
    [
        rate(|d| d.read_ios),
        rate(|d| d.read_bytes),
        rate(|d| d.write_ios),
        rate(|d| d.write_bytes),
        rate(|d| d.busy_ms).map(|ms| ms / 1000.0),
    ]
}

impl HostObservation {
    /// In the order of [`super::HOST_FIELDS`], and the processors' load, since `before`.
    pub(super) fn values(
        &self,
        before: Option<Seen<HostObservation>>,
        now: i64,
    ) -> (Vec<Option<f64>>, Option<CpuLoad>) {
        let seconds = before.map_or(0, |seen| now - seen.time);
        let before = before.map(|seen| seen.what);
        let load = before.and_then(|before| self.cpu.since(&before.cpu));
        let traffic =
            |of: fn(&Traffic) -> u64| per_second(of(&before?.traffic), of(&self.traffic), seconds);
        let (memory, space) = (self.memory, self.root.space);
        let mut values = vec![
            load.map(|load| load.busy),
            load.map(|load| load.wait),
            Some(real(memory.total)),
            Some(real(memory.used())),
            Some(real(memory.swap_total)),
            Some(real(memory.swap_used())),
            traffic(|t| t.received),
            traffic(|t| t.sent),
            Some(self.load[0]),
            space.map(|space| real(space.total)),
            space.map(|space| real(space.used)),
        ];
        let counters = before.and_then(|before| before.root.counters);
        values.extend(disk_rates(counters, self.root.counters, seconds));
        (values, load)
    }
}

impl DiskObservation {
    /// In the order of [`super::STORE_FIELDS`], since `before`.
    pub(super) fn values(
        &self,
        before: Option<Seen<DiskObservation>>,
        now: i64,
    ) -> Vec<Option<f64>> {
        let seconds = before.map_or(0, |seen| now - seen.time);
        let counters = before.and_then(|seen| seen.what.counters);
        let of = |number: fn(&Space) -> u64| self.space.as_ref().map(number).map(real);
        let mut values = vec![of(|s| s.total), of(|s| s.avail), of(|s| s.used)];
        values.extend(disk_rates(counters, self.counters, seconds));
        values
    }
}

//! The last half hour as it was observed, for monitoring systems that fetch it (server.md 7.4). Bounded by number.

use std::collections::VecDeque;

use super::Object;
use super::rates::{DiskObservation, HostObservation};
use crate::machine::{CpuLoad, real};

/// Observations that are kept: half an hour.
const KEPT: usize = 180;

/// An observation and when it was made.
#[derive(Debug, Clone, Copy)]
pub struct Seen<T> {
    pub time: i64,
    pub what: T,
}

/// How a value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Gauge,
    /// A counter; what matters is how fast it grows.
    Derive,
}

/// One value of one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub time: i64,
    pub metric: &'static str,
    pub kind: Kind,
    pub value: f64,
}

/// One object's.
#[derive(Debug, Default)]
pub struct Recent {
    host: VecDeque<Seen<(HostObservation, Option<CpuLoad>)>>,
    store: VecDeque<Seen<DiskObservation>>,
}

fn push<T>(kept: &mut VecDeque<T>, new: T) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(new);
}

impl Recent {
    /// The newest one of the host.
    pub fn host(&self) -> Option<Seen<HostObservation>> {
        self.host.back().map(|seen| Seen {
            time: seen.time,
            what: seen.what.0,
        })
    }

    /// The newest one of a datastore.
    pub fn store(&self) -> Option<Seen<DiskObservation>> {
        self.store.back().copied()
    }

    pub fn push_host(&mut self, time: i64, seen: HostObservation, load: Option<CpuLoad>) {
        let what = (seen, load);
        push(&mut self.host, Seen { time, what });
    }

    pub fn push_store(&mut self, time: i64, what: DiskObservation) {
        push(&mut self.store, Seen { time, what });
    }

    /// Those after a time, or of them only the newest.
    pub fn points(&self, object: &Object, history: bool, after: i64) -> Vec<Point> {
        let all: Vec<Vec<Point>> = match object {
            Object::Host => self
                .host
                .iter()
                .filter(|seen| seen.time > after)
                .map(|seen| host_points(seen.time, &seen.what.0, seen.what.1))
                .collect(),
            Object::Store(_) => self
                .store
                .iter()
                .filter(|seen| seen.time > after)
                .map(|seen| disk_points(seen.time, &seen.what))
                .collect(),
        };
        if history {
            all.into_iter().flatten().collect()
        } else {
            all.into_iter().next_back().unwrap_or_default()
        }
    }
}

fn host_points(time: i64, seen: &HostObservation, load: Option<CpuLoad>) -> Vec<Point> {
    let gauge = |metric, value| Point {
        time,
        metric,
        kind: Kind::Gauge,
        value,
    };
    let counter = |metric, value| Point {
        time,
        metric,
        kind: Kind::Derive,
        value: real(value),
    };
    let memory = seen.memory;
    let mut points = Vec::new();
    if let Some(load) = load {
        points.push(gauge("cpu_current", load.busy));
        points.push(gauge("cpu_iowait", load.wait));
    }
    points.extend([
        gauge("cpu_avg1", seen.load[0]),
        gauge("cpu_avg5", seen.load[1]),
        gauge("cpu_avg15", seen.load[2]),
        gauge("mem_total", real(memory.total)),
        gauge("mem_used", real(memory.used())),
        gauge("swap_total", real(memory.swap_total)),
        gauge("swap_used", real(memory.swap_used())),
        counter("net_in", seen.traffic.received),
        counter("net_out", seen.traffic.sent),
    ]);
    points.extend(disk_points(time, &seen.root));
    points
}

fn disk_points(time: i64, seen: &DiskObservation) -> Vec<Point> {
    let point = |metric, kind, value| Point {
        time,
        metric,
        kind,
        value: real(value),
    };
    let mut points = Vec::new();
    if let Some(space) = seen.space {
        points.extend([
            point("disk_total", Kind::Gauge, space.total),
            point("disk_used", Kind::Gauge, space.used),
            point("disk_available", Kind::Gauge, space.avail),
        ]);
    }
    if let Some(counters) = seen.counters {
        points.extend([
            point("disk_read", Kind::Derive, counters.read_bytes),
            point("disk_write", Kind::Derive, counters.write_bytes),
        ]);
    }
    points
}
